"""A document in a store, and what somebody marked in it.

A document is an event of the kind "text" (NOTE, or NOTE//<category>) whose text is the document, character by character as the
source had it. What was marked in it is one event SPANS//<name> beside it, of the kind "label", which names its document by its
content: so marks find their document wherever it stands in a record, and never another one. All places count in characters
(Unicode code points) of the document.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from sequela.errors import DataError

NOTE = "NOTE"  # the code of a document of no category
SPANS = "SPANS"  # before the name of what was marked
BETWEEN = "\n\n"  # two documents in the text of a row


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """A stretch of a document."""

    begin: int  # characters before it
    end: int  # up to and with its last one
    type: str
    concept: str = ""  # the code of what it names: "D003110"; several are joined by "|"


class Marks(msgspec.Struct, frozen=True):
    """All that was marked in one document; none, where somebody read it and found nothing."""

    document: str  # key of its text
    spans: list[Mark] = []


def key(text: str) -> str:
    """What a document is called where it is meant: 16 digits that its content alone tells."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def code(category: str = "") -> str:
    """The code of a document of this category, such as a kind of report."""
    return f"{NOTE}//{category}" if category else NOTE


def marked(text: str, spans: Sequence[Mark]) -> str:
    """The text of the event that holds these marks. Raises DataError for one that is empty or reaches outside of the document."""
    for span in spans:
        if not 0 <= span.begin < span.end <= len(text):
            raise DataError(
                f"a mark of type {span.type!r} reaches from character {span.begin} to {span.end} of a document of {len(text)}",
                hint="places count in characters from 0, and the end is not part of the mark; were they counted in bytes?",
            )
    return msgspec.json.encode(Marks(key(text), sorted(spans, key=lambda span: (span.begin, span.end)))).decode()


def marks(text: str) -> Marks:
    """The marks that such an event holds. Raises DataError where it holds something else."""
    try:
        return msgspec.json.decode(text, type=Marks)
    except msgspec.DecodeError as error:
        raise DataError("an event of marks in a document is not of the form that `marked` writes") from error
