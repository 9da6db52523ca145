"""The front door for files: whatever a person drops on it becomes an upright RGB picture or one clear sentence."""

from __future__ import annotations

import io
import os
import tracemalloc
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import torch
from imaging.files import colourful, encoded, png
from PIL import Image
from twins.imaging import over

from zfwidgets.errors import ImageError, ParameterError
from zfwidgets.imaging import as_image
from zfwidgets.imaging.load import FORMATS

WHITE = (255, 255, 255)


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


def with_palette(index: int) -> Image.Image:
    flat = Image.new("P", (3, 3), index)
    flat.putpalette([0, 0, 0, 12, 200, 34])
    return flat


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "PPM"])
def test_an_exact_format_gives_the_exact_pixels(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.bin"
    path.write_bytes(encoded(colourful(), kind))
    for source in (path, str(path), path.read_bytes(), bytearray(path.read_bytes()), memoryview(path.read_bytes())):
        image = as_image(source)
        assert image.mode == "RGB"
        assert image.info == {"notes": ()}
        np.testing.assert_array_equal(pixels(image), pixels(colourful()))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_a_lossy_format_gives_nearly_the_pixels(kind: str) -> None:
    image = as_image(encoded(colourful(), kind, quality=95))
    assert np.abs(pixels(image) - pixels(colourful())).mean() < 4


def test_a_renamed_file_is_read_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(encoded(colourful(), "PNG"))
    np.testing.assert_array_equal(pixels(as_image(path)), pixels(colourful()))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "PPM"])
