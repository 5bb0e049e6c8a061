"""The nouns of Sequela. Read this first, then `contracts`.

A patient is a timeline of events. A study asks a question at one moment of it: that is a row of a `Cohort`. What is `Known`
at that moment becomes, for each input, a `Ragged` of steps; rows of like length become a padded `Batch` of `Seq`; an encoder
makes `Encoded` of a Seq, a task makes an `Answer` of that.

Letters of shapes: N rows, E events, S steps laid end to end, B batch, T step, *F the shape of one step, D width, C channel or
context, L sample, H W space, K column of a label or an answer. A mask is True where something exists. NumPy up to `Batch`;
torch from the model on. Read the files in this order:

    arrays      Array, Payload, Space, and pictures of which a part is read alone
    rows        Cohort, Target, Known: what is asked, and what is known at that moment
    sequences   Spec, Ruler, Ragged, Plain, Seq, Batch, Encoded: what an encoder sees and gives
    answers     Answer
    lazy        what rows have that is made when it is asked for
    times       Times, Curves: when something happened, and how likely it has come by each time
    marks       what is said of parts of a record: Masks, Boxes, Labels, Letters, Tags
    spans       of stretches of texts: Spans, Places
    pairs       of pairs of places in sequences: Pairs
    attribution what each part of what was known adds to an answer: Attribution
"""

from __future__ import annotations

from sequela.types.answers import Answer, Boxed, Likeliest, Painted, Quantiles, concatenate
from sequela.types.arrays import DAY, NEVER, PARTS, Array, Fields, Grid, Part, Payload, Payloads, Space, Steps
from sequela.types.attribution import Attribution
from sequela.types.lazy import Followed, OfRows
from sequela.types.marks import Along, Boxes, Labels, Letters, Masks, Tags
from sequela.types.pairs import Paired, Pairs, joined_pairs
from sequela.types.rows import Cohort, Known, Shared, Target
from sequela.types.sequences import Batch, Counts, Encoded, Plain, Ragged, Ruler, Seq, Spec, Wording
from sequela.types.spans import Marked, Piece, Places, Spanned, Spans, joined
from sequela.types.times import UNITS, Curves, Horizon, Times

__all__ = [
    "DAY",
    "NEVER",
    "PARTS",
    "UNITS",
    "Along",
    "Answer",
    "Array",
    "Attribution",
    "Batch",
    "Boxed",
    "Boxes",
    "Cohort",
    "Counts",
    "Curves",
    "Encoded",
    "Fields",
    "Followed",
    "Grid",
    "Horizon",
    "Known",
    "Labels",
    "Letters",
    "Likeliest",
    "Marked",
    "Masks",
    "OfRows",
    "Painted",
    "Paired",
    "Pairs",
    "Part",
    "Payload",
    "Payloads",
    "Piece",
    "Places",
    "Plain",
    "Quantiles",
    "Ragged",
    "Ruler",
    "Seq",
    "Shared",
    "Space",
    "Spanned",
    "Spans",
    "Spec",
    "Steps",
    "Tags",
    "Target",
    "Times",
    "Wording",
    "concatenate",
    "joined",
    "joined_pairs",
]
