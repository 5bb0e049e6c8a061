"""Documents that nobody wrote: words of the vocabulary, drawn one by one, by how many training subjects wrote them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sequela import seed as streams
from sequela.modalities._synthetic import Held, events
from sequela.text.subwords import BOUND
from sequela.types import Known

LONGEST = 60  # words of a document, at most: an example is kept in a bundle
MARKS = "\u0120\u010a\u2581"  # what subwords begin with that are no characters of a text: Ġ, Ċ, ▁
OTHER = "other"  # a word that is unknown


@dataclass(frozen=True, slots=True)
class Like:
    """What the documents are to be like."""

    code: str
    heading: str  # the first line of each; "": none
    documents: float  # of a row, on average
    words: float  # of a document, on average


def known(words: Sequence[str], subjects: Sequence[int], like: Like, rows: int, seed: int) -> Known:
    """Documents of words drawn by how many training subjects wrote them."""
    random = streams.generator(seed, "example", "text")
    row = np.repeat(np.arange(rows), 1 + random.poisson(max(0.0, like.documents - 1), rows))
    weight = np.array(subjects, np.float64) * [not word.startswith(BOUND) for word in words]
    weight[0] = max(1.0, weight.sum() / 50)  # one of fifty is unknown
    counts = np.minimum(1 + random.poisson(max(0.0, like.words - 1), len(row)), LONGEST)
    drawn = [random.choice(len(words), count, p=weight / weight.sum()).tolist() for count in counts.tolist()]
    heading = f"{like.heading}:\n" if like.heading else ""
    texts = [heading + " ".join(words[number].strip(MARKS) or OTHER if number else OTHER for number in one) for one in drawn]
    later = np.arange(len(row)) - np.searchsorted(row, row, side="right")  # -1 for the last of a row
    return Known(
        rows,
        events({"row": row, "position": later.astype(np.float64), "code": [like.code] * len(row), "text_value": texts}),
        Held({}),
        {like.code: "text"},
    )
