"""Sections of a clinical note: what stands under which heading, as places in the note.

A heading begins a line, or follows a stop in a note that is all one line. It is one of the usual titles with a colon ("主诉：",
"Assessment/Plan:"); four letters and more in capitals with a colon or alone on their line ("LUNGS:"); or words that begin with
capitals, alone on their line with a colon ("Pertinent Results:").
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from sequela.text.titles import CHINESE, ENGLISH

_WIDE = r"[^\S\r\n]*+"  # white space within a line
_LETTERS = 4  # of a title in capitals that is not a usual one


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a note from its heading up to the next heading; the sections of a note lie end to end and hold all of it."""

    begin: int
    end: int
    title: str  # normalised: in lower case, half-width, with single spaces; "" before the first heading
    body: int  # where what stands under the heading begins


def sections(text: str) -> list[Section]:
    """The sections in their order; one without a title where the note has no heading, none where the note is empty.

    >>> [(part.title, part.begin, part.body, part.end) for part in sections("Chief Complaint: cough\\nPLAN:\\nrest")]
    [('chief complaint', 0, 17, 23), ('plan', 23, 29, 33)]
    """
    found = [match for match in _HEADING.finditer(text) if _is_title(match["title"])]
    edges = [*(match.start("heading") for match in found), len(text)]
    parts = [Section(0, edges[0], "", 0)] if edges[0] else []
    for match, begin, end in zip(found, edges[:-1], edges[1:], strict=True):
        parts.append(Section(begin, end, normalised(match["title"]), match.end()))
    return parts


def normalised(title: str) -> str:
    """A title as it is compared: "History of  Present Illness" and "HISTORY OF PRESENT ILLNESS" are one.

    >>> normalised("Assessment / Plan")
    'assessment/plan'
    """
    plain = unicodedata.normalize("NFKC", title).lower().strip()
    return re.sub(r"\s*/\s*", "/", re.sub(r"\s+", " ", plain))


def _is_title(title: str) -> bool:
    """Whether it is a usual one, or has the four letters that an abbreviation of a value has not ("BP: 120/80")."""
    return sum(letter.isalpha() for letter in title) >= _LETTERS or normalised(title) in ENGLISH | CHINESE


def _of(titles: frozenset[str]) -> str:
    """A pattern of any of them, the longest first; a space in one stands for any white space of a line."""
    ordered = sorted(titles, key=lambda title: (-len(title), title))
    return "|".join(re.escape(title).replace(r"\ ", r"[^\S\r\n]+").replace("/", rf"{_WIDE}/{_WIDE}") for title in ordered)


_CAPITALS = r"[A-Z][A-Z0-9 \t/&,()'-]{2,58}[A-Z0-9)]"
_SMALL = r"(?:of|on|and|or|the|in|to|for|at|with|by|from|upon|&|/)"
_TITLED = rf"[A-Z][\w'-]*(?:[ /-]{_SMALL}?[ ]?[A-Z][\w'-]*){{0,5}}(?={_WIDE}[:：]{_WIDE}(?:[\r\n]|\Z))"
_NUMBER = rf"(?:\d{{1,2}}[.)、]{_WIDE}|[一二三四五六七八九十]{{1,2}}、)?"
_HEADING = re.compile(
    rf"(?:^{_WIDE}|(?<=[\r\n]){_WIDE}|(?<=[。；;]){_WIDE}(?=[\u4e00-\u9fff【])|(?<=[.!?]){_WIDE}(?=[A-Z]{{2}}))"
    rf"(?P<heading>{_NUMBER}[【\[]?(?P<title>(?i:{_of(ENGLISH)})|{_of(CHINESE)}|{_CAPITALS}|{_TITLED})[】\]]?{_WIDE}"
    rf"(?:[:：]{_WIDE}(?:\r\n|\r|\n)?|(?<=[】\]])|(?:\r\n|\r|\n)))",
)
