"""One picture file as an array, in the depth of the file and upright; what could not be kept whole is refused.

PNG, JPEG and TIFF by Pillow. CMYK becomes RGB by Pillow's rule, red = (255 - C)(255 - K) / 255 and so on, after the inverted
inks of Adobe's files are turned back. An alpha channel is dropped where every point is opaque.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from sequela.errors import ConfigError, DataError
from sequela.types import Array

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

Mode = Literal["grey", "colour"]
ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
FORMATS = ("PNG", "JPEG", "TIFF")
CHANNELS = {"grey": ("grey",), "colour": ("red", "green", "blue")}
# What Pillow raises on bad files: a TIFF without dimensions is a TypeError, one without a tag that it needs a KeyError
DAMAGED = (OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, OverflowError, struct.error, zlib.error)
ORIENTATION = 0x0112  # the EXIF and TIFF tag: 1 is upright
ON_ITS_SIDE = 5  # orientations from here on swap height and width
FLAT = {"1": "L", "L": "L", "P": "RGB", "RGB": "RGB", "CMYK": "RGB"}  # what each mode is before it is made grey or colour
ALPHA = {"RGBA": "RGB", "LA": "L", "PA": "RGB"}
DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")


@dataclass(frozen=True, slots=True)
class Form:
    """How pictures are to be read."""

    mode: Mode = "grey"
    size: tuple[int, int] | None = None  # height and width to which all are brought
    max_pixels: int = 100_000_000
    pages: Literal["refuse", "volume"] = "refuse"  # of a file with several: the slices of a volume, or no picture


def both(size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    """Height and width of a size that may be one number for both. Raises ConfigError for a size without pixels."""
    found = (size, size) if isinstance(size, int) else size
    if found is not None and min(found) < 1:
        raise ConfigError(f"an image cannot have the size {size}", hint="a number of pixels, or height and width")
    return found


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was read."""

    values: Array  # "C H W" or "C D H W": uint8, uint16 or float32
    filed: tuple[int, ...]  # (H, W) or (D, H, W) before it was brought to a size
    turned: bool  # the camera, or the TIFF, said that the file is not upright
    coloured: bool  # whether any point of the file has a colour


