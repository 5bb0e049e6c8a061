"""All that is promised beside an answer, as it is fitted on tune and kept in a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np
from msgspec import Struct

from sequela.config import Uncertainty
from sequela.evaluate.uncertainty import abstention, ranges, sets
from sequela.evaluate.uncertainty.abstention import Abstention
from sequela.evaluate.uncertainty.ranges import Ranges
from sequela.evaluate.uncertainty.rarity import Rarity, State
from sequela.evaluate.uncertainty.sets import Sets
from sequela.types import Answer, Array, Target

PREFIX = "rarity/"  # of the arrays of `Rarity` among a bundle's weights


class Mix(Struct, frozen=True):
    """How often each class occurred in tune, and the quantiles of 1 - the probability of the rows of each: for another mix."""

    shares: tuple[float, ...]
    scores: tuple[tuple[float, ...], ...]  # of each class; () where it did not occur
    subjects: tuple[int, ...]


class Fitted(Struct, frozen=True):
    """What is kept as JSON."""

    sets: Sets | None = None
    plain: Sets | None = None  # the same with one limit over all rows, to show beside it
    mix: Mix | None = None
    ranges: Ranges | None = None
    abstention: Abstention | None = None
    rarity: State | None = None


@dataclass(frozen=True, slots=True)
class Promises:
    """What a predictor says of its own answers; a bundle of an older version promises nothing."""

    sets: Sets | None = None
    plain: Sets | None = None
    mix: Mix | None = None
    ranges: Ranges | None = None
    abstention: Abstention | None = None
    rarity: Rarity | None = None

    def encoded(self) -> tuple[bytes, dict[str, Array]]:
        """As JSON, and the arrays that stand among the weights."""
        state = None if self.rarity is None else self.rarity.state
        fitted = Fitted(self.sets, self.plain, self.mix, self.ranges, self.abstention, state)
        arrays = {} if self.rarity is None else {name: getattr(self.rarity, name) for name in ("means", "factor", "scale")}
        return msgspec.json.encode(fitted), {PREFIX + name: array for name, array in arrays.items()}


NONE = Promises()


def decoded(told: bytes, arrays: Mapping[str, Array]) -> Promises:
    """Raises ValueError or KeyError where they are not what `encoded` gives."""
    held = msgspec.json.decode(told, type=Fitted)
    rarity = None
    if held.rarity is not None:
        rarity = Rarity(held.rarity, *(arrays[PREFIX + name] for name in ("means", "factor", "scale")))
    return Promises(held.sets, held.plain, held.mix, held.ranges, held.abstention, rarity)


@dataclass(frozen=True, slots=True)
class Tune:
    """The rows that everything is fitted on, with the answer that the bundle gives to them."""

    kind: str
    answer: Answer
    target: Target
    subject: Array
    threshold: float | None  # of a yes-or-no question
    levels: Array | None = None  # str "N": of the group that sets are by


def fit(tune: Tune, asked: Uncertainty, rarity: Rarity | None, seed: int) -> Promises:
    """What the study asks to be promised, of a kind of task that it can be promised of."""
    if tune.kind == "regression":
        return Promises(ranges=ranges.fit(tune.answer, tune.target, tune.subject, asked.coverage), rarity=rarity)
    if tune.kind not in sets.KINDS:
        return Promises(rarity=rarity)
    rows = tune.answer, tune.target, tune.subject
    own = sets.fit(*rows, asked.coverage, asked.by, group=asked.group, levels=tune.levels)
    plain = sets.fit(*rows, asked.coverage, "all")
    return Promises(own, plain, _mix(tune), abstention=_abstention(tune, asked, seed), rarity=rarity)


def _abstention(tune: Tune, asked: Uncertainty, seed: int) -> Abstention | None:
    truth = sets.true(tune.target)
    known = np.flatnonzero(truth >= 0)
    if asked.risk is None or not len(known):
        return None
    sure = abstention.surety(tune.answer, tune.threshold)[known]
    wrong = abstention.decided(tune.answer, tune.threshold)[known] != truth[known]
    return abstention.fit(sure, wrong, tune.subject[known], asked.risk, asked.confidence, seed)


LEVELS = np.linspace(0, 1, 201)


def _mix(tune: Tune) -> Mix:
    truth = sets.true(tune.target)
    scores = 1 - sets.chances(tune.answer)
    shares, grids, counts = [], [], []
    for place in range(scores.shape[1]):
        rows = truth == place
        shares.append(float(rows.sum() / max(1, (truth >= 0).sum())))
        grids.append(tuple(np.quantile(scores[rows, place], LEVELS, method="higher").tolist()) if rows.any() else ())
        counts.append(len(np.unique(tune.subject[rows])))
    return Mix(tuple(shares), tuple(grids), tuple(counts))
