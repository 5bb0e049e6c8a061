"""Words of a text, as places in it: every character that is no white space lies in exactly one word.

Letters and digits stay together ("BRCA1", "5mg"), and every sign stands apart, hyphens, slashes and apostrophes too ("ataxia -
telangiectasia", "120 / 80", "patient ' s"): so whatever somebody marked, its edges lie between words. What nobody marks the half
of stays whole: a point between digits ("1.5", "E11.9"), a comma before exactly three ("10,000"), and a row of one and the same
sign ("...", "____"). Han characters are a word each, unless jieba is to put them together. Accents and other combining characters
belong to the character before them, and pictures joined into one are one word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
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


def words_of(texts: Iterable[str], language: Language = "auto", chinese: Chinese = "characters") -> Iterator[Cuts]:
    """The words of each of these texts, as `words` finds them; short ones are cut many at once, which is faster.

    >>> [len(cuts) for cuts in words_of(["No fever.", "", "无发热"])]
    [3, 0, 3]
    """
    for some in _together(texts):
        for text, found in zip(some, _cut_apart(some), strict=True):
            apart = chinese == "characters" or resolved(text, language) != "zh"
            yield found if apart else Cuts(*segmented(text, found.begin, found.end))


def resolved(text: str, language: Language = "auto") -> Literal["en", "zh"]:
    """The language itself: for "auto" Chinese where at least a fifth of the letters are Han characters, else English."""
    if language != "auto":
        return language
    count = np.bincount(characters.kinds(characters.code_points(text)), minlength=characters.PICTURE + 1)
    han, letters = int(count[characters.HAN]), int(count[characters.LETTER])
    return "zh" if han and han >= HAN_SHARE * (han + letters) else "en"


def lowered(text: str) -> str:
    """In lower case, character by character, so that every place stays what it was (where one would become two, it is left)."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(small if len(small := character.lower()) == 1 else character for character in text)


def _together(texts: Iterable[str]) -> Iterator[list[str]]:
    """The texts in runs that have a block of characters, or are one."""
    some, size = list[str](), 0
    for text in texts:
        if some and size + len(text) > BLOCK:
            yield some
            some, size = [], 0
        some.append(text)
        size += len(text) + 1
    if some:
        yield some


def _cut_apart(texts: Sequence[str]) -> Iterator[Cuts]:
    """The words of each text, cut end to end with a space between: no word, and no rule for one, reaches over white space."""
    found = _cut(" ".join(texts))
    after = np.cumsum([len(text) + 1 for text in texts])
    edges = np.searchsorted(found.begin, after)
    shift = np.repeat(np.append(0, after[:-1]), np.diff(edges, prepend=0)).astype(np.int32)
    begin, end = found.begin - shift, found.end - shift
    for first, last in pairwise([0, *edges.tolist()]):
        yield Cuts(begin[first:last], end[first:last])


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
    mark = kind == characters.MARK
    if not mark.any():
        first, last = _edges(kind, points, points[:-1])
        return np.flatnonzero(first), np.flatnonzero(last) + 1
    mark[0] = False
    mark[1:] &= kind[:-1] != characters.SPACE  # an accent of nothing is a word
    lead = np.flatnonzero(~mark)
    first, last = _edges(kind[lead], points[lead], points[lead[1:] - 1])
    return lead[first], np.append(lead[1:], len(points))[last]


def _edges(kind: Array, points: Array, before: Array) -> tuple[Array, Array]:
    """Whether each character is the first, and the last, of a word: bool "L" each.

    None of them is a mark that belongs to another; `before` (uint32 "L-1") stands right before all but the first.
    """
    solid = kind != characters.SPACE
    joined = _joined(kind, points, before)
    first, last = solid.copy(), solid
    first[1:] &= ~joined
    last[:-1] &= ~joined
    return first, last


def _joined(kind: Array, points: Array, before: Array) -> Array:
    """Whether each character but the first belongs to the word of the one before it, bool "L-1"."""
    letter = (kind == characters.LETTER) | (kind == characters.DIGIT)
    joined: Array = letter[1:] & letter[:-1]
    joined |= (kind[1:] >= characters.SIGN) & (points[1:] == points[:-1])
    joined |= (kind[1:] == characters.FLAG) & (kind[:-1] == characters.FLAG)
    joined |= (before == characters.JOINER) & (kind[1:] == characters.PICTURE) & (kind[:-1] == characters.PICTURE)
    within = _within_numbers(kind)
    joined[within - 1] = joined[within] = True
    return joined


def _within_numbers(kind: Array) -> Array:
    """The places of points between digits, and of commas between a digit and exactly three."""
    digit = np.append(kind == characters.DIGIT, np.zeros(4, bool))
    sign = np.flatnonzero((kind[1:] == characters.POINT) | (kind[1:] == characters.COMMA)) + 1
    sign = sign[digit[sign - 1] & digit[sign + 1]]
    thousands = digit[sign + 2] & digit[sign + 3] & ~digit[sign + 4]
    within: Array = sign[(kind[sign] == characters.POINT) | thousands]
    return within
