"""Which places of a sequence belong together: residues that touch, letters that pair. The truth of the task contact.

The pairs of a row are one text, PAIRS//<name> (residues/record.py). A row that has such a text is known: every pair that it does
not name is none. Places count in letters; `placed` finds the steps that stand for them, once the input is read.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.registry import nearest
from sequela.residues import record
from sequela.study.lettered import DIFFERENT, middle
from sequela.study.records import Records
from sequela.study.stamped import own
from sequela.types import Array, Cohort, Paired, Pairs, Places, Target

OUTSIDE = "its pairs are no two places each of its sequence"
LOST = "pairs of which a letter is no step of its own, or the steps are too near: no answer can name them"


def read(store: Records, outcome: config.Outcome, rows: Cohort, *, labelled: bool) -> tuple[Target, dict[str, Array]]:
    """The pairs of these rows, in letters; and which rows (bool "N") cannot be asked, by reason.

    Raises ConfigError for an outcome that is not the name of pairs alone, DataError where the data has none of that name. With
    `labelled` False pairs that are not there are unknown.
    """
    code = _code(outcome)
    if labelled and code not in store.kinds:
        present = [one.removeprefix(f"{record.PAIRS}//") for one in store.kinds if one.startswith(f"{record.PAIRS}//")]
        raise DataError(f"no sequence of the data has pairs {outcome.pairs!r}", hint=nearest(outcome.pairs, present))
    told = own(store.events([code]), rows).select("row", text="text_value").drop_nulls().unique(maintain_order=True)
    twofold = np.bincount(told["row"].to_numpy(), minlength=len(rows)) > 1
    alone = told.filter(~pl.Series(twofold)[told["row"]])
    each = _each(alone, _lengths(store, rows))
    outside = np.zeros(len(rows), bool)
    outside[[row for row, pairs in each.items() if pairs is None]] = True
    known = np.zeros(len(rows), bool)
    known[list(each)] = True
    pairs = _laid([each.get(row) or [] for row in range(len(rows))])
    count = np.diff(pairs.offsets).astype(np.float64)[:, None]
    return Target(count, (known & ~outside)[:, None], (outcome.pairs,), pairs), {DIFFERENT: twofold, OUTSIDE: outside}


def _code(outcome: config.Outcome) -> str:
    if not outcome.pairs or outcome != config.Outcome(pairs=outcome.pairs):
        raise ConfigError("the outcome of contact is the name of pairs of places", hint='outcome = { pairs = "contact" }')
    return record.pairs_code(outcome.pairs)


def _lengths(store: Records, rows: Cohort) -> Array:
    """Letters of the longest sequence of each row, int64 "N"; 0 where it has none."""
    codes = [code for code in store.kinds if code.startswith(f"{record.SEQUENCE}//")]
    held = own(store.events(codes), rows).select("row", count=pl.col("text_value").str.len_chars())
    most = held.group_by("row").agg(pl.col("count").max())
    found = np.zeros(len(rows), np.int64)
    found[most["row"].to_numpy()] = most["count"].to_numpy()
    return found


def _each(told: pl.DataFrame, lengths: Array) -> dict[int, list[tuple[int, int]] | None]:
    """The pairs of each row that is told of; None where they are no pairs of places of its sequence."""
    found: dict[int, list[tuple[int, int]] | None] = {}
    for row, text in told.iter_rows():
        try:
            found[row] = sorted(set(record.pairs(text, int(lengths[row]))))
        except DataError:
            found[row] = None
    return found


def _laid(each: list[list[tuple[int, int]]]) -> Pairs:
    low, high = np.array([pair for pairs in each for pair in pairs], np.int64).reshape(-1, 2).T
    return Pairs(np.concatenate([[0], np.cumsum([len(pairs) for pairs in each])]).astype(np.int64), low, high)


def placed(target: Target, places: Places, separation: int) -> Target:
    """The target with the pairs whose letters are `separation` apart or more, and the steps that stand for them, as Paired.

    A row of which a pair lies outside of the sequence that was read is not known.
    """
    pairs = target.dense if isinstance(target.dense, Pairs) else _laid([[] for _ in range(len(places))])
    letters = np.array([len(text) for text in places.texts], np.int64)
    outside = np.bincount(pairs.row[pairs.high >= letters[pairs.row]], minlength=len(places)) > 0
    judged = pairs.keep((pairs.high - pairs.low >= separation) & ~outside[pairs.row])
    count = np.diff(judged.offsets).astype(np.float64)[:, None]
    dense = Paired(judged, _in_steps(judged, places, separation), letters, separation)
    return Target(count, target.known & ~outside[:, None], target.names, dense)


def _in_steps(pairs: Pairs, places: Places, separation: int) -> Pairs:
    """Those of the pairs of which both letters are the middle of a step, and these are as far apart, in steps."""
    low, high = (_steps(pairs.row, letter, places) for letter in (pairs.low, pairs.high))
    found = (low >= 0) & (high - low >= separation)
    kept = pairs.keep(found)
    return Pairs(kept.offsets, low[found], high[found])


def _steps(row: Array, letter: Array, places: Places) -> Array:
    """The step of its row whose middle each letter is, int64; -1 where none is."""
    if not len(places.begin):
        return np.full(len(row), -1, np.int64)
    of_step = np.repeat(np.arange(len(places)), np.diff(places.offsets))
    width = int(max(places.end.max(initial=0), letter.max(initial=0))) + 1
    held = of_step * width + middle(places.begin, places.end)
    place = np.minimum(np.searchsorted(held, row * width + letter), len(held) - 1)
    return np.where(held[place] == row * width + letter, place - places.offsets[row], -1)


def lost(target: Target) -> dict[str, int]:
    """How many pairs of known rows the steps cannot tell."""
    dense = target.dense
    if not isinstance(dense, Paired):
        return {}
    missing = (np.diff(dense.pairs.offsets) - np.diff(dense.steps.offsets))[target.known[:, 0]].sum()
    return {LOST: int(missing)} if missing else {}


def in_letters(pairs: Pairs, places: Places) -> Pairs:
    """Pairs of steps as pairs of the letters in their middles."""
    first = places.offsets[pairs.row]
    letter = middle(places.begin, places.end)
    return Pairs(pairs.offsets, letter[first + pairs.low], letter[first + pairs.high], pairs.score)


def rows(pairs: Pairs) -> list[list[tuple[int, int]]]:
    """The pairs of each row."""
    each = list(zip(pairs.low.tolist(), pairs.high.tolist(), strict=True))
    return [each[begin:end] for begin, end in pairwise(pairs.offsets.tolist())]