def test_a_truncated_file_is_refused_by_name(kind: str) -> None:
    content = encoded(colourful(200, 200), kind)
    with pytest.raises(ImageError, match=r"'holiday\.jpg' is .*(damaged or cut short|no picture).*; "):
        as_image(content[: len(content) // 2], name="holiday.jpg")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>404</html>", "is a web page; save the picture itself"),
        (b"\n  <HTML><body>", "is a web page"),
        (b'<?xml version="1.0"?>\n<svg xmlns="">', "is an SVG drawing; export it as PNG"),
        (b"\0\0\0\x1cftypheic\0\0\0\0", "HEIC, AVIF or video file; export"),
        (b"%PDF-1.7", "is a PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        (b"hello, I am text", "is no picture of a kind read here .*save it as PNG or JPEG"),
        (b"\x89PNG\r\n\x1a\n", "'cat.jpg' is "),
    ],
)
def test_what_is_no_picture_is_said_to_be_what_it_is(content: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=words):
        as_image(content, name="cat.jpg")
    path = tmp_path / "cat.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r"cat\.jpg"):
        as_image(path)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bit_grey_keeps_its_greys(kind: str) -> None:
    deep = np.linspace(0, 65535, 256).reshape(16, 16).astype(np.uint16)
    image = as_image(encoded(Image.fromarray(deep), kind))
    np.testing.assert_array_equal(pixels(image), np.rint(deep / 257)[..., None].repeat(3, axis=2))


def test_big_endian_sixteen_bit_grey() -> None:
    deep = np.array([[0, 257, 65535]], dtype=">u2")
    assert pixels(as_image(encoded(Image.fromarray(deep), "TIFF")))[0, :, 0].tolist() == [0, 1, 255]


@pytest.mark.parametrize(("tags", "levels"), [({262: 0}, [255, 128, 0]), ({}, [0, 127, 255])])
def test_a_tiff_whose_white_is_zero_is_not_a_negative(tags: dict[int, int], levels: list[int]) -> None:
    deep = np.array([[0, 32767, 65535]], dtype=np.uint16)
    content = encoded(Image.fromarray(deep), "TIFF")
    # BlackIsZero as Pillow writes it, one SHORT of value 1, becomes what the parameter says.
    entry = b"\x06\x01\x03\x00\x01\x00\x00\x00\x01\x00"
    assert content.count(entry) == 1
    content = content.replace(entry, entry[:8] + bytes([tags.get(262, 1), 0]))
    assert pixels(as_image(content))[0, :, 0].tolist() == levels


def test_a_float_tiff_in_zero_to_one_is_scaled_and_others_are_refused() -> None:
    grey = np.array([[0.0, 0.5, 1.0]], dtype=np.float32)
    assert pixels(as_image(encoded(Image.fromarray(grey), "TIFF")))[0, :, 0].tolist() == [0, 128, 255]
    for wrong, found in ((grey * 255, "from 0 to 255"), (grey - 1, "from -1 to 0"), (grey * np.nan, "nan")):
        with pytest.raises(ImageError, match=rf"floats .*{found}.* floats in \[0, 1\]"):
            as_image(encoded(Image.fromarray(wrong), "TIFF"))


def test_thirty_two_bit_integers_have_no_known_white() -> None:
    with pytest.raises(ImageError, match=r"32-bit integers from 0 to 9.*8 or 16 bits"):
        as_image(encoded(Image.fromarray(np.arange(10, dtype=np.int32)[None]), "TIFF"))


@pytest.mark.parametrize("mode", ["CMYK", "LAB", "YCbCr", "RGBX"])
def test_other_colour_models_come_out_in_rgb(mode: str) -> None:
    original = Image.new("RGB", (6, 5), (200, 30, 40))
    sources = [original.convert(mode)]
    if mode != "YCbCr":  # Pillow before 13 writes a TIFF of it that nobody can read
        sources.append(encoded(original.convert(mode), "TIFF"))
    for source in sources:
        assert np.abs(pixels(as_image(source)) - pixels(original)).max() <= 3


def test_a_cmyk_jpeg() -> None:
    content = encoded(Image.new("RGB", (16, 16), (250, 120, 10)).convert("CMYK"), "JPEG", quality=95)
    assert np.abs(pixels(as_image(content)) - (250, 120, 10)).max() <= 4


@pytest.mark.parametrize("alpha", [0, 1, 77, 128, 254, 255])
@pytest.mark.parametrize("background", [WHITE, (0, 0, 0), (10, 200, 90)])
def test_alpha_falls_on_the_stated_background(alpha: int, background: tuple[int, int, int]) -> None:
    clear = Image.new("RGBA", (6, 5), (200, 40, 120, alpha))
    expected = over((200, 40, 120), alpha, background)
    for source in (clear, encoded(clear, "PNG"), encoded(clear, "TIFF"), np.asarray(clear)):
        assert np.abs(pixels(as_image(source, background=background)) - expected).max() <= 0.51
    grey = Image.new("LA", (4, 3), (90, alpha))
    for source in (grey, encoded(grey, "PNG")):
        difference = pixels(as_image(source, background=background)) - over((90,) * 3, alpha, background)
        assert np.abs(difference).max() <= 0.51


@pytest.mark.parametrize("mode", ["La", "RGBa", "PA"])
def test_rare_modes_with_alpha(mode: str) -> None:
    clear = Image.new({"La": "LA", "RGBa": "RGBA", "PA": "PA"}[mode], (2, 2))
    assert as_image(clear.convert(mode) if clear.mode != mode else clear).size == (2, 2)


@pytest.mark.parametrize(
    ("image", "clear"),
    [
        (Image.new("L", (2, 2), 7), 7),
        (Image.new("1", (2, 2), 0), 0),
        (Image.new("RGB", (2, 2), (1, 2, 3)), (1, 2, 3)),
        (with_palette(1), 1),
        (with_palette(1), b"\xff\x00"),
        (Image.new("I;16", (2, 2), 1000), 1000),
    ],
)
def test_one_transparent_colour_shows_the_background(image: Image.Image, clear: object) -> None:
    content = encoded(image, "PNG", transparency=clear)
    assert as_image(content, background=(9, 8, 7)).getpixel((1, 1)) == (9, 8, 7)


def test_a_palette_is_resolved() -> None:
    flat = with_palette(1)
    for source in (flat, encoded(flat, "PNG"), encoded(flat, "GIF"), encoded(flat, "BMP")):
        assert as_image(source).getpixel((2, 2)) == (12, 200, 34)


@pytest.mark.parametrize(
    ("kind", "note"),
    [
        ("GIF", "animation: first of 12 frames"),
        ("WEBP", "animation: first of 12 frames"),
        ("PNG", "animation: first of 12 frames"),
        ("TIFF", "file: first of 12 pages"),
        ("MPO", "file: first of 12 pictures"),
    ],
)
def test_the_first_of_several_frames_with_a_note(kind: str, note: str) -> None:
    frames = [Image.new("RGB", (16, 16), (20 * number, 100, 0)) for number in range(12)]
    image = as_image(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert image.info == {"notes": (note,)}
    assert np.abs(pixels(image) - (0, 100, 0)).max() <= 3
    assert as_image(image).info == {"notes": (note,)}


def test_a_text_called_notes_is_not_taken_for_ours() -> None:
    picture = colourful()
    picture.info["notes"] = "written by another program"
    assert as_image(picture).info == {"notes": ()}


def test_a_jpeg_with_broken_mpo_data_is_read_as_its_first_picture() -> None:
    content = encoded(colourful(), "JPEG")
    segment = b"MPF\0" + b"II*\0\x08\0\0\0" + b"\xff" * 20
    content = content[:2] + b"\xff\xe2" + (len(segment) + 2).to_bytes(2, "big") + segment + content[2:]
    assert as_image(content).size == colourful().size


def test_the_allow_list_starts_no_other_program() -> None:
    assert not {"EPS", "MPO", "PDF", "FPX", "WMF"} & set(FORMATS)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_rotation_is_applied(orientation: int, kind: str) -> None:
    stored = colourful(32, 16)
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(stored, kind, exif=exif, **({"quality": 95} if kind in ("JPEG", "WEBP") else {}))
    # The EXIF standard: where the stored picture's first row and first column belong.
    rows_first = pixels(stored) if orientation <= 4 else pixels(stored).transpose(1, 0, 2)
    flips = {1: (1, 1), 2: (1, -1), 3: (-1, -1), 4: (-1, 1), 5: (1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}
    down, right = flips[orientation]
    image = as_image(content)
    assert np.abs(pixels(image) - rows_first[::down, ::right]).mean() < 5
    assert as_image(image).size == image.size  # not turned a second time


def test_deep_grey_is_rotated_too() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    deep = Image.fromarray(np.array([[0, 257 * 7, 65535]], dtype=np.uint16))
    for kind in ("PNG", "TIFF"):
        assert pixels(as_image(encoded(deep, kind, exif=exif)))[0, :, 0].tolist() == [255, 7, 0]


def test_an_orientation_that_does_not_exist_is_left_alone() -> None:
    exif = Image.Exif()
    exif[0x0112] = 77
    assert as_image(encoded(colourful(), "PNG", exif=exif)).size == colourful().size


def test_a_huge_picture_is_refused_from_its_header() -> None:
    tracemalloc.start()
    for side in (9000, 12000, 20000, 2**31 - 1):
        with pytest.raises(ImageError, match=r"'bomb\.png' (has 9000|has 12000|is far too large).*make it smaller"):
            as_image(png(side, side), name="bomb.png")
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()
    with pytest.raises(ImageError, match="20 x 14 pixels, more than the 279 read here"):
        as_image(colourful(), max_pixels=279)
    assert as_image(colourful(), max_pixels=280).size == (20, 14)


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(encoded(colourful(), "PNG"))
    for source in (path, path.read_bytes()):
        with pytest.raises(ImageError, match="more than 100 bytes"):
            as_image(source, max_bytes=100)
        assert as_image(source, max_bytes=path.stat().st_size).size == (20, 14)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    errors: list[str] = []

    def open_it() -> None:
        with pytest.raises(ImageError) as caught:
            as_image(tmp_path / "pipe.png")
        errors.append(str(caught.value))

    thread = Thread(target=open_it, daemon=True)
    thread.start()
    thread.join(timeout=10)
    assert len(errors) == 1
    assert "not a file" in errors[0]


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="this system has no /dev/zero")
def test_a_device_is_refused() -> None:
    with pytest.raises(ImageError, match="folder, pipe or device"):
        as_image("/dev/zero")


def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"nosuch\.png' does not exist; check"):
        as_image(tmp_path / "nosuch.png")
    with pytest.raises(ImageError, match="is a folder"):
        as_image(tmp_path)
    with pytest.raises(ImageError, match="cannot be read"):
        as_image("a\0b")
    with pytest.raises(ImageError, match="cannot be read") as caught:
        as_image("x" * 5000)
    assert len(str(caught.value)) < 300
    with pytest.raises(ImageError, match="does not exist"):
        as_image("")


@pytest.mark.parametrize(
    "address", ["http://a.org/cat.png", "HTTPS://a.org", "ftp://x", "s3://b/c.png", "data:image/png;"]
)
def test_an_address_is_not_downloaded(address: str) -> None:
    with pytest.raises(ImageError, match="nothing is downloaded; save the picture and pass its path"):
        as_image(address)


def test_a_name_is_only_text(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(encoded(Image.new("RGB", (2, 2)), "PNG"))
    assert as_image(encoded(colourful(), "PNG"), name=str(secret)).size == colourful().size
    with pytest.raises(ImageError, match="'<b>cat</b>' is empty"):
        as_image(b"", name="<b>cat</b>")
    with pytest.raises(ImageError, match=r"'two\\nlines' is empty"):
        as_image(b"", name="two\nlines")


def test_a_pil_picture_is_copied_and_never_changed() -> None:
    for original in (colourful(), colourful().convert("P"), Image.new("LA", (3, 3)), Image.new("RGBA", (3, 3))):
        original.info["comment"] = "mine"
        before = (original.mode, original.tobytes(), dict(original.info))
        image = as_image(original)
        image.paste((1, 2, 3), (0, 0, 2, 2))
        image.info["comment"] = "yours"
        assert (original.mode, original.tobytes(), dict(original.info)) == before


def test_a_frame_that_the_caller_chose_stays() -> None:
    frames = [Image.new("RGB", (4, 4), (60 * number, 0, 0)) for number in range(3)]
    with Image.open(io.BytesIO(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))) as animation:
        animation.seek(2)
        assert as_image(animation).getpixel((0, 0)) == (120, 0, 0)
        assert animation.tell() == 2


def test_a_damaged_pil_picture_is_named() -> None:
    image = Image.open(io.BytesIO(encoded(colourful(200, 200), "PNG")[:400]))
    with pytest.raises(ImageError, match="'mine' is damaged or cut short"):
        as_image(image, name="mine")


def test_a_picture_without_pixels_is_refused() -> None:
    with pytest.raises(ImageError, match="no pixels"):
        as_image(Image.new("RGB", (0, 3)))


def test_a_tensor_is_a_model_input_and_no_picture() -> None:
    with pytest.raises(ImageError, match=r"torch\.Tensor, which is a model input"):
        as_image(torch.zeros(3, 4, 4))  # type: ignore[arg-type]


@pytest.mark.parametrize("thing", [None, 3, [[1]], object()])
def test_what_is_nothing_of_the_kind_is_refused(thing: object) -> None:
    with pytest.raises(ImageError, match="not a picture; pass a path, bytes, a PIL picture or a NumPy array"):
        as_image(thing)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [
        {"background": (1, 2)},
        {"background": (0, 0, 256)},
        {"background": (0, 0, -1)},
        {"background": "white"},
        {"background": (0.5, 0.5, 0.5)},
        {"max_bytes": 0},
        {"max_pixels": 2.5},
    ],
)
def test_parameters_are_checked(options: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match="must be"):
        as_image(colourful(), **options)  # type: ignore[arg-type]
