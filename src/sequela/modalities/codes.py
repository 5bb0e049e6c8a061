"""Coded history (diagnoses, procedures, drugs, laboratory results): a step for each visit, a set of codes, or for each event.

Everything known is read, however long ago. A visit is what its events say it is (`Known.events.visit`, wherever they stand in
time); events of no visit are a step for each moment; events without time are one step, the first. Text beside a code is not read.

Which code has a number, and what stands for the rarer ones, is learnt from the training part (prep/vocabulary.py); number 0 is
what is unknown or rare. Numbers beside codes are told by tokens of their quantiles, or, for events, as a number beside the step.
Beside each step stand, scaled by the training part: the age then, the days since the step before, how long the visit had lasted,
how long ago it was, and which visit it is; durations as log(1 + days).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Literal

import msgspec
import numpy as np
import polars as pl
from msgspec import Meta

from sequela import seed as streams
from sequela.config import Strict
from sequela.errors import ConfigError, DataError
from sequela.modalities import _beside, _code_counts, _visits
from sequela.modalities._code_events import Taken, Wanted, taken
from sequela.modalities._synthetic import Held, events
from sequela.modalities._visits import Filled, Visits
from sequela.prep import statics, vocabulary
from sequela.prep.vocabulary import Numbers, Vocabulary
from sequela.types import Array, Known, Plain, Ragged, Spec

OTHER = "other"  # an unknown code, in the golden example


class Config(Strict, frozen=True):
    form: Literal["visits", "events"] = "visits"  # a step is a visit, the set of its codes; or one event
    codes: tuple[str, ...] = ()  # patterns (ICD9CM//*); left out: all of the kinds event and measurement, but birth
    exclude: tuple[str, ...] = ()  # patterns that are left out
    values: Literal["none", "quantiles", "side"] = "quantiles"  # of numbers beside codes; side: with form = "events" alone
    bins: Annotated[int, Meta(ge=2, le=100)] = 5  # quantiles
    min_count: Annotated[int, Meta(ge=1)] = 5  # training subjects; a rarer code is what is broader (prep/vocabulary.py)
    max_vocabulary: Annotated[int, Meta(ge=0)] = 0  # only so many codes, the most frequent; 0: all
    max_steps: Annotated[int, Meta(ge=0)] = 0  # only so many steps of a row, the latest; 0: all
    side: tuple[_beside.Name, ...] = _beside.NAMES  # numbers beside each step
    context: tuple[str, ...] = ()  # statics that stand beside the sequence


class State(msgspec.Struct, frozen=True, kw_only=True):
    vocabulary: Vocabulary
    numbers: dict[str, tuple[float, float]]  # code -> mean and spread of its values, where they stand beside the step
    beside: _beside.Beside
    context: list[statics.Static]
    visits: float  # a row has, on average
    codes: float  # a visit has, on average
    widest: int  # tokens of the largest visit


class Codes:
    def __init__(self, config: Config) -> None:
        self.config = config
        self._wanted = Wanted(config.codes, config.exclude)
        self._numbers: Numbers | None = None  # of the state that was read with last

    def fit(self, known: Known) -> State:
        """What `fit_each` learns of all rows at once."""
        return self.fit_each([known])

    def fit_each(self, parts: Iterable[Known]) -> State:
        """The vocabulary and the scales, from training rows that come in parts, each of other subjects; one is held at a time.

        Raises DataError where no training row has any of the codes.
        """
        learning = _Learning(self.config)
        for known in parts:
            learning.add(known, taken(known, self._wanted))
        return learning.state()

    def read(self, known: Known, state: State) -> Ragged:
        """The history of each row; one without any of the codes has no steps."""
        found = taken(known, self._wanted)
        token = self._tokens(found, known, state)
        read = self._visits if self.config.form == "visits" else self._events
        ragged = read(known, state, found, token)
        return replace(ragged, context=statics.encode(known, state.context)[0] if state.context else None)

    def plain(self, known: Known, state: State) -> Plain:
        """How many visits and codes, age, durations; of every token whether the last visit has it, and how many visits do."""
        found = taken(known, self._wanted)
        visits = _visits.visits(found.events)
        token = self._tokens(found, known, state)
        counts = _code_counts.counts(known.count, visits, *_visits.sets(found.events, visits, token), state.vocabulary.tokens)
        numbers = _beside.raw(_beside.of_visits(visits), known, state.beside.age)
        summary = _code_counts.summary(known.count, visits, numbers, counts[0])
        context = statics.plain(known, state.context)
        return Plain(np.concatenate([summary.values, context.values], 1), (*summary.names, *context.names), counts)

    def spec(self, state: State) -> Spec:
        """A visit that is read later may be larger than `shape`, which is that of the training part."""
        visits = self.config.form == "visits"
        side = state.beside.width(self.config.side) + (2 if self.config.values == "side" else 0)
        return Spec(
            "codes",
            (state.widest,) if visits else (),
            "days",
            tuple(state.vocabulary.tokens),
            vocabulary=len(state.vocabulary),
            side=side,
            context=sum(static.width for static in state.context),
            facts=statics.codes(state.context),
        )

    def example(self, state: State, rows: int, seed: int) -> Known:
        """Visits of codes drawn by how many training subjects have them, one by one; no patient's visit."""
        random = streams.generator(seed, "example", "codes")
        row, position = _drawn_visits(state, rows, random)
        drawn = events(_drawn_codes(state, row, position, random))
        still = statics.synthetic(state.context, rows, random)
        beside = events({**still, "position": [float("nan")] * len(still["row"])})
        frame = pl.concat([beside, _beside.drawn(state.beside, rows, random), drawn])
        frame = frame.sort("row", pl.col("position").fill_nan(None), nulls_last=False, maintain_order=True)
        kinds = dict.fromkeys((*(one.code for one in state.context), *([state.beside.age] if state.beside.age else [])), "static")
        kinds |= {code: "measurement" if code in state.vocabulary.edges else "event" for code in drawn["code"].unique().sort()}
        return Known(rows, frame, Held({}), kinds, position[np.searchsorted(row, np.arange(rows))])

    def _tokens(self, found: Taken, known: Known, state: State) -> Array:
        """The token of each event taken, int32."""
        numbers = self._numbers
        if numbers is None or numbers.vocabulary is not state.vocabulary or numbers.parents is not known.parents:
            self._numbers = numbers = Numbers(state.vocabulary, known.parents)
        return numbers.encode(found.coded)

    def _visits(self, known: Known, state: State, found: Taken, token: Array) -> Ragged:
        visits = _visits.visits(found.events)
        entry, sets = _visits.sets(found.events, visits, token)
        steps = _beside.of_visits(visits)
        side = state.beside.scaled(_beside.raw(steps, known, state.beside.age), self.config.side)
        kept = self._latest(visits.row, known.count)
        return Ragged(
            offsets=_offsets(visits.row[kept], known.count),
            values=sets,
            position=visits.begin[kept],
            seen=Filled(sets),
            side=side[kept] if side.shape[1] else None,
            take=entry[kept],
        )

    def _events(self, known: Known, state: State, found: Taken, token: Array) -> Ragged:
        visits = _visits.visits(found.events)
        each = _beside.of_events(visits, found.events)
        side = state.beside.scaled(_beside.raw(each, known, state.beside.age), self.config.side)
        if self.config.values == "side":
            side = np.concatenate([side, _scaled(state, found)[found.events.event]], 1)
        kept = self._latest(found.events.row, known.count)
        return Ragged(
            offsets=_offsets(found.events.row[kept], known.count),
            values=token,
            position=each.end[kept],
            side=side[kept] if side.shape[1] else None,
            take=found.events.event[kept],
        )

    def _latest(self, row: Array, count: int) -> Array:
        """Which steps are kept: all, or the latest of each row."""
        if not self.config.max_steps:
            return np.arange(len(row))
        behind = np.cumsum(np.bincount(row, minlength=count))[row] - np.arange(len(row))  # 1 for the last of a row
        return np.flatnonzero(behind <= self.config.max_steps)


