"""Bytes as text: by the encoding that they tell themselves or that somebody gives, never by a guess."""

from __future__ import annotations

import codecs

from sequela.errors import ConfigError, DataError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TRIALS = ("gb18030", "cp1252", "latin-1")


def decoded(data: bytes, encoding: str = "") -> str:
    """The text of these bytes, character by character: no newline is translated, and a byte order mark is no character of it.

    Without `encoding` they have to be UTF-8, or UTF-16 or UTF-32 with a byte order mark. Raises DataError with the first byte
    that is not so and its place, and the encodings that would fit; ConfigError for an encoding that nobody knows.
    """
    name = encoding or next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return codecs.decode(data, _known(name))
    except UnicodeDecodeError as error:
        raise DataError(_found(data, name, error.start), hint=_hint(data, name)) from error


def _known(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise ConfigError(f"no encoding is called {name!r}", hint='such as "utf-8", "latin-1", "gb18030"') from error


def _found(data: bytes, name: str, place: int) -> str:
    line = data.count(b"\n", 0, place) + 1
    return f"byte 0x{data[place]:02x} at {place} (line {line}) is not {name.upper().removesuffix('-SIG')}"


def _hint(data: bytes, name: str) -> str:
    fits = [other for other in _TRIALS if other != name and _decodes(data, other)]
    told = " or ".join(f'encoding = "{other}"' for other in fits)
    return f"say what it is, {told}: it can be read so, which does not prove it" if told else "no text, or damaged?"


def _decodes(data: bytes, name: str) -> bool:
    try:
        data.decode(name)
    except UnicodeDecodeError:
        return False
    return True