@contextmanager
def opened(path: Path, formats: tuple[str, ...] = FORMATS) -> Iterator[ImageFile]:
    """The file by Pillow, not yet decoded. Raises DataError for one that is damaged or of another format.

    Pillow's own limit of size is off meanwhile: who opens a file asks how large it says it is before decoding it.
    """
    import PIL.Image

    with _unlimited(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # at large pictures max_pixels decides; odd metadata does not touch the points
        try:
            with PIL.Image.open(path, formats=formats) as image:
                yield image
        except DAMAGED as error:
            raise DataError(f"not a readable {' or '.join(formats)} image: {_wrong(path, error)}") from error


def _wrong(path: Path, error: Exception) -> str:
    """What is wrong with a file that could not be read."""
    import PIL

    if not path.stat().st_size:
        return "it is empty"
    return "it does not begin as one" if isinstance(error, PIL.UnidentifiedImageError) else "it is cut short or damaged"


@contextmanager
def _unlimited() -> Iterator[None]:
    import PIL.Image

    most, PIL.Image.MAX_IMAGE_PIXELS = PIL.Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        PIL.Image.MAX_IMAGE_PIXELS = most


def read(path: Path, form: Form) -> Picture:
    """The picture. Raises DataError for one that is damaged, larger than max_pixels (unread) or would lose something."""
    with opened(path) as image:
        pages = getattr(image, "n_frames", 1)
        check_pages(pages, form)
        check_size(image, pages, form.max_pixels)
        check_depth(image)
        turned = _turned(image)
        if pages == 1:
            points, filed, coloured = _page(image, form)
            return Picture(_channels_first(points), filed, turned, coloured)
        return _volume(image, pages, form, turned)


def _volume(image: ImageFile, pages: int, form: Form, turned: bool) -> Picture:
    read = []
    for page in range(pages):
        image.seek(page)
        check_depth(image)
        read.append(_page(image, form))
    if len({(points.shape, points.dtype, filed) for points, filed, _ in read}) > 1:
        raise DataError(f"its {pages} pages are not of one size and depth")
    values = np.stack([_channels_first(points) for points, _, _ in read], 1)
    return Picture(values, (pages, *read[0][1]), turned, any(coloured for _, _, coloured in read))


def check_pages(pages: int, form: Form) -> None:
    """Raises DataError for several pages, unless they are slices."""
    if pages > 1 and form.pages == "refuse":
        raise DataError('it has several pages; with pages = "volume" they are the slices of a volume')


def check_size(image: Image, pages: int, most: int) -> None:
    """Raises DataError, before anything is decoded, for a picture that says it has more points than `most`."""
    if image.width * image.height * pages > most:
        raise DataError(f"says it has {image.width} × {image.height} pixels, over max_pixels")


def _page(image: ImageFile, form: Form) -> tuple[Array, tuple[int, int], bool]:
    """The points "H W" or "H W 3", the height and width before they were brought to size, and whether there is colour."""
    image.load()
    upright = _upright(image)
    filed = (upright.height, upright.width)
    if upright.mode in DEEP:
        return _deep(upright, form), filed, False
    flat = _flat(upright)
    wanted = "L" if form.mode == "grey" else "RGB"
    shown = flat if flat.mode == wanted else flat.convert(wanted)
    return np.asarray(_sized(shown, form.size)), filed, _coloured(flat)


def check_depth(image: ImageFile) -> None:
    """Raises DataError for 16 bits a colour, of which Pillow drops eight without a word; to be asked before it decodes."""
    raw = [part for tile in image.tile for part in (tile[3] if isinstance(tile[3], tuple) else (tile[3],))]
    if image.mode not in DEEP and any(isinstance(part, str) and ";16" in part for part in raw):
        raise DataError("16 bits a colour, of which only 8 could be read; grey pictures may have 16")


def _turned(image: Image) -> bool:
    """Whether the file says that it is not upright. Raises DataError for a TIFF on its side, which Pillow may garble."""
    orientation = image.getexif().get(ORIENTATION, 1)
    if image.format == "TIFF" and orientation >= ON_ITS_SIDE:
        raise DataError("a TIFF turned on its side, which is not read alike whatever its compression; save it upright")
    return bool(orientation != 1)


def _upright(image: Image) -> Image:
    from PIL import ImageOps

    return image if image.getexif().get(ORIENTATION, 1) == 1 else ImageOps.exif_transpose(image)


def _flat(image: Image) -> Image:
    """Grey of 8 bits or RGB, without alpha."""
    if image.mode in ALPHA or "transparency" in image.info:
        image = _opaque(image)
    if image.mode not in FLAT:
        raise DataError(f"its colours are {image.mode}; read are grey, RGB, CMYK and palettes")
    return image if image.mode == FLAT[image.mode] else image.convert(FLAT[image.mode])


def _opaque(image: Image) -> Image:
    alpha = image if image.mode in ("RGBA", "LA") else image.convert("RGBA")
    least, _ = alpha.getchannel("A").getextrema()
    if isinstance(least, tuple) or least < 255:
        raise DataError("it is transparent in places, and what lies behind is not known")
    return alpha.convert(ALPHA[alpha.mode])


def _coloured(flat: Image) -> bool:
    if flat.mode == "L":
        return False
    points = np.asarray(flat)
    return bool((points != points[..., :1]).any())


def _deep(image: Image, form: Form) -> Array:
    """uint16 of 16 bits (or more, where they fit), float32 of real numbers."""
    if form.mode == "colour":
        raise DataError("a grey image of 16 bits or real numbers, where colour is asked for")
    if "transparency" in image.info:
        raise DataError("one of its greys is transparent, and what lies behind is not known")
    if form.size is not None and image.mode != "F":
        image = image.convert("I")
    points = np.asarray(_sized(image, form.size))
    if image.mode == "F":
        if not np.isfinite(points).all():
            raise DataError("values that are not finite numbers")
        return points.astype(np.float32, copy=False)
    if points.min() < 0 or points.max() > 65535:
        raise DataError(f"whole numbers from {points.min()} to {points.max()}; greys lie from 0 to 65535")
    return points.astype(np.uint16, copy=False)


def _sized(image: Image, size: tuple[int, int] | None) -> Image:
    if size is None or size == (image.height, image.width):
        return image
    import PIL.Image

    return image.resize((size[1], size[0]), PIL.Image.Resampling.BILINEAR)


def _channels_first(points: Array) -> Array:
    return points[None] if points.ndim == 2 else np.ascontiguousarray(points.transpose(2, 0, 1))
