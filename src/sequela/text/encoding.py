"""Bytes as text: by the encoding that they tell themselves or that somebody gives, never by a guess."""

from __future__ import annotations

import codecs

from sequela.errors import ConfigError, DataError

_MARKED = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TRIALS = ("gb18030", "big5", "cp1252", "latin-1")


def decoded(data: bytes, encoding: str = "") -> str:
    """The text of these bytes, character by character: no newline is translated, and a byte order mark is no character of it.

    Without `encoding` they have to be UTF-8, or UTF-16 or UTF-32 with a byte order mark. Raises DataError with the first byte
    that is not so and its place, and the encodings that would fit; ConfigError for an encoding that nobody knows.
    """
    name = encoding or next((name for mark, name in _MARKED if data.startswith(mark)), "utf-8")
    skipped = len(codecs.BOM_UTF8) if _is_utf8(name) and data.startswith(codecs.BOM_UTF8) else 0
    try:
        text = data[skipped:].decode(name)
    except UnicodeDecodeError as error:
        raise _refused(data, skipped + error.start, name) from error
    except LookupError as error:
        raise ConfigError(f"no encoding is called {name!r}", hint='such as "utf-8", "gb18030", "latin-1", "utf-16"') from error
    if not encoding and "\0" in text:
        raise DataError(
            f"byte 0x00 at {len(text[: text.index(chr(0))].encode())} stands in no text: UTF-16 without a byte order mark?",
            hint='encoding = "utf-16-le" if every other byte is 0 (or "utf-16-be"); encoding = "utf-8" if it is meant',
        )
    return text


def _is_utf8(name: str) -> bool:
    try:
        return codecs.lookup(name).name == "utf-8"
    except LookupError:
        return False


def _refused(data: bytes, place: int, name: str) -> DataError:
    """What to say of a byte that is not of this encoding; lines count from 1."""
    line = data.count(b"\n", 0, place) + 1
    fits = " or ".join(f'"{other}"' for other in _TRIALS if other != name and _fits(data, other))
    hint = f"if that is what it is, say so: encoding = {fits}" if fits else ""
    return DataError(f"byte 0x{data[place]:02x} at {place} (line {line}) is not {name.upper()}", hint=hint)


def _fits(data: bytes, name: str) -> bool:
    try:
        data.decode(name)
    except UnicodeDecodeError:
        return False
    return True
