"""Forward: activations and switches of the wanted layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from zfwidgets.data import ImageSet
from zfwidgets.errors import ParameterError
from zfwidgets.methods.recording import Recording
from zfwidgets.network import Network, checked_network
from zfwidgets.network.graph import Pass

__all__ = ["record", "stacked"]


def record(net: Network, images: Any, layers: Sequence[str] | None = None) -> Recording:
    """Run pictures through the network and keep activations, switches and masks.

    Parameters
    ----------
    net : Network
        A network that can be traced.
    images : picture, tensor, list of them or ImageSet
        Pictures go through ``net.preprocess``; a tensor (3, H, W) is a model input, (N, 3, H, W) a batch.
    layers : sequence of str, optional
        Layers whose activations are wanted; ``net.menu`` by default.

    Returns
    -------
    Recording

    Raises
    ------
    UnknownNameError
        For a layer that does not exist.
    NetworkError
        If the network cannot be traced.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 2))
    >>> net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    >>> record(net, torch.rand(3, 16, 16), ["conv1"]).activations["conv1"].shape
    (1, 4, 14, 14)
    """
    names = tuple(checked_network(net).menu if layers is None else layers)
    batch, forward = _run(net, images, names, logits=True)
    logits = net.as_logits(forward.outputs[net.traced().output])
    activations = {name: _numpy(forward.outputs[net.layers[name].index]) for name in names}
    # The way back reads memory and shapes; the activations are handed over as arrays.
    forward.outputs.clear()
    return Recording(batch, activations, _numpy(logits), forward)


def record_for_projections(net: Network, images: Any, layers: Sequence[str]) -> Recording:
    """What `record` gives, without the logits: nothing above the layers is run."""
    batch, forward = _run(net, images, layers, logits=False)
    activations = {name: forward.outputs[net.layers[name].index].cpu().numpy() for name in layers}
    forward.outputs.clear()
    return Recording(batch, activations, np.empty((len(batch), 0), np.float32), forward)


def _run(net: Network, images: Any, layers: Sequence[str], *, logits: bool) -> tuple[torch.Tensor, Pass]:
    batch = as_batch(checked_network(net), images)
    graph = net.traced()
    wanted = {net.layers[name].index for name in layers} | ({graph.output} if logits else set())
    # Convolutions and pools are up to twice as fast with channels varying fastest.
    laid_out = batch.contiguous(memory_format=torch.channels_last) if graph.tabled else batch
    with net.lock, net.without_gradients(), net.evaluation():
        return batch, graph.run(laid_out, wanted, remember=True)


def as_batch(net: Network, images: Any) -> torch.Tensor:
    """(N, 3, H, W) on the network's device, of one picture or model input, or of a list or an `ImageSet` of them."""
    if isinstance(images, ImageSet):
        images = [images[key] for key in images]
    elif isinstance(images, Iterator) or (isinstance(images, torch.Tensor) and images.dim() == 4):
        images = list(images)
    elif not isinstance(images, list | tuple):
        images = [images]
    if not images:
        raise ParameterError("There are no images; give at least one.")
    return stacked([net.input(image) for image in images])


def stacked(inputs: Sequence[torch.Tensor]) -> torch.Tensor:
    """(N, 3, H, W) of model inputs, or the error that says that they have several sizes."""
    sizes = {tuple(one.shape) for one in inputs}
    if len(sizes) > 1:
        raise ParameterError(f"Model inputs of one batch must have one size, found {sorted(sizes)}.")
    return torch.stack(list(inputs))


def _numpy(tensor: torch.Tensor) -> NDArray[np.float32]:
    # clone: an identity layer may be the input itself, and results must not share memory with it
    return tensor.detach().to("cpu", torch.float32).contiguous().clone().numpy()
