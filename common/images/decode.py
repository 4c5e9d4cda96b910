"""One picture file to one array of bytes: the same function for training and for prediction.

    file --opened--> Picture, upright, grey or colour --resized--> uint8 (height, width, channels)

What a file may be, and what is made of it:

    name             counts for nothing; a PNG that is called .jpg is read as the PNG it is
    grey, colour     as it is; to one channel by the luma of ITU-R 601, to three by repeating it
    palette          the colours that it names
    transparency     what shines through is white
    CMYK             to RGB by the plain formula; colour profiles of all files are left unused
    16 bits          grey divided by 257, so that the full range stays the full range; of colour
                     the upper 8 bits
    EXIF rotation    turned as a viewer would turn it
    several frames   the first
    huge             refused from PIXEL_LIMIT pixels or FILE_LIMIT bytes on, before it is decoded
    no picture       refused: an empty or truncated file, another content, float pixels

Damage inside a JPEG or BMP that leaves its length as it was cannot be told: they have no checksum.
"""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from struct import error as StructError
from typing import Literal, get_args
from zlib import error as ZlibError

import numpy as np
from PIL import Image

from common.errors import UserError

# Not PostScript, which Pillow hands to Ghostscript to be executed.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")
PIXEL_LIMIT = 89_478_485  # Pillow's own: a quarter of a GiB in colour
FILE_LIMIT = 2**29  # bytes
WORKING_SCALE = 2  # a large picture is first shrunk quickly to this many times the wanted size
UPRIGHT = {  # EXIF's tag Orientation to what sets the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
ORIENTATION = 0x0112
NO_PICTURES = {
    b"version https://git-lfs": "a pointer of Git LFS, not the picture itself: run git lfs pull",
    b"%PDF": "a PDF document",
    b"%!PS": "a PostScript drawing",
    b"8BPS": "a Photoshop file",
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "packed with gzip",
    b"\x93NUMPY": "a NumPy array",
    b"\x89HDF": "an HDF5 file",
    b"<svg": "a drawing (SVG)",
    b"<?xml": "XML, maybe a drawing (SVG)",
    b"<!doctype": "a web page",
    b"<html": "a web page",
}
# What Pillow's readers raise on damaged files, beside OSError.
DAMAGED = (
    *(OSError, SyntaxError, ValueError, TypeError, EOFError, StructError, ZlibError),
    *(IndexError, KeyError, OverflowError, RuntimeError, AttributeError, AssertionError),
)

# Of what Pillow would print while several threads decode, what matters is said by this file.
warnings.filterwarnings("ignore", module=r"PIL\.")

Fit = Literal["stretch", "crop", "pad"]


@dataclass(frozen=True)
class ImageForm:
    """The form that all pictures of a dataset are brought to.

    height, width: in pixels. channels: 1 for grey, 3 for colour. fit: what is done where a picture
    has another ratio of sides: "stretch" it; "crop" its middle; or "pad" it with black.
    """

    height: int
    width: int
    channels: Literal[1, 3] = 3
    fit: Fit = "stretch"

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise UserError(
                f"A picture of {self.height} x {self.width} pixels (height x width) is asked for; "
                "both sides need 1 at least."
            )
        if self.channels not in (1, 3):
            raise UserError(f"channels is {self.channels!r}. Choose 1 (grey) or 3 (colour).")
        if self.fit not in get_args(Fit):
            raise UserError(f"fit is {self.fit!r}. Choose one of {', '.join(get_args(Fit))}.")

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.height, self.width, self.channels


@dataclass(frozen=True)
class Picture:
    """A decoded file. image: upright, in mode "L" or "RGB", maybe smaller than the file's pixels.

    format: Pillow's name of it ("JPEG"). height, width: of the upright picture in the file, in
    pixels. rules: those of the rules above that mattered ("rotated as its EXIF data says").
    """

    image: Image.Image
    format: str
    height: int
    width: int
    rules: tuple[str, ...] = ()


def decode(path: Path, form: ImageForm) -> np.ndarray:
    """A picture file as uint8 (height, width, channels).

    Raises UserError that names the file and what is wrong with it, where it is no picture.
    """
    return decode_bytes(read_bytes(path), str(path), form)


def decode_bytes(content: bytes, name: str, form: ImageForm) -> np.ndarray:
    """The same for the content of a file; `name` is what an error calls it."""
    picture = opened(content, name, max(form.height, form.width))
    image = picture.image.convert("L" if form.channels == 1 else "RGB")
    return np.asarray(resized(image, form)).reshape(form.shape)


def read_bytes(path: Path) -> bytes:
    """The content of a picture file; UserError where it cannot be read or is too large."""
    try:
        size = Path(path).stat().st_size
        if size > FILE_LIMIT:
            raise UserError(
                f"{path} has {size:,} bytes, more than the {FILE_LIMIT:,} that a picture may have."
            )
        return Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error


def opened(content: bytes, name: str, side: int) -> Picture:
    """Decode the content of a file by the rules above.

    side: the pixels that will be wanted of the longer side. Of a JPEG that is much larger, the
    decoder makes a smaller picture at once, never below WORKING_SCALE times that.
    Raises UserError that begins with `name` for what is no picture.
    """
    if not content:
        raise UserError(f"{name} is empty.")
    image = recognised(content, name)
    if image.width * image.height > PIXEL_LIMIT:
        raise too_many_pixels(name)
    format, stored = image.format, image.size
    try:
        frames = getattr(image, "n_frames", 1)
        image.draft(None, (WORKING_SCALE * side, WORKING_SCALE * side))
        image.load()
    except DAMAGED as error:
        raise UserError(f"{name} is truncated or damaged ({format}: {said(error)}).") from error
    rules = [f"the first of {frames} frames"] if frames > 1 and format != "MPO" else []
    turn = UPRIGHT.get(orientation(image))
    image, rule = grey_or_colour(image, name)
    rules += [rule] if rule else []
    if turn is not None:
        rules.append("rotated as its EXIF data says")
        image = image.transpose(turn)
        if turn not in (UPRIGHT[2], UPRIGHT[3], UPRIGHT[4]):
            stored = stored[::-1]
    return Picture(image, format, height=stored[1], width=stored[0], rules=tuple(rules))


def recognised(content: bytes, name: str) -> Image.Image:
    """The picture, not yet decoded; UserError where it is none."""
    try:
        return Image.open(io.BytesIO(content), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise too_many_pixels(name) from error
    except DAMAGED as error:
        raise UserError(
            f"{name} is no picture that can be read: it is {what_it_is(content)}. Expected one of "
            f"{', '.join(FORMATS)}."
        ) from error


def too_many_pixels(name: str) -> UserError:
    return UserError(
        f"{name} has more than the {PIXEL_LIMIT:,} pixels that a picture may have. Shrink it, "
        "or cut it into tiles."
    )


def what_it_is(content: bytes) -> str:
    """A guess, for the message, at the content of a file that is no picture."""
    if content[4:8] == b"ftyp":
        if content[8:11] in (b"hei", b"hev", b"mif"):
            return "a HEIC picture, which a phone can export as JPEG"
        return "a film"
    head = content[:512].lstrip(b"\xef\xbb\xbf \r\n\t")
    for mark, what in NO_PICTURES.items():
        if head.startswith(mark) or (mark.startswith(b"<") and head.lower().startswith(mark)):
            return what
    try:
        content[:508].decode()
    except UnicodeDecodeError as error:
        if error.start < len(content[:508]) - 3:  # not a character that is merely cut off
            return "of an unknown kind, or its first bytes are damaged"
    return "text" if b"\0" not in content[:508] else "of an unknown kind"


def orientation(image: Image.Image) -> int:
    """What EXIF says on the turn of the picture, from 1 to 8; 1, upright, where nothing is said."""
    try:
        return image.getexif().get(ORIENTATION, 1)
    except DAMAGED:  # viewers, too, show a picture with broken EXIF data as it lies
        return 1


def grey_or_colour(image: Image.Image, name: str) -> tuple[Image.Image, str]:
    """The decoded picture in mode "L" or "RGB", and the rule that was needed for it, if any."""
    if image.has_transparency_data:
        colours = image.convert("RGBA")
        if colours.getchannel("A").getextrema()[0] == 255:
            return colours.convert("RGB"), ""
        ground = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(ground, colours).convert("RGB"), "transparency on white"
    match image.mode:
        case "L" | "RGB":
            return image, ""
        case "1":
            return image.convert("L"), ""
        case "P":
            return image.convert("RGB"), "palette"
        case "CMYK" | "YCbCr" | "HSV" | "RGBX":
            return image.convert("RGB"), image.mode
    values = np.asarray(image)
    is_16_bits = image.mode.startswith("I") and values.min() >= 0 and values.max() <= 65_535
    if not is_16_bits:
        raise UserError(
            f"{name} has pixels of the form {image.mode}, of which it is not known how bright they "
            "are. Store it in grey or RGB, with 8 or 16 bits."
        )
    rule = "16 bits" if values.max() > 4095 else "16 bits, of which at most 12 are used: very dark"
    return Image.fromarray(np.round(values / 257).astype("uint8")), rule


def resized(image: Image.Image, form: ImageForm) -> Image.Image:
    """The picture in the form's size; averaged over the pixels that fall together."""
    scales = form.width / image.width, form.height / image.height
    size, box = (form.width, form.height), (0, 0, image.width, image.height)
    if form.fit == "crop":
        width, height = form.width / max(scales), form.height / max(scales)
        left, top = (image.width - width) / 2, (image.height - height) / 2
        box = (max(left, 0), max(top, 0), min(left + width, image.width), top + height)
        box = (*box[:3], min(box[3], image.height))
    elif form.fit == "pad":
        size = tuple(max(1, round(side * min(scales))) for side in image.size)
    image = image.resize(size, Image.Resampling.BILINEAR, box, reducing_gap=WORKING_SCALE)
    if form.fit == "pad":
        padded = Image.new(image.mode, (form.width, form.height))
        padded.paste(image, ((form.width - size[0]) // 2, (form.height - size[1]) // 2))
        return padded
    return image


def said(error: Exception) -> str:
    """What an error of Pillow says, in one line and without its last stop."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
