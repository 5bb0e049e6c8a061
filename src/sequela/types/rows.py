"""The rows that a study asks about, what is asked of them, and what is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sequela.types.arrays import DAY, NEVER, Array, Part, Payloads

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Target:
    """Labels of N rows: a missing label is `known` False, never a value.

    binary: K = 1, values 0 or 1, names = (the outcome,). multiclass: K = 1, values an index into names, names = the classes.
    multilabel: values 0 or 1, names = the K labels. regression: values as they are, names = the K quantities.
    next_event: K = 1, values how many codes of the input are foreseen, names = the vocabulary.
    segment, detect: K = 1, values 0, known where somebody marked the picture, names = what is marked; the truth is in `dense`.
    tagging: K = 1, values how many steps of the row have a label, names = the classes; the labels are in `dense`.
    entities: K = 1, values how many stretches of the row's text are marked, known where somebody read it, names = their types;
    the stretches are in `dense`.
    survival: K = 1, values the cause (0: none was seen), names = the causes; when it came is in `dense`.
    contact: K = 1, values how many pairs of a row's steps were marked, names = (what they are,); the pairs are in `dense`.
    Arrays are NumPy in a cohort, tensors in a batch of the model.
    """

    values: Any  # float64 "N K" (float32 as a tensor)
    known: Any  # bool "N K"
    names: tuple[str, ...]
    # segment: Masks; in a batch int64 "B *S", the model's patch of each. detect: Boxes; in a batch float32 "B M 5": label (-1 for
    # padding), top, left, bottom, right in the model's picture. tagging: Labels, or of letters Letters, once the steps are
    # read Tags; in a batch int64 "B T": a place in names, or -1; of letters as rows of their own, Along. entities: Marked, once
    # the text is read Spanned; in a batch int64 "B T": a tag of text/scheme.py, or -1. survival: Times; in a batch float32
    # "B 3": time, cause, entry. contact: Pairs, once the letters are read Paired; in a batch int64 "B T T": 1 a pair, 0 none, -1
    # not asked
    dense: Any = None
    # float64 "N K": labels between 0 and 1, NaN elsewhere; they are not `known`: training learns them, nothing is judged by them
    soft: Array | None = None
    ordered: bool = False  # multiclass: the order of the names means something, so a miss by two classes is worse than by one

    def take(self, rows: Array) -> Target:
        dense = None if self.dense is None else self.dense.take(rows)
        soft = None if self.soft is None else self.soft[rows]
        return Target(self.values[rows], self.known[rows], self.names, dense, soft, self.ordered)

    @property
    def learnt(self) -> Target:
        """As training has it: labels between 0 and 1 among the known ones."""
        if self.soft is None:
            return self
        between = ~np.isnan(self.soft)
        return Target(np.where(between, self.soft, self.values), self.known | between, self.names, self.dense)


@dataclass(frozen=True, slots=True)
class Cohort:
    """The rows that a study asks about, in a fixed order: by subject_id, then time. Columns of length N."""

    subject_id: Array  # int64: the unit of the store
    source_id: Array  # str: what the source called the subject
    row_id: Array  # str, unique: source_id, or source_id#k for the k-th row of a subject where it may have several
    start: Array  # datetime64[us]: the event the row starts from; NaT where the data has no time
    time: Array  # datetime64[us]: the moment of the prediction; NaT where the data has no time
    part: Array  # str: train, tune, test, or "" where no split was made
    target: Target
    groups: Mapping[str, Array] = field(default_factory=dict)  # name -> str, "" where missing
    event: Array | None = None  # datetime64[us]: when the outcome (of a yes-or-no question, of survival) came; NaT where not
    units: Mapping[str, Array] = field(default_factory=dict)  # like groups: clusters of sequences, of which the split alone knows

    def __len__(self) -> int:
        return len(self.subject_id)

    def take(self, rows: Array) -> Cohort:
        """These rows (indices or a mask), in the order given."""
        columns = {name: getattr(self, name)[rows] for name in ("subject_id", "source_id", "row_id", "start", "time", "part")}
        event = None if self.event is None else self.event[rows]
        groups = {name: level[rows] for name, level in self.groups.items()}
        units = {name: level[rows] for name, level in self.units.items()}
        return replace(self, **columns, target=self.target.take(rows), groups=groups, event=event, units=units)

    def of(self, part: Part) -> Array:
        """Indices of the rows of a part, in order."""
        return np.flatnonzero(self.part == part)


@dataclass(frozen=True, slots=True)
class Shared:
    """The events known of many rows, each held once: row[p] knows the event place[p]; by row, then time.

    A patient's record is known at each of their rows; held once, it costs a pair of integers a row, not a copy. The column code
    is text, or, read from a shard of a store, an Enum of the codes of the whole store: integers.
    """

    events: pl.DataFrame  # E events: code, numeric_value, text_value, payload, visit; by subject, then time
    time: Array  # int64 "E": microseconds, NEVER for an event without time
    row: Array  # int64 "P"
    place: Array  # int64 "P"
    high: Array  # int64 "N": microseconds of each row's prediction, NEVER where it has no time
    begin: Array | None = None  # int64 "P": as in Known.events, -1 for null; None: null throughout
    end: Array | None = None

    @property
    def position(self) -> Array:
        """Days before the prediction of each pair, float64 "P"; NaN for an event without time."""
        since, until = self.time[self.place], self.high[self.row]
        return np.where((since == NEVER) | (until == NEVER), np.nan, (since - until) / DAY)

    @property
    def nbytes(self) -> int:
        """Bytes that it takes in memory."""
        arrays = (self.time, self.row, self.place, self.high, self.begin, self.end)
        return int(self.events.estimated_size()) + sum(one.nbytes for one in arrays if one is not None)

    def of(self, rows: Array, count: int) -> Shared:
        """What is known of these of the `count` rows (each at most once, in the order given), numbered anew."""
        number = np.full(count, -1, np.int64)
        number[rows] = np.arange(len(rows))
        pairs = np.flatnonzero(number[self.row] >= 0)
        if (np.diff(rows) < 0).any():
            pairs = pairs[np.argsort(number[self.row[pairs]], kind="stable")]
        begin, end = (bound if bound is None else bound[pairs] for bound in (self.begin, self.end))
        return replace(self, row=number[self.row[pairs]], place=self.place[pairs], high=self.high[rows], begin=begin, end=end)

    def frame(self) -> pl.DataFrame:
        """The columns of Known.events, a line for each pair."""
        said = self.events.with_columns(self.events["code"].cast(str))[self.place]
        make = type(said)  # this file imports nothing heavy
        none = np.full(len(self.place), -1)
        bounds = make({"begin": none if self.begin is None else self.begin, "end": none if self.end is None else self.end})
        nulled = [bound.set(bound < 0, None) for bound in bounds.get_columns()]
        first = make({"row": self.row, "position": self.position})
        return make([*first.get_columns(), *said.get_columns(), *nulled])


@dataclass(frozen=True)
class Known:
    """The events known at each row's time, sorted by row, then time: the only way by which an input sees data.

    `events` has the columns
        row            int64    0..count-1
        position       float64  days before the prediction, <= 0; NaN for an event without time (always known)
        code           str
        numeric_value  float32  null where there is none
        text_value     str      null where there is none
        payload        str      uri, null where there is none
        visit          int64    tells the visits of one subject apart, null where it belongs to none
        begin, end     int64    of a payload with a time axis: the half-open range of its samples that lies inside the history
                                window and not after the prediction; null elsewhere. No other sample may be read.
    For a payload with a time axis `position` is that of its first sample (it may lie before the history window).
    """

    count: int
    source: pl.DataFrame | Shared  # the events; where many rows share them, as integers that point to them
    payloads: Payloads
    kinds: Mapping[str, str]  # code -> kind, from the store's codes: see store/schema.py
    start: Array | None = None  # float64 "N": position of each row's index event, days, <= 0; NaN where it has no time
    subject: Array | None = None  # int64 "N": rows of one subject have one number, for counting alone; None: each row its own
    parents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # code -> the next broader codes that the store names

    @cached_property
    def events(self) -> pl.DataFrame:
        """A line for each event of each row."""
        return self.source.frame() if isinstance(self.source, Shared) else self.source

    @property
    def shared(self) -> Shared | None:
        """The events held once and which row knows which; None where they were given row by row."""
        return self.source if isinstance(self.source, Shared) else None