class _Learning:
    """What is gathered of the training rows, part by part."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._count = vocabulary.Count(config.min_count, values=config.values != "none")
        self._beside = _beside.Learning()
        self._context: list[pl.DataFrame] = []
        self._rows = self._with = self._visits = self._codes = self._widest = 0

    def add(self, known: Known, found: Taken) -> None:
        """Adds the rows of other subjects."""
        subject = np.arange(known.count) + self._rows if known.subject is None else known.subject
        owner = np.full(len(found.coded.code), -1, np.int64)
        owner[found.events.event] = subject[found.events.row]
        mine = np.flatnonzero(owner >= 0) if known.subject is None or (owner < 0).any() else np.arange(len(owner))
        self._count.add(found.coded.take(mine), owner[mine], known.parents)
        visits = _visits.visits(found.events)
        self._beside.add(_beside.of_visits(visits), known, subject)
        self._measure(found, visits)
        if self._config.context:
            said = known.events.filter(pl.col("code").is_in(list(self._config.context)))
            self._context.append(said.with_columns(pl.col("row") + self._rows))
        self._rows += known.count
        self._with += len(np.unique(visits.row))

    def _measure(self, found: Taken, visits: Visits) -> None:
        """Counts the visits and the codes in them; a code said twice in a visit counts once."""
        entry, sets = _visits.sets(found.events, visits, found.coded.code)
        self._visits += len(visits)
        self._codes += int(np.diff(sets.offsets)[entry].sum())
        self._widest = max(self._widest, sets.shape[1])

    def state(self) -> State:
        """Raises DataError where no row has any of the codes."""
        if not self._visits:
            raise DataError("no training row has an event of any of the codes", hint="see the input's codes and exclude")
        config = self._config
        bins = config.bins if config.values == "quantiles" else 0
        found = self._count.vocabulary(config.max_vocabulary, bins)
        return State(
            vocabulary=found,
            numbers=self._numbers(found) if config.values == "side" else {},
            beside=self._beside.fitted(),
            context=self._statics(),
            visits=self._visits / self._with,
            codes=self._codes / self._visits,
            widest=self._widest,
        )

    def _numbers(self, found: Vocabulary) -> dict[str, tuple[float, float]]:
        known = {name: self._count.values[name] for name in found.tokens if name in self._count.values}
        return {name: (float(values.mean()), float(values.std()) or 1.0) for name, values in known.items()}

    def _statics(self) -> list[statics.Static]:
        if not self._context:
            return []
        said = Known(self._rows, pl.concat(self._context), Held({}), {})
        return statics.fit(said, self._config.context, "rank_gauss", clip=3.0)


def _offsets(row: Array, count: int) -> Array:
    """Where the steps of each row begin, and the last end."""
    return np.concatenate([[0], np.cumsum(np.bincount(row, minlength=count))]).astype(np.int64)


def _scaled(state: State, found: Taken) -> Array:
    """The number beside each event, by its code's mean and spread, and whether there is one: float32 "E 2"."""
    none = (np.nan, 1.0)
    mean, spread = np.array([state.numbers.get(name, none) for name in found.coded.names]).reshape(-1, 2).T
    scaled = (found.coded.value - mean[found.coded.code]) / spread[found.coded.code]
    here = np.isfinite(scaled)
    return np.stack([np.where(here, np.clip(scaled, -5, 5), 0), here], 1).astype(np.float32)


