"""Damaged files: thousands of corruptions give an RGB picture or an ImageError, and nothing else at all."""

from __future__ import annotations

import sys
import warnings
from threading import Thread

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imaging.files import colourful, encoded
from PIL import Image

from zfwidgets.errors import ImageError
from zfwidgets.imaging import as_image

SMALL = colourful(40, 30)
FRAMES = [Image.new("P", (24, 16), number) for number in range(3)]
EXIF = Image.Exif()
EXIF[0x0112] = 6
EXIF[0x010E] = "a description"

FILES = {
    "png": encoded(SMALL, "PNG", exif=EXIF),
    "png-palette": encoded(SMALL.quantize(16), "PNG", transparency=3),
    "png-deep": encoded(Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30) * 100), "PNG"),
    "apng": encoded(FRAMES[0], "PNG", save_all=True, append_images=FRAMES[1:]),
    "jpeg": encoded(SMALL, "JPEG", exif=EXIF),
    "jpeg-progressive": encoded(SMALL.convert("CMYK"), "JPEG", progressive=True),
    "mpo": encoded(SMALL, "MPO", save_all=True, append_images=[SMALL]),
    "gif": encoded(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]),
    "webp": encoded(SMALL, "WEBP"),
    "webp-animated": encoded(FRAMES[0], "WEBP", save_all=True, append_images=FRAMES[1:]),
    "tiff": encoded(SMALL, "TIFF", exif=EXIF),
    "tiff-lzw": encoded(SMALL, "TIFF", compression="tiff_lzw"),
    "tiff-float": encoded(Image.fromarray(np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30)), "TIFF"),
    "bmp": encoded(SMALL, "BMP"),
    "ppm": encoded(SMALL, "PPM"),
}


def outcome(content: bytes) -> Image.Image | str:
    """The picture or the sentence; any other exception, and any warning, fails the test."""
    try:
        image = as_image(content, name="damaged.png")
    except ImageError as error:
        sentence = str(error)
        assert sentence.startswith("'damaged.png' ")
        assert sentence.endswith(".")
        assert "\n" not in sentence
        assert len(sentence) < 400
        return sentence
    assert image.mode == "RGB"
    assert image.width * image.height > 0
    assert np.asarray(image).shape == (image.height, image.width, 3)
    return image


@pytest.mark.parametrize("kind", FILES)
def test_the_undamaged_file_is_a_picture(kind: str) -> None:
    assert isinstance(outcome(FILES[kind]), Image.Image)


@pytest.mark.parametrize("kind", FILES)
def test_every_kind_of_damage(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    content = FILES[kind]
    dice = np.random.default_rng(sum(kind.encode()))
    for trial in range(150):
        damaged = bytearray(content)
        # Most places in the header, where damage does most.
        places = dice.integers(0, len(content) if trial % 2 else min(160, len(content)), size=1 + trial % 5)
        for place in places:
            damaged[place] = dice.integers(256) if trial % 3 else damaged[place] ^ (1 << dice.integers(8))
        outcome(bytes(damaged))
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err == "" or kind == "tiff-lzw"  # libtiff, in C, writes there whatever one does


@pytest.mark.parametrize("kind", FILES)
def test_every_length(kind: str) -> None:
    content = FILES[kind]
    for length in {*range(min(64, len(content))), *range(64, len(content), max(1, len(content) // 40))}:
        outcome(content[:length])


@settings(max_examples=300)
@given(data=st.data())
def test_any_bytes_after_any_beginning(data: st.DataObject) -> None:
    content = FILES[data.draw(st.sampled_from(sorted(FILES)))]
    start = data.draw(st.integers(0, min(200, len(content))))
    rest = data.draw(st.binary(max_size=200))
    outcome(content[:start] + rest + content[start + len(rest) :])


@pytest.mark.parametrize(
    "failure",
    [MemoryError(), RecursionError("too deep"), SyntaxError("odd"), ValueError(""), Image.DecompressionBombError("x")],
)
def test_whatever_a_decoder_raises(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(Image, "open", fail)
    words = "needs more memory than there is" if isinstance(failure, MemoryError) else "is "
    assert f"'damaged.png' {words}" in str(outcome(FILES["png"]))


@pytest.mark.parametrize("leave", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_is_not_an_image_error(leave: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise leave

    monkeypatch.setattr(Image, "open", stop)
    with pytest.raises(leave):
        as_image(FILES["png"])


def test_threads_leave_the_warning_filters_as_they_were() -> None:
    before = list(warnings.filters)
    noisy = FILES["mpo"].replace(b"MPF\0II", b"MPF\0XX")
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [Thread(target=lambda: [outcome(noisy) for _ in range(40)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    assert warnings.filters == before
