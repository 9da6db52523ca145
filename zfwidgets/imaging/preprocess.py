"""From a picture to a model's input and back: the pixels, and where each of them lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..errors import ImageError, ParameterError
from .checks import numbers_of, whole_number
from .load import Picture, as_image

if TYPE_CHECKING:  # torch takes seconds to import: who only draws pictures does not wait for it
    import torch

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "Preprocess"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
# Beyond this a crop shows less than a hundredth of the picture, and resizing it would need gigabytes.
_MOST_ELONGATED = 100


@dataclass(frozen=True)
class Preprocess:
    """Short side to ``resize``, centre crop of ``size`` x ``size``, then (rgb - mean) / std.

    The paper's section 3 (smallest side to 256, the centre, 224 of it) with the mean per channel instead of
    per pixel; equal to torchvision's Resize, CenterCrop, ToTensor and Normalize on PIL pictures.

    Parameters
    ----------
    size : int
        Side of the square input, in pixels.
    resize : int, optional
        What the picture's short side becomes before the crop, at least ``size``; ``round(size * 256 / 224)``
        unless given.
    mean, std : tuple of three float
        Per channel, for pixels in [0, 1]; ``std`` is positive.
    interpolation : {"bilinear", "bicubic"}
        Antialiased in both cases.

    Raises
    ------
    ParameterError
        A number that makes no sense.

    Examples
    --------
    >>> preprocess = Preprocess(size=96)
    >>> preprocess.short_side
    110
    >>> picture = Image.new("RGB", (200, 100), (255, 0, 0))
    >>> preprocess(picture).shape
    torch.Size([3, 96, 96])
    >>> preprocess.inverse(preprocess(picture))[0, 0].tolist()
    [255, 0, 0]
    """

    size: int = 224
    resize: int | None = None
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        size = whole_number(self.size, "size")
        resize = None if self.resize is None else whole_number(self.resize, "resize", least=size)
        mean, std = numbers_of(self.mean, 3, "mean"), numbers_of(self.std, 3, "std")
        if min(std) <= 0:
            raise ParameterError(f"std must be three positive numbers, not {self.std!r}.")
        if not isinstance(self.interpolation, str) or self.interpolation not in _FILTERS:
            raise ParameterError(f"interpolation must be 'bilinear' or 'bicubic', not {self.interpolation!r}.")
        # Lists, as a JSON manifest holds them, become tuples, so that it can be hashed.
        for name, value in (("size", size), ("resize", resize), ("mean", mean), ("std", std)):
            object.__setattr__(self, name, value)

    @property
    def short_side(self) -> int:
        """What the picture's short side becomes before the crop, in pixels."""
        return round(self.size * 256 / 224) if self.resize is None else self.resize

    def __call__(self, picture: Picture) -> torch.Tensor:
        """The model's input for a picture.

        Parameters
        ----------
        picture : PIL.Image.Image
            Or anything else that :func:`as_image` takes.

        Returns
        -------
        torch.Tensor
            float32 (3, size, size), on the CPU.

        Raises
        ------
        ImageError
            It is no picture, or more than 100 times as long as wide.
        """
        import torch

        levels = torch.from_numpy(np.array(self.crop(picture)))  # a copy: torch warns about memory it may not write
        return self.normalise(levels.permute(2, 0, 1).contiguous().to(torch.float32).div(255))

    def crop(self, picture: Picture) -> Image.Image:
        """Exactly what the network sees of a picture: RGB, size x size."""
        image = as_image(picture)
        width, height, left, top = self._placement(image.size)
        resized = image.resize((width, height), _FILTERS[self.interpolation])
        return resized.crop((left, top, left + self.size, top + self.size))

    def inverse(self, inputs: torch.Tensor) -> npt.NDArray[np.uint8]:
        """A model input as a picture again, clipped to what a screen can show.

        Parameters
        ----------
        inputs : torch.Tensor
            (3, H, W) or (N, 3, H, W), on any device.

        Returns
        -------
        numpy.ndarray
            uint8 (H, W, 3) or (N, H, W, 3); not a number becomes black.

        Examples
        --------
        >>> import torch
        >>> Preprocess().inverse(torch.zeros(2, 3, 4, 5)).shape
        (2, 4, 5, 3)
        """
        import torch

        if inputs.ndim not in (3, 4) or inputs.shape[-3] != 3:
            raise ParameterError(f"inputs must be (3, H, W) or (N, 3, H, W), not {tuple(inputs.shape)}.")
        mean, std = self._statistics(inputs)
        levels = (inputs.detach() * std + mean).nan_to_num(0.0).clamp(0, 1).mul(255).round().to(torch.uint8)
        picture: npt.NDArray[np.uint8] = np.ascontiguousarray(levels.movedim(-3, -1).cpu().numpy())
        return picture

    def normalise(self, pixels: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """Pixels in [0, 1], (..., 3, H, W), in the scale of the model's input; the same device and type.

        `out` takes the result where that spares a tensor; it may be `pixels` itself.

        Examples
        --------
        >>> import torch
        >>> Preprocess(mean=(0, 0, 0), std=(0.5, 0.5, 0.5)).normalise(torch.ones(3, 1, 1)).flatten()
        tensor([2., 2., 2.])
        """
        mean, std = self._statistics(pixels)
        import torch

        return torch.sub(pixels, mean, out=out).div_(std)

    def colour(self, rgb: tuple[float, float, float]) -> torch.Tensor:
        """One colour, red, green and blue in [0, 1], in the scale of the model's input: float32 (3, 1, 1)."""
        import torch

        parts = numbers_of(rgb, 3, "a colour")
        if min(parts) < 0 or max(parts) > 1:
            raise ParameterError(f"a colour must be three numbers from 0 to 1, not {rgb!r}.")
        return self.normalise(torch.tensor(parts, dtype=torch.float32).reshape(3, 1, 1))

    def to_input(self, x: float, y: float, picture_size: tuple[int, int]) -> tuple[float, float]:
        """Where a point of the picture lies in the model's input.

        Parameters
        ----------
        x, y : float
            From the picture's left and top edge, in its pixels: the first pixel reaches from 0 to 1, its
            middle is 0.5.
        picture_size : tuple of two int
            Width and height of the picture, as PIL gives them.

        Returns
        -------
        tuple of two float
            From the input's left and top edge; outside [0, size] where the crop cuts the point off.

        Examples
        --------
        >>> Preprocess(size=100, resize=100).to_input(200, 100, picture_size=(400, 200))
        (50.0, 50.0)
        """
        width, height, left, top = self._placement(picture_size)
        return x * width / picture_size[0] - left, y * height / picture_size[1] - top

    def to_picture(self, x: float, y: float, picture_size: tuple[int, int]) -> tuple[float, float]:
        """Where a point of the model's input lies in the picture: the inverse of :meth:`to_input`.

        Examples
        --------
        >>> Preprocess(size=100, resize=100).to_picture(50, 50, picture_size=(400, 200))
        (200.0, 100.0)
        """
        width, height, left, top = self._placement(picture_size)
        return (x + left) * picture_size[0] / width, (y + top) * picture_size[1] / height

    def _placement(self, picture_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Width and height of the resized picture, left and top of the crop; rounded as torchvision does."""
        width, height = picture_size
        short, long = min(width, height), max(width, height)
        if long > _MOST_ELONGATED * short:
            raise ImageError(
                f"A picture of {width} x {height} pixels is too long for a square crop to show much of it "
                f"(at most {_MOST_ELONGATED} : 1); cut out the part to look at."
            )
        scaled = int(self.short_side * long / short)
        width, height = (self.short_side, scaled) if width <= height else (scaled, self.short_side)
        return width, height, round((width - self.size) / 2), round((height - self.size) / 2)

    def _statistics(self, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and std as (3, 1, 1), on the device and in the type of ``like``."""
        import torch

        mean, std = (
            torch.tensor(values, dtype=like.dtype, device=like.device).reshape(3, 1, 1)
            for values in (self.mean, self.std)
        )
        return mean, std
