"""What kind of character each character of a text is, as numbers: what words are cut by.

Kinds follow the general category of the Unicode standard (annex 44) and str.isspace; a table of all code points is made once in
a process. Places count in code points, so a text is looked at as UTF-32, in which every code point is one number.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache

import numpy as np

from sequela.types import Array

SPACE, LETTER, DIGIT, HAN, MARK, FLAG, BRACKET, SIGN, POINT, COMMA, PICTURE = range(11)
# MARK: what belongs to the character before it, such as an accent; FLAG: half a flag; BRACKET: a sign that no run is made of;
# POINT and COMMA: signs that numbers have in them

JOINER = 0x200D  # zero width joiner: makes one picture of two
_JOINERS = "\u00ad\u200c\u200d"  # the soft hyphen and what joins or parts letters stand inside of words
_HAN = (
    (0x2E80, 0x2FDF),  # radicals
    (0x3005, 0x3007),  # 々 〆 〇
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
_FLAGS = (0x1F1E6, 0x1F1FF)
_TONES = (0x1F3FB, 0x1F3FF)  # of skin: they follow a picture
_PLAIN = 0x20000  # code points up to here have a kind of their own each, and so have those from _TAGS to _TAGS_END
_TAGS, _TAGS_END = 0xE0000, 0xE01F0
_KIND = {"L": LETTER, "N": DIGIT, "M": MARK, "Z": SPACE, "P": SIGN, "S": SIGN, "C": SIGN}
_EXACT = {"So": PICTURE, "Ps": BRACKET, "Pe": BRACKET, "Pi": BRACKET, "Pf": BRACKET}


def code_points(text: str) -> Array:
    """The characters as numbers: uint32 "L"."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def kinds(points: Array) -> Array:
    """What each of these code points is: uint8 "L"."""
    found: Array = _table()[points]
    return found


def is_han(character: str) -> bool:
    """Whether this one is a Han character."""
    return bool(_table()[ord(character)] == HAN)


@cache
def _table() -> Array:
    """The kind of every code point: uint8 "1114112"."""
    table = np.full(0x110000, SIGN, np.uint8)
    for point in _told():
        table[point] = _kind(chr(point))
    for first, last in _HAN:
        table[first : last + 1] = HAN
    table[_FLAGS[0] : _FLAGS[1] + 1] = FLAG
    table[_TONES[0] : _TONES[1] + 1] = MARK
    for characters, kind in ((_JOINERS, MARK), (".·．", POINT), (",，", COMMA)):
        table[[ord(character) for character in characters]] = kind
    return table


def _told() -> Iterator[int]:
    yield from range(_PLAIN)
    yield from range(_TAGS, _TAGS_END)


def _kind(character: str) -> int:
    if character.isspace():
        return SPACE
    category = unicodedata.category(character)
    return _EXACT.get(category, _KIND[category[0]])
