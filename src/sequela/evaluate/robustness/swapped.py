"""Some codes, words or letters of each row put for others: what the worst of several draws does.

Whoever looks for the worst finds worse than chance does, and less than the worst there is: a network that stands this is not
proven to stand all. What is put in comes from the rows themselves, as often as it stands there.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl

from sequela import seed as streams
from sequela.evaluate.robustness.letters import TOLD as WRITTEN
from sequela.evaluate.robustness.letters import changed
from sequela.types import Answer, Array, Known, Target

DRAWS = 8
ROWS = 100  # at most
NEAR = 1e-6
GAPS = re.compile(r"(\s+)")


def put(known: Known, count: int, seed: int) -> Known:
    """One draw: of each row so many codes, and of each of its texts so many words (of a sequence letters), are others."""
    return _texts(_codes(known, count, seed), count, seed)


def _codes(known: Known, count: int, seed: int) -> Known:
    events = known.events
    own = np.flatnonzero(events["code"].is_in([code for code, kind in known.kinds.items() if kind == "event"]).to_numpy())
    if not len(own):
        return known
    random = streams.generator(seed, "codes")
    order = own[np.lexsort((random.random(len(own)), events["row"].to_numpy()[own]))]
    row = events["row"].to_numpy()[order]
    place = np.arange(len(order)) - np.searchsorted(row, row)
    hit = order[place < count]
    code = events["code"].cast(pl.String).to_numpy().copy()
    code[hit] = code[own][random.integers(0, len(own), len(hit))]
    return replace(known, source=events.with_columns(pl.Series("code", code, pl.String)))


def _texts(known: Known, count: int, seed: int) -> Known:
    kinds = known.kinds
    for kind in WRITTEN:
        codes = [code for code, one in kinds.items() if one == kind]
        texts = known.events.filter(pl.col("code").is_in(codes))["text_value"].drop_nulls().to_list()
        pool = [piece for text in texts for piece in _pieces(text, kind)]
        if pool:
            known = changed(known, partial(_put, kind, pool, count), seed, (kind,))
    return known


def _pieces(text: str, kind: str) -> list[str]:
    return text.split() if kind == "text" else list(text)


def _put(kind: str, pool: list[str], count: int, text: str, random: np.random.Generator) -> str:
    pieces = GAPS.split(text) if kind == "text" else list(text)
    filled = np.flatnonzero([bool(piece.strip()) for piece in pieces])
    for place in random.permutation(filled)[:count].tolist():
        pieces[place] = pool[int(random.integers(len(pool)))]
    return "".join(pieces)


def hurt(kind: str, answer: Answer, target: Target) -> Array:
    """How wrong each answer is, float64 "N": the smaller the better; 0 where no label is known."""
    known = target.known
    if kind == "multiclass":
        place = np.where(known[:, 0], target.values[:, 0], 0).astype(np.int64)
        each = -np.log(np.maximum(answer.values[np.arange(len(place)), place], NEAR))[:, None]
    elif answer.kind == "probabilities":
        true = np.where(target.values > 0, answer.values, 1 - answer.values)
        each = -np.log(np.maximum(true, NEAR))
    else:
        each = np.abs(answer.values - target.values)
    wrong: Array = np.where(known, each, 0).sum(1)
    return wrong
