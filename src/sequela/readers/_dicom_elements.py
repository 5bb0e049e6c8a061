"""Elements of a DICOM header, read from their bytes: pydicom's own conversion of every value costs more than the pixels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from types import ModuleType
from typing import Any
from warnings import catch_warnings, simplefilter

from sequela import extras
from sequela.errors import DataError

PREAMBLE = 128
FIRST_GROUPS = (b"\x08\x00", b"\x00\x08", b"\x02\x00")  # of the first element of a file without preamble
UIDS = "1.2.840.10008."  # the root of all classes of DICOM
CLASS = 0x00080016
LARGE = 4096  # bytes from which an element is left in the file until it is asked for
PIXELS, FLOATS, DOUBLES = 0x7FE00010, 0x7FE00008, 0x7FE00009
SEVERAL = "\\"  # between the values of an element


def toolkit() -> ModuleType:
    """The package pydicom. Raises MissingExtra where it is not installed."""
    for module in ("pydicom.uid", "pydicom.pixels"):
        extras.need(module, "dicom")
    return extras.need("pydicom", "dicom")


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Whatever pydicom or a decoder raises is the reason to refuse the file; their warnings are not for the user."""
    try:
        with catch_warnings():
            simplefilter("ignore")
            yield
    except DataError:
        raise
    except Exception as error:  # a damaged file fails in many ways, and one bad file never stops an import
        raise DataError(f"its {what} cannot be read ({type(error).__name__})") from error


def is_dicom(path: Path) -> bool:
    """Whether the file says that it is DICOM, or begins as one of before there was a preamble."""
    with path.open("rb") as file:
        start = file.read(PREAMBLE + 4)
    return start[PREAMBLE:] == b"DICM" or start[:2] in FIRST_GROUPS


def header(pydicom: ModuleType, path: Path, tags: list[int]) -> Any:
    """The dataset with these elements alone, or all where none is named; large ones, the pixels above all, stay in the file.

    Raises DataError for a file that is cut short within its header, or no DICOM.
    """
    with reading("header"):
        data = pydicom.dcmread(path, defer_size=LARGE, force=True, specific_tags=tags)
        if not data.preamble and not word(data, CLASS).startswith(UIDS):
            raise DataError("not a DICOM file")
        if "TransferSyntaxUID" not in data.file_meta:
            implicit, little = data.original_encoding
            uid = pydicom.uid
            native = uid.ImplicitVRLittleEndian if implicit else uid.ExplicitVRLittleEndian if little else uid.ExplicitVRBigEndian
            data.file_meta.TransferSyntaxUID = native
        if not isinstance(data.file_meta.TransferSyntaxUID, pydicom.uid.UID):
            raise DataError("it does not say how it is encoded (TransferSyntaxUID)")
    return data


def words(data: Any, tag: int) -> tuple[str, ...]:
    """The values of an element of plain letters and digits (UI, CS, DA, TM, DS, IS); none where it is absent or empty."""
    if tag not in data:
        return ()
    value = data.get_item(tag).value
    if isinstance(value, bytes):
        text = value.decode("ascii", "replace").rstrip("\0 ")
        return tuple(word.strip() for word in text.split(SEVERAL)) if text else ()
    if value is None or value == "":
        return ()
    return tuple(map(str, value)) if isinstance(value, list | tuple) or hasattr(value, "append") else (str(value),)


def word(data: Any, tag: int) -> str:
    """The first of them, or ""."""
    return next(iter(words(data, tag)), "")


def numbers(data: Any, tag: int) -> tuple[float, ...]:
    """The values of an element of decimal digits (DS, IS). Raises DataError for what is no finite number."""
    try:
        found = tuple(map(float, words(data, tag)))
    except ValueError as error:
        raise DataError(f"its element {tag >> 16:04x},{tag & 0xFFFF:04x} holds what is no number") from error
    if not all(map(isfinite, found)):
        raise DataError(f"its element {tag >> 16:04x},{tag & 0xFFFF:04x} holds a number that is not finite")
    return found


def whole(data: Any, tag: int) -> int:
    """The value of an element of 16 bits (US); 0 where it is absent."""
    if tag not in data:
        return 0
    item = data.get_item(tag)
    if isinstance(item.value, bytes):
        return int.from_bytes(item.value[:2], "little" if item.is_little_endian else "big")
    return int(item.value or 0)


def key(data: Any, tag: int) -> bytes:
    """The bytes of an element, to tell equal from different."""
    if tag not in data:
        return b""
    value = data.get_item(tag).value
    return value.rstrip(b"\0 ") if isinstance(value, bytes) else str(value).encode()


def text(data: Any, tag: int) -> str:
    """The first value of an element in any script, in the file's own character set; "" where there is none."""
    if tag not in data or data[tag].value is None:
        return ""
    value = data[tag].value
    first = value[0] if hasattr(value, "append") and len(value) else value
    return str(first).strip()


def items(data: Any, tag: int) -> list[Any]:
    """The datasets of a sequence; none where it is absent."""
    return list(data[tag].value or ()) if tag in data else []
