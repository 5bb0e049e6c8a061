"""What is told of the entities in a row's documents: each with its type, its words and its place in the document it stands in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from sequela.contracts import Evidence
from sequela.text.documents import BETWEEN
from sequela.types import Answer, Piece, Places


def told(names: Sequence[str], rows: Evidence, answer: Answer) -> list[dict[str, Any]]:
    """The fields of each row's Prediction: how many of each type there are, and the entities in their order.

    An entity has type, text and score, begin and end in characters of its document, the number of that among the row's documents
    (counted from 1), its code, and its concept where that is known.
    """
    ((_, ragged),) = rows.inputs.items()
    assert ragged.places is not None
    return [_row(names, ragged.places, row, answer) for row in range(len(answer))]


def _row(names: Sequence[str], places: Places, row: int, answer: Answer) -> dict[str, Any]:
    found = list(_entities(names, places, row, answer))
    count = {name: float(sum(one["type"] == name for one in found)) for name in names}
    return {"value": count, "spans": found}


def _entities(names: Sequence[str], places: Places, row: int, answer: Answer) -> Iterator[dict[str, Any]]:
    assert answer.spanned is not None
    own = answer.spanned.take(np.array([row]))
    assert own.score is not None
    text, pieces = places.texts[row], places.pieces[row]
    for place in range(len(own.begin)):
        begin = int(own.begin[place])
        number = max(k for k, piece in enumerate(pieces) if piece.begin <= begin)
        end = min(int(own.end[place]), _end(text, pieces, number))
        concept = "" if own.concept is None else str(own.concept[place])
        yield {
            "type": names[own.label[place]],
            "text": text[begin:end],
            "score": float(own.score[place]),
            "document": number + 1,
            "code": pieces[number].code,
            "begin": begin - pieces[number].begin,
            "end": end - pieces[number].begin,
        } | ({"concept": concept} if concept else {})


def _end(text: str, pieces: Sequence[Piece], number: int) -> int:
    """Characters of the row's text up to and with the last one of a document."""
    return pieces[number + 1].begin - len(BETWEEN) if number + 1 < len(pieces) else len(text)
