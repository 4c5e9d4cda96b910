"""One picture file to one array: every kind of file by a stated rule, every other by an error."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from common.errors import UserError
from common.images.decode import FORMATS, ImageForm, decode, decode_bytes, opened

CORNERS = [(200, 30, 40), (20, 180, 60), (10, 50, 220), (240, 230, 30)]  # of the drawn picture
FORM = ImageForm(30, 40)


def drawn(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Image.Image:
    """Four fields of one colour each: top left, top right, bottom left, bottom right."""
    width, height = size
    image = Image.new("RGB", size)
    for number, colour in enumerate(CORNERS):
        left, top = number % 2 * width // 2, number // 2 * height // 2
        image.paste(colour, (left, top, left + width // 2, top + height // 2))
    return image.convert(mode)


def noise(size: tuple[int, int] = (120, 90)) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3))
    return Image.fromarray(values.astype("uint8"))


def stored(image: Image.Image, format: str = "PNG", **options) -> bytes:
    content = io.BytesIO()
    image.save(content, format, **options)
    return content.getvalue()


def corners(image: np.ndarray) -> np.ndarray:
    """The colours in the middle of the four fields, (4, channels)."""
    height, width = image.shape[:2]
    rows, columns = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    return image[height // 4 + rows * height // 2, width // 4 + columns * width // 2].astype(int)


def png(width: int, height: int, depth: int, colour: int, pixels: bytes) -> bytes:
    """A PNG file written by hand; colour: 0 for grey, 2 for RGB; pixels: packed rows."""
    header = struct.pack(">2I5B", width, height, depth, colour, 0, 0, 0)
    chunks = {b"IHDR": header, b"IDAT": pixels, b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks.items()
    )


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM", "WEBP", "JPEG2000"])
def test_lossless_formats_give_the_pixels_as_they_are(format):
    image = noise((40, 30))
    content = stored(image, format, **({"lossless": True} if format == "WEBP" else {}))
    np.testing.assert_array_equal(decode_bytes(content, "a", FORM), np.asarray(image))


@pytest.mark.parametrize("format", ["JPEG", "AVIF", "WEBP", "GIF"])
def test_lossy_formats_give_nearly_the_colours(format):
    content = stored(drawn(), format)
    assert np.abs(corners(decode_bytes(content, "a", FORM)) - CORNERS).max() <= 20


def test_channels():
    luma = np.array(CORNERS) @ [0.299, 0.587, 0.114]
    grey = decode_bytes(stored(drawn()), "a", ImageForm(30, 40, channels=1))
    assert grey.shape == (30, 40, 1)
    assert grey.dtype == np.uint8
    np.testing.assert_allclose(corners(grey)[:, 0], luma, atol=1)
    repeated = decode_bytes(stored(drawn("L")), "a", FORM)
    np.testing.assert_array_equal(repeated, np.repeat(grey, 3, axis=2))
    one_bit = Image.fromarray(np.tile([True, False], (30, 20)))
    assert one_bit.mode == "1"
    np.testing.assert_array_equal(
        decode_bytes(stored(one_bit), "a", FORM),
        np.tile([[[255]], [[0]]], (20, 1, 3))[None, :, 0].repeat(30, 0),
    )


def test_palette():
    image = drawn().quantize(4)
    assert image.mode == "P"
    np.testing.assert_array_equal(corners(decode_bytes(stored(image), "a", FORM)), CORNERS)


@pytest.mark.parametrize("kind", ["RGBA", "LA", "palette", "one colour"])
def test_what_shines_through_is_white(kind):
    image, options = drawn(), {}
    expected = np.array(CORNERS)
    if kind == "palette":
        image = image.quantize(4)
        options = {"transparency": image.getpixel((0, 0))}
        expected[0] = 255
    elif kind == "one colour":
        options = {"transparency": CORNERS[0]}
        expected[0] = 255
    else:
        if kind == "LA":
            expected = (expected @ [0.299, 0.587, 0.114])[:, None].repeat(3, 1)
        image = image.convert(kind[0] if kind == "LA" else "RGB")
        image.putalpha(102)  # 40 %
        expected = 0.4 * expected + 0.6 * 255
    found = corners(decode_bytes(stored(image, **options), "a", FORM))
    np.testing.assert_allclose(found, expected, atol=1)
    assert opened(stored(image, **options), "a", 40).rules == ("transparency on white",)
    opaque = drawn()
    opaque.putalpha(255)
    assert opened(stored(opaque), "a", 40).rules == ()


@pytest.mark.parametrize(("format", "tolerance"), [("TIFF", 1), ("JPEG", 3)])
def test_cmyk(format, tolerance):
    inks = np.random.default_rng(0).integers(0, 256, (4, 4))
    pixels = inks.reshape(2, 2, 4).repeat(15, 0).repeat(20, 1).astype("uint8")
    options = {"quality": 100} if format == "JPEG" else {}
    content = stored(Image.fromarray(pixels, mode="CMYK"), format, **options)
    expected = (255 - inks[:, :3]) * (255 - inks[:, 3:]) / 255
    found = corners(decode_bytes(content, "a", FORM))
    np.testing.assert_allclose(found, expected, atol=tolerance)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM"])
def test_16_bits_keep_their_full_range(format):
    values = np.linspace(0, 65_535, 1200).astype("uint16").reshape(30, 40)
    content = stored(Image.fromarray(values), format)
    grey = decode_bytes(content, "a", ImageForm(30, 40, channels=1))[..., 0]
    np.testing.assert_array_equal(grey, np.rint(values / 257.0))
    assert opened(content, "a", 40).rules == ("16 bits",)
    dark = opened(stored(Image.fromarray(values // 16), format), "a", 40)
    assert dark.rules == ("16 bits, of which at most 12 are used: very dark",)


def test_16_bits_of_colour():
    values = np.random.default_rng(0).integers(0, 2**16, (30, 40, 3))
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    content = png(40, 30, 16, 2, zlib.compress(rows))
    np.testing.assert_array_equal(decode_bytes(content, "a", FORM), values // 256)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation(format, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = stored(drawn(), format, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
    picture = opened(content, "a", 40)
    assert (picture.width, picture.height) == upright.size
    assert upright.size == ((30, 40) if orientation > 4 else (40, 30))
    form = ImageForm(upright.height, upright.width)
    found = decode_bytes(content, "a", form)
    np.testing.assert_array_equal(found, np.asarray(upright))
    if orientation == 6:  # the camera was held so that the top left came to lie at the bottom left
        assert np.abs(corners(found) - np.array(CORNERS)[[2, 0, 3, 1]]).max() <= 20


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_first_of_several_frames(format):
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue", "lime")]
    content = stored(frames[0], format, save_all=True, append_images=frames[1:])
    assert opened(content, "a", 40).rules[0] == "the first of 3 frames"
    red = decode_bytes(content, "a", FORM).astype(int)
    assert np.abs(red - [255, 0, 0]).max() <= 3


def test_name_counts_for_nothing(tmp_path):
    path = tmp_path / "picture.jpg"
    path.write_bytes(stored(drawn(), "PNG"))
    np.testing.assert_array_equal(corners(decode(path, FORM)), CORNERS)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"Lorem ipsum dolor sit amet", "it is text"),
        (b"\n<!DOCTYPE html><html>404", "it is a web page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a drawing (SVG)"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC picture"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "a film"),
        (b"version https://git-lfs.github.com/spec/v1\n", "run git lfs pull"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "a PostScript drawing"),
        (b"\x89PNG\r\n\x1a\n", "is no picture"),
        (bytes(range(128, 256)), "of an unknown kind"),
        (png(100_000, 100_000, 1, 0, b"x"), "more than the 89,478,485 pixels"),
        (stored(Image.new("F", (4, 4)), "TIFF"), "pixels of the form F"),
        (stored(Image.new("LAB", (4, 4)), "TIFF"), "pixels of the form LAB"),
    ],
)
def test_no_picture(content, said, tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        decode(path, FORM)
    assert str(error.value).startswith(f"{path} ")
    assert said in str(error.value)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_too_many_pixels_for_this_kit_if_not_for_pillow():
    with pytest.raises(UserError, match=r"a.png has more than the 89,478,485 pixels"):
        decode_bytes(png(10_000, 10_000, 1, 0, b"x"), "a.png", FORM)


@pytest.mark.parametrize("format", FORMATS)
def test_truncated(format):
    content = stored(noise(), format)
    for share in (0.1, 0.5, 0.9):
        with pytest.raises(UserError, match=r"^a.jpg is (truncated or damaged|no picture)"):
            decode_bytes(content[: int(len(content) * share)], "a.jpg", FORM)


def test_no_file(tmp_path):
    with pytest.raises(UserError, match=r"none.png cannot be read: No such file"):
        decode(tmp_path / "none.png", FORM)
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        decode(tmp_path, FORM)
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(2**29 + 1)  # a hole, which takes no room on the disk
    with pytest.raises(UserError, match="has 536,870,913 bytes, more than"):
        decode(path, FORM)


@pytest.mark.filterwarnings("ignore::UserWarning")  # of Pillow, on broken EXIF data
@pytest.mark.parametrize("format", FORMATS)
def test_broken_bytes_raise_no_other_error(format):
    random = np.random.default_rng(0)
    exif = (
        {} if format in ("GIF", "BMP", "PPM", "JPEG2000") else {"exif": b"Exif\0\0MM\0*\0\0\0\x08"}
    )
    content = np.frombuffer(stored(drawn(), format, **exif), "uint8")
    refused = 0
    for _ in range(150):
        broken = content.copy()
        reach = random.choice([min(60, len(content)), len(content)])
        broken[random.integers(0, reach, 3)] = random.integers(0, 256, 3)
        try:
            assert decode_bytes(broken.tobytes(), "a", FORM).shape == (30, 40, 3)
        except UserError:
            refused += 1
    assert refused > 0


@pytest.mark.parametrize("size", [(100, 40), (40, 100), (37, 37)])
def test_fit(size):
    """Against Pillow's own functions; the sizes are too near for a quick first shrinking."""
    image = noise(size)
    content, target = stored(image), (40, 30)
    bilinear = Image.Resampling.BILINEAR
    for fit, expected in {
        "stretch": image.resize(target, bilinear),
        "crop": ImageOps.fit(image, target, bilinear),
        "pad": ImageOps.pad(image, target, bilinear),
    }.items():
        found = decode_bytes(content, "a", ImageForm(30, 40, fit=fit)).astype(int)
        assert np.abs(found - np.asarray(expected)).max() <= 1, fit


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_large_pictures_are_averaged(format):
    """Quickly shrunk first, they come within a few levels of the mean of what falls together."""
    rows, columns = np.indices((1280, 1920))
    waves = 127 + 40 * np.sin(rows / 90) + 40 * np.cos(columns / 70)
    fine = waves + np.random.default_rng(0).normal(0, 20, waves.shape)
    image = Image.fromarray(fine.clip(0, 255).astype("uint8"))
    found = decode_bytes(stored(image, format), "a", ImageForm(40, 60, channels=1))[..., 0]
    means = waves.reshape(40, 32, 60, 32).mean((1, 3))
    assert np.abs(found - means).max() < 6


@pytest.mark.parametrize("wrong", [{"height": 0}, {"channels": 4}, {"fit": "zoom"}])
def test_impossible_forms(wrong):
    with pytest.raises(UserError, match=r"0 x 40|channels is 4|fit is 'zoom'"):
        ImageForm(**{"height": 30, "width": 40} | wrong)
