"""Stretches of a text marked in HTML: what an answer or an explanation points at, in the words of the source."""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from sequela.errors import DataError
from sequela.evaluate.report.html import Safe, joined, tag

AROUND = 160  # characters kept on each side of a mark where a text is cut
UNSHOWN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")  # no page may hold these
GAP = tag("span", " […] ", class_="gap")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a text that is marked."""

    begin: int  # characters (code points) before it
    end: int  # up to and with its last one
    class_: str  # of the element, for the style of the page
    title: str = ""  # shown where a pointer rests on it
    style: str = ""  # of this stretch alone, such as a shade
    note: str = ""  # set small behind its last character


def marked(text: str, marks: Sequence[Stretch]) -> Safe:
    """The text as HTML with every stretch in a `mark`; where stretches overlap, one stands inside the other.

    A stretch that begins inside another and outlasts it is closed with it and opened again, so the elements always nest. All text
    is escaped; a character that no page may hold is shown as U+FFFD. Raises DataError for a stretch that is empty or reaches
    outside of the text.

    >>> marked("a < b", [Stretch(0, 3, "said")]).markup
    '<mark class="said">a &lt;</mark> b'
    """
    begins = _by_begin(len(text), marks)
    pieces: list[str] = []
    open_: list[Stretch] = []
    at = 0
    for edge in sorted({*begins, *(one.end for one in marks)}):
        pieces.append(_shown(text[at:edge]))
        lasting = [one for one in open_ if one.end > edge]
        same = sum(1 for _ in takewhile(lambda pair: pair[0] is pair[1], zip(open_, lasting, strict=False)))
        pieces += [_closed(one, edge) for one in reversed(open_[same:])]
        pieces += map(_opened, [*lasting[same:], *begins[edge]])
        open_, at = [*lasting, *begins[edge]], edge
    return Safe("".join([*pieces, _shown(text[at:])]))


def excerpts(text: str, marks: Sequence[Stretch], around: int = AROUND) -> Safe:
    """As `marked`, without what is further from any mark than so many characters: a sign stands where text was left out.

    A text without marks is shown by its beginning.
    """
    windows = _windows(text, marks, around)
    pieces = [_window(text, marks, begin, end) for begin, end in windows]
    before = [GAP if begin > 0 else Safe("") for begin, _ in windows]
    after = GAP if windows and windows[-1][1] < len(text) else Safe("")
    return joined([part for pair in zip(before, pieces, strict=True) for part in pair]) + after


def _by_begin(length: int, marks: Sequence[Stretch]) -> defaultdict[int, list[Stretch]]:
    """The stretches that begin at each place, the longest first."""
    found: defaultdict[int, list[Stretch]] = defaultdict(list)
    for one in sorted(marks, key=lambda mark: (mark.begin, -mark.end)):
        if not 0 <= one.begin < one.end <= length:
            raise DataError(f"a stretch from character {one.begin} to {one.end} cannot be marked in a text of {length}")
        found[one.begin].append(one)
    return found


def _opened(one: Stretch) -> str:
    given = {"class": one.class_, "title": one.title, "style": one.style}
    told = "".join(f' {name}="{html.escape(value, quote=True)}"' for name, value in given.items() if value)
    return f"<mark{told}>"


def _closed(one: Stretch, at: int) -> str:
    return f"<sup>{_shown(one.note)}</sup></mark>" if one.note and one.end == at else "</mark>"


def _shown(text: str) -> str:
    return html.escape(UNSHOWN.sub("\ufffd", text), quote=False)


def _windows(text: str, marks: Sequence[Stretch], around: int) -> list[tuple[int, int]]:
    """The half-open ranges of the text that are shown, cut between words, those that touch made one."""
    found: list[tuple[int, int]] = []
    for one in sorted(marks, key=lambda mark: mark.begin):
        begin, end = _shown_around(text, one, around)
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found or [(0, min(2 * around, len(text)))]


def _shown_around(text: str, one: Stretch, around: int) -> tuple[int, int]:
    begin, end = max(one.begin - around, 0), min(one.end + around, len(text))
    first = text.find(" ", begin, one.begin) if begin else -1
    last = text.rfind(" ", one.end, end) if end < len(text) else -1
    return begin if first < 0 else first + 1, end if last < 0 else last


def _window(text: str, marks: Sequence[Stretch], begin: int, end: int) -> Safe:
    inside = [replace(one, begin=one.begin - begin, end=one.end - begin) for one in marks if begin <= one.begin < end]
    return marked(text[begin:end], inside)
