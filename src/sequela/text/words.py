"""Words of a text, as places in it: every character that is no white space lies in exactly one word.

Letters and digits stay together ("BRCA1", "5mg"), and every sign stands apart, hyphens, slashes and apostrophes too
("ataxia - telangiectasia", "120 / 80", "patient ' s"): so whatever somebody marked, its edges lie between words. What nobody marks
the half of stays whole: a decimal point between digits ("1.5", "E11.9"), a comma before exactly three ("10,000"), and a row of one
and the same sign ("...", "____"). Han characters are a word each, unless jieba is to cut them. Accents and other combining
characters belong to the character before them, and pictures joined into one are one word.

English: about as Penn Treebank's rules without their contractions; all offsets count in code points.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from sequela.text import characters
from sequela.text.segmentation import segmented
from sequela.types import Array

Language: TypeAlias = Literal["auto", "en", "zh"]
Chinese: TypeAlias = Literal["characters", "jieba"]

HAN_SHARE = 0.2  # of the letters: from here on a text is Chinese. A Han character says as much as several Latin letters
BLOCK = 1 << 20  # characters that are looked at together, so that a long text needs little memory
_WHITE = re.compile(r"\s")
_POINTS = np.array([ord(character) for character in ".·．"], np.uint32)
_COMMAS = np.array([ord(character) for character in ",，"], np.uint32)


@dataclass(frozen=True, slots=True)
class Cuts:
    """Stretches of a text in its order, none over another; places count in characters."""

    begin: Array  # int32 "W"
    end: Array  # int32 "W"

    def __len__(self) -> int:
        return len(self.begin)

    def of(self, text: str) -> list[str]:
        """What stands there."""
        return [text[begin:end] for begin, end in zip(self.begin.tolist(), self.end.tolist(), strict=True)]


def words(text: str, language: Language = "auto", chinese: Chinese = "characters") -> Cuts:
    """The words of a text.

    With `chinese = "jieba"` the Han characters of a Chinese text are put together to words by that package (an extra), which
    raises MissingExtra where it is not installed. English is cut alike whatever `language` says.

    >>> text = "BRCA1-mutated, 1.5 cm; 无发热"
    >>> words(text).of(text)
    ['BRCA1', '-', 'mutated', ',', '1.5', 'cm', ';', '无', '发', '热']
    """
    found = _cut(text)
    if chinese == "characters" or resolved(text, language) != "zh":
        return found
    return Cuts(*segmented(text, found.begin, found.end))


def resolved(text: str, language: Language = "auto") -> Literal["en", "zh"]:
    """The language itself: for "auto" Chinese where at least a fifth of the letters are Han characters, else English."""
    if language != "auto":
        return language
    count = np.bincount(characters.kinds(characters.code_points(text)), minlength=characters.BRACKET + 1)
    han, letters = int(count[characters.HAN]), int(count[characters.LETTER])
    return "zh" if han and han >= HAN_SHARE * (han + letters) else "en"


def lowered(text: str) -> str:
    """In lower case, character by character, so that every place stays what it was (where one would become two, it is left)."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(small if len(small := character.lower()) == 1 else character for character in text)


def _cut(text: str) -> Cuts:
    begins, ends = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    start = 0
    while start < len(text):
        white = _WHITE.search(text, start + BLOCK)
        stop = white.start() if white else len(text)
        begin, end = _cut_block(characters.code_points(text[start:stop]))
        begins.append((begin + start).astype(np.int32))
        ends.append((end + start).astype(np.int32))
        start = stop
    return Cuts(np.concatenate(begins), np.concatenate(ends))


def _cut_block(points: Array) -> tuple[Array, Array]:
    """First and last place of the words of some characters, int64 "W" each."""
    kind = characters.kinds(points)
    leads = kind != characters.MARK
    leads[1:] |= kind[:-1] == characters.SPACE  # an accent of nothing is a word
    leads[:1] = True
    place = np.flatnonzero(leads)
    kind, lead = kind[place], points[place]
    after = np.append(place[1:], len(points))
    joined = np.append(np.append(False, _joined(kind, lead, points[place[1:] - 1])), False)
    solid = kind != characters.SPACE
    return place[solid & ~joined[:-1]], after[solid & ~joined[1:]]


def _joined(kind: Array, lead: Array, before: Array) -> Array:
    """Whether each character but the first belongs to the word of the one before it, bool "L-1"; `before` stands right before it."""
    digit = kind == characters.DIGIT
    solid = digit | (kind == characters.LETTER)
    picture = kind == characters.PICTURE
    alike = (kind == characters.SIGN) | picture | (kind == characters.MARK)
    joined = solid[1:] & solid[:-1]
    joined |= alike[1:] & (lead[1:] == lead[:-1])
    joined |= (kind[1:] == characters.FLAG) & (kind[:-1] == characters.FLAG)
    joined |= picture[1:] & picture[:-1] & (before == characters.JOINER)
    inside = np.flatnonzero(digit[:-2] & digit[2:] & _in_number(lead[1:-1], digit))
    joined[inside] = joined[inside + 1] = True
    return joined


def _in_number(sign: Array, digit: Array) -> Array:
    """Whether these signs, which stand from the second character to the last but one, may stand within a number."""
    ahead = np.append(digit, np.zeros(3, bool))
    length = len(sign)
    thousands = ahead[3 : 3 + length] & ahead[4 : 4 + length] & ~ahead[5 : 5 + length]
    return np.isin(sign, _POINTS) | (np.isin(sign, _COMMAS) & thousands)
