"""Rows whose steps are asked: labels brought to the steps that an input gives, and those steps as rows of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from sequela.contracts import Evidence
from sequela.errors import ConfigError
from sequela.study import cut, lettered
from sequela.types import DAY, Along, Array, Cohort, Labels, Letters, Places, Plain, Ragged, Spec, Tags, Target

DAYS: Mapping[str, float] = {"days": 1.0, "seconds": 1 / 86_400}  # of a unit of position
SAME = 1e-3 / 86_400  # days, a millisecond: a label this near to a step is its own


def aligned(target: Target, ragged: Ragged, spec: Spec) -> Target:
    """The target with the label of each step, as Tags; without labels no step's is known, and every step is asked about.

    Raises ConfigError where labels belong to moments, and the steps of the input have no time; or to letters, and they stand for
    none.
    """
    labels = target.dense
    if isinstance(labels, Letters):
        return _with(target, lettered.tags(labels, _places(ragged, spec)))
    if not isinstance(labels, Labels):
        every = _untold(ragged)
        return Target(np.zeros((len(ragged), 1)), np.zeros((len(ragged), 1), bool), target.names, every)
    if spec.unit not in DAYS:
        raise ConfigError(f"tagging finds a step's label by its time, and the steps of this {spec.kind} count in {spec.unit}")
    row, position = _row(ragged.offsets), ragged.position * DAYS[spec.unit]
    judged = (position > labels.since[row] + SAME) & (position <= labels.until[row] + SAME)
    value = np.where(judged, _in_force(labels, row, position) if labels.lasting else _own(labels, row, position), -1)
    return _with(target, Tags(ragged.offsets, value, judged))


def _untold(ragged: Ragged) -> Tags:
    """Every step is asked about, and nothing is known of it."""
    count = len(ragged.position)
    return Tags(ragged.offsets, np.full(count, -1, np.int64), np.ones(count, bool), letters=ragged.places is not None)


def _with(target: Target, tags: Tags) -> Target:
    count = np.bincount(_row(tags.offsets)[tags.value >= 0], minlength=len(tags)).astype(np.float64)[:, None]
    return Target(count, count > 0, target.names, tags)


def _places(ragged: Ragged, spec: Spec) -> Places:
    if ragged.places is None:
        raise ConfigError(
            f"outcome.letters asks for a label of each letter, and the steps of this {spec.kind} stand for no letters",
            hint='modality = "residues"; or leave out outcome.letters, for labels by time',
        )
    return ragged.places


def _row(offsets: Array) -> Array:
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def _own(labels: Labels, row: Array, position: Array) -> Array:
    """Of each step the label at its moment; -1 where there is none, or two that differ."""
    low, high = _place(labels, row, position - SAME, after_equal=False), _place(labels, row, position + SAME, after_equal=True)
    held = np.append(labels.value, -1)
    first, last = held[low], held[np.maximum(high - 1, 0)]
    return np.where((high > low) & (first == last), first, -1)


def _in_force(labels: Labels, row: Array, position: Array) -> Array:
    """Of each step the last label before it; one at the step's very moment begins what follows."""
    place = _place(labels, row, position - SAME, after_equal=True) - 1
    return np.where(place >= labels.offsets[row], np.append(labels.value, -1)[place], -1)


def _place(labels: Labels, row: Array, position: Array, *, after_equal: bool) -> Array:
    """Where each position would stand among its row's labels."""
    return cut.bisect(labels.position, labels.offsets[row], labels.offsets[row + 1], position, after_equal=after_equal)


# ------------------------------------------------------------------------------------------------------------------ steps as rows


def each(rows: Evidence, plain: Plain) -> Evidence:
    """The steps that are asked, as rows of their own; `plain` has a row for every step."""
    tags = rows.target.dense
    assert isinstance(tags, Tags)
    chosen, row = np.flatnonzero(tags.judged), tags.row
    return Evidence(
        inputs={name: _alone(ragged, chosen, row) for name, ragged in rows.inputs.items()},
        specs={name: _single(spec) for name, spec in rows.specs.items()},
        plain=plain.take(chosen),
        target=asked(rows.target),
        subject=rows.subject[row],
        row_id=names(rows.row_id, tags),
    )


def asked(target: Target) -> Target:
    """The classes of the steps that are asked, a row each."""
    tags = target.dense
    assert isinstance(tags, Tags)
    value = tags.value[tags.judged][:, None]
    along = Along(tags.row, _number(tags)) if tags.letters else None
    return Target(np.maximum(value, 0).astype(np.float64), value >= 0, target.names, along)


def names(row_id: Array, tags: Tags) -> Array:
    """Of each step that is asked: its row's name, and its number among the row's steps, counted from 1."""
    found: Array = np.char.add(np.char.add(row_id[tags.row].astype(str), "/"), (_number(tags) + 1).astype(str))
    return found


def _number(tags: Tags) -> Array:
    """Of each step that is asked, its number among the row's steps, int64."""
    number = np.arange(len(tags.judged)) - np.repeat(tags.offsets[:-1], np.diff(tags.offsets))
    return np.asarray(number[tags.judged])


def cohort(rows: Cohort, tags: Tags, ragged: Ragged, spec: Spec) -> Cohort:
    """The steps that are asked as rows of a cohort: each starts from its own moment (a letter, as its row), judged as its row."""
    found = rows.take(tags.row)
    start = found.start if tags.letters else _moments(found.time, ragged.position[tags.judged] * DAYS[spec.unit])
    target = asked(replace(rows.target, dense=tags))
    return replace(found, row_id=names(rows.row_id, tags), start=start, target=target, event=None)


def _moments(time: Array, position: Array) -> Array:
    """So many days before or after these times, datetime64[us]."""
    return np.asarray(time.astype("datetime64[us]") + np.round(position * DAY).astype("timedelta64[us]"))


def _alone(ragged: Ragged, chosen: Array, row: Array) -> Ragged:
    return Ragged(
        offsets=np.arange(len(chosen) + 1),
        values=ragged.values,
        position=ragged.position[chosen],
        seen=ragged.seen,
        side=None if ragged.side is None else ragged.side[chosen],
        context=None if ragged.context is None else ragged.context[row],
        take=chosen if ragged.take is None else ragged.take[chosen],
    )


def _single(spec: Spec) -> Spec:
    return replace(spec, single=True)
