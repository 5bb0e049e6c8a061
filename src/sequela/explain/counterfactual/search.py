"""The nearest change that flips an answer, of all that was found, each asked about again.

Numbers come first: few features, then as little of them as flips. Codes and categories are changed one after the other, each time
the one that brings the answer nearest to its boundary; what turns out not to be needed goes back. Where neither flips alone, both
do together. Nothing is drawn: the same rows give the same changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sequela import batch
from sequela import model as models
from sequela.contracts import Progress
from sequela.errors import UsageError
from sequela.explain.counterfactual import kept, numbers
from sequela.explain.counterfactual.changes import Change, Counterfactual, Options
from sequela.explain.counterfactual.judge import Judge
from sequela.explain.counterfactual.moves import Move, moves
from sequela.explain.counterfactual.numbers import Movable
from sequela.metrics.calibration import logit
from sequela.types import Array, Ragged, Seq, Spec

SHARES = np.linspace(1 / 32, 1, 32)  # of what was found that are tried, from the least on
NONE = "nothing was read of this row, so that nothing can change"


@dataclass(frozen=True, slots=True)
class Version:
    """A row as it would be."""

    inputs: dict[str, Seq]  # NumPy, B = 1
    shift: Array  # float64 "M": of the numbers
    moves: tuple[Move, ...] = ()

    @property
    def count(self) -> int:
        """Features that differ."""
        return int((self.shift != 0).sum()) + len(self.moves)


@dataclass(frozen=True, slots=True)
class Row:
    """What is asked about one row."""

    judge: Judge
    whole: Version  # the row as it is
    column: int
    called: bool  # whether the column is, of the row as it is
    risk: float  # its probability there
    those: Movable
    found: list[Version] = field(default_factory=list)  # every version that flips
    nearest: list[tuple[float, Version]] = field(
        default_factory=list
    )  # at most one: that which comes nearest to it, and how near

    @property
    def unread(self) -> str:
        """Why nothing can change, where that is so."""
        return "" if any(seq.mask.any() for seq in self.whole.inputs.values()) else NONE

    def judged(self, versions: Sequence[Version]) -> tuple[Array, Array]:
        """Which of them flip, bool "V", and how far each is from its boundary, in log-odds: the less the nearer."""
        values = self.judge.each([one.inputs for one in versions])
        column = np.full(len(values), self.column)
        flips = self.judge.decided(values, column) != self.called
        left = logit(values[:, self.column]) * (1 if self.called else -1)
        return flips, left

    def shifted(self, shift: Array, base: Version | None = None) -> Version:
        start = base or self.whole
        return Version(self.those.applied(start.inputs, shift), shift, start.moves)


def counterfactuals(
    judge: Judge,
    inputs: Mapping[str, Ragged],
    row_id: Sequence[str],
    specs: Mapping[str, Spec],
    options: Options | None = None,
    *,
    frequent: Mapping[str, Sequence[int]] | None = None,
    withheld: Sequence[str] = (),
    progress: Progress | None = None,
) -> tuple[Counterfactual, ...]:
    """One for each row. `frequent`: codes of an input by how many training subjects have them, the most first.

    `withheld`: of each row why it got no answer, "" where it did: what was not answered cannot be flipped. Raises UsageError
    where no input can change by single features, or a pattern of the options fits none.
    """
    options = options or Options()
    may = kept.changeable(specs, options)
    those = numbers.movable(specs, may)
    if not those.features and not any(specs[name].vocabulary or free.any() for name, free in may.items()):
        raise UsageError("every feature stays as it is, so that nothing can flip an answer", hint="name some as free")
    added = {name: tuple(codes)[: options.added] for name, codes in (frequent or {}).items()}
    rows = [_row(judge, dict(batch.collate(inputs, np.array([row])).inputs), those) for row in range(len(row_id))]
    reasons = [why or row.unread for why, row in zip(withheld or [""] * len(rows), rows, strict=True)]
    answered = np.flatnonzero([not why for why in reasons])
    _numbers([rows[k] for k in answered], inputs, answered, options.most)
    for done, k in enumerate(answered):
        _discrete(rows[k], moves(rows[k].whole.inputs, specs, may, added), options.most)
        if progress is not None:
            progress("counterfactuals", done + 1, len(answered))
    return tuple(_told(row, str(name), why) for row, name, why in zip(rows, row_id, reasons, strict=True))


def _row(judge: Judge, inputs: dict[str, Seq], those: Movable) -> Row:
    values = judge.values(inputs)
    column = judge.column(values)
    called = bool(judge.decided(values, column)[0])
    return Row(judge, Version(inputs, np.zeros(len(those.features))), int(column[0]), called, float(values[0, column[0]]), those)


# ---------------------------------------------------------------------------------------------------------------------- numbers


def _numbers(rows: Sequence[Row], inputs: Mapping[str, Ragged], place: Array, most: int) -> None:
    """Finds the versions of the rows of which numbers alone differ, with as few features as do."""
    if not len(rows) or not rows[0].those.features:
        return
    those, judge = rows[0].those, rows[0].judge
    column, called = np.array([row.column for row in rows]), np.array([row.called for row in rows])

    def search(which: Array, allowed: Array) -> Array:
        made = models.tensors(batch.collate(inputs, place[which]), "cpu").inputs
        return numbers.searched(judge, made, column[which], called[which], those, allowed)

    everyone = np.arange(len(rows))
    wide = search(everyone, np.ones((len(rows), len(those.features)), bool))
    left = everyone
    for count in range(1, most + 1):
        shift = search(left, numbers.furthest(wide[left], count))
        left = np.array([k for k, one in zip(left, shift, strict=True) if not _tried(rows[int(k)], one)], np.int64)
        if not len(left):
            return


def _tried(row: Row, shift: Array, base: Version | None = None) -> bool:
    """Whether these shifts flip the answer: if so what is needed of them is kept, the least share of it that flips."""
    if not shift.any():
        return False
    whole = row.shifted(shift, base)
    flips, left = row.judged([whole])
    _remember(row, whole, left[0])
    if not flips[0]:
        return False
    for k in sorted(np.flatnonzero(shift), key=lambda k: abs(shift[k])):
        fewer = np.where(np.arange(len(shift)) == k, 0.0, shift)
        shift = fewer if row.judged([row.shifted(fewer, base)])[0][0] else shift
    versions = [row.shifted(shift * share, base) for share in SHARES]
    flips, _ = row.judged(versions)
    row.found.append(versions[int(np.argmax(flips))])
    return True


def _remember(row: Row, version: Version, left: float) -> None:
    """Keeps the version where it comes nearest to a flip so far."""
    if not row.nearest or left < row.nearest[0][0]:
        row.nearest[:] = [(left, version)]


# ----------------------------------------------------------------------------------------------------------- codes and categories


def _discrete(row: Row, possible: Sequence[Move], most: int) -> None:
    """Finds the version of a row of which codes and categories differ; beside numbers, where neither flips alone."""
    if not possible:
        return
    beside = row.nearest[0][1] if row.nearest else row.whole
    _greedy(row, row.whole, possible, most)
    if not row.found and beside.shift.any():
        _greedy(row, beside, possible, most - beside.count)


def _greedy(row: Row, start: Version, possible: Sequence[Move], most: int) -> None:
    """Move after move, that which brings the answer nearest to its flip."""
    version = start
    for _ in range(most):
        taken = {(one.input, one.feature) for one in version.moves}
        further = [
            replace(version, inputs=one.applied(version.inputs), moves=(*version.moves, one))
            for one in possible
            if (one.input, one.feature) not in taken
        ]
        if not further:
            return
        flips, left = row.judged(further)
        best = int(np.argmin(np.where(flips, -np.inf, left))) if flips.any() else int(np.argmin(left))
        version = further[best]
        _remember(row, version, left[best])
        if flips[best]:
            row.found.append(_pruned(row, start, version))
            return


def _pruned(row: Row, start: Version, version: Version) -> Version:
    """Without the moves that are not needed."""
    for one in version.moves[:-1]:
        fewer = start
        for other in version.moves:
            if other is not one:
                fewer = replace(fewer, inputs=other.applied(fewer.inputs), moves=(*fewer.moves, other))
        version = fewer if row.judged([fewer])[0][0] else version
    return version


# ---------------------------------------------------------------------------------------------------------------------- telling


def _told(row: Row, row_id: str, why: str) -> Counterfactual:
    if why:
        return Counterfactual(row_id, False, (), row.column, row.risk, row.risk, why)
    flips = [one for one in row.found if row.judged([one])[0][0]]
    told = [(_changes(row, one), one) for one in (flips or [one for _, one in row.nearest])]
    if not told:
        return Counterfactual(row_id, False, (), row.column, row.risk, row.risk, "nothing of this row may change")
    changes, version = min(told, key=lambda one: (len(one[0]), sum(change.distance for change in one[0])))
    after = float(row.judge.values(version.inputs)[0, row.column])
    return Counterfactual(row_id, bool(flips), changes, row.column, row.risk, after)


def _changes(row: Row, version: Version) -> tuple[Change, ...]:
    found = [_number(row, version, int(k)) for k in np.flatnonzero(version.shift)]
    found += [Change(one.input, one.feature, one.way, 1.0, instead=one.instead) for one in version.moves]
    return tuple(sorted((one for one in found if one.values), key=lambda one: -one.distance))


def _number(row: Row, version: Version, k: int) -> Change:
    one = row.those.features[k]
    old, new = (each.inputs[one.input] for each in (row.whole, version))
    seen = old.mask[0] if old.seen is None else old.mask[0] & old.seen[0, :, one.place]
    before, after = (one.ruler.in_unit(seq.values[0, seen, one.place]).astype(np.float32) for seq in (old, new))
    moved = before != after
    if not moved.any():
        return Change(one.input, one.name, "value", 0.0, values=0)
    distance = float(np.abs(after - before).mean() / one.ruler.spread)
    return Change(one.input, one.name, "value", distance, float(before[-1]), float(after[-1]), int(moved.sum()))