def _drawn_visits(state: State, rows: int, random: np.random.Generator) -> tuple[Array, Array]:
    """Synthetic visits: which row each is of, int64 "S", rising; and when it began, days."""
    held = 1 + random.poisson(max(0.0, state.visits - 1), rows)
    row = np.repeat(np.arange(rows), held)
    apart = 0.1 + _beside.days(state.beside, "gap", len(row), random) + _beside.days(state.beside, "length", len(row), random)
    until = np.cumsum(apart[::-1])[::-1]  # from each visit to the end of all rows
    after = np.append(until, 0.0)[np.cumsum(held)][row]
    return row, -(until - after)


def _drawn_codes(state: State, row: Array, position: Array, random: np.random.Generator) -> dict[str, list[object]]:
    """Columns of events: codes of each visit, drawn one by one; a value lies within its quantile."""
    tokens, edges = state.vocabulary.tokens, state.vocabulary.edges
    own = np.array([bool(held) for held in state.vocabulary.subjects])
    weight = np.where(own, state.vocabulary.subjects, 0) + np.append(1, np.zeros(len(tokens) - 1))
    visit = np.repeat(np.arange(len(row)), 1 + random.poisson(max(0.0, state.codes - 1), len(row)))
    drawn = [tokens[number] for number in random.choice(len(tokens), len(visit), p=weight / weight.sum())]
    said = [_as_said(token, edges, random) for token in drawn]
    return {
        "row": row[visit].tolist(),
        "position": position[visit].tolist(),
        "code": [code for code, _ in said],
        "numeric_value": [value for _, value in said],
        "visit": visit.tolist(),
    }


def _as_said(token: str, edges: Mapping[str, Sequence[float]], random: np.random.Generator) -> tuple[str, float | None]:
    """A token as the code and the number that an event would have."""
    code, _, quantile = token.rpartition("//Q")
    if code not in edges:
        return (OTHER if token == vocabulary.UNKNOWN else token), None
    inner = edges[code]
    reach = (inner[-1] - inner[0]) or 1.0
    bounds = [inner[0] - reach, *inner, inner[-1] + reach]
    place = int(quantile)
    return code, float(random.uniform(bounds[place - 1], bounds[place]))


def build(config: Config) -> Codes:
    """Raises ConfigError where numbers are to stand beside steps that are sets."""
    if config.values == "side" and config.form == "visits":
        raise ConfigError(
            'codes: values = "side" needs a step for each event; a visit is a set',
            hint='form = "events", or values = "quantiles"',
        )
    return Codes(config)
