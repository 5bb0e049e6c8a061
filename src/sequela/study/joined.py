"""Cohorts of different subjects as one: what is built of a store shard by shard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from sequela.errors import DataError
from sequela.study.flow import Flow
from sequela.types import Cohort, Target, Times

_COLUMNS = ("subject_id", "source_id", "row_id", "start", "time", "part")


def joined(found: Sequence[tuple[Cohort, Flow]]) -> tuple[Cohort, Flow]:
    """The rows of all, in the order given, and the flow of all; who was refused is not listed.

    Raises DataError where they have not the same labels: where a study leaves those to the data, it cannot be built in parts.
    """
    cohorts = [cohort for cohort, _ in found]
    target = _targets([cohort.target for cohort in cohorts])
    columns = {name: np.concatenate([getattr(cohort, name) for cohort in cohorts]) for name in _COLUMNS}
    groups = {name: np.concatenate([cohort.groups[name] for cohort in cohorts]) for name in cohorts[0].groups}
    flow = reduce(Flow.and_of, [replace(flow, refused={}) for _, flow in found])
    events = [cohort.event for cohort in cohorts if cohort.event is not None]
    event = np.concatenate(events) if len(events) == len(cohorts) else None
    return Cohort(**columns, target=target, groups=groups, event=event, units={}), flow


def _targets(targets: Sequence[Target]) -> Target:
    names = targets[0].names
    if other := next((target.names for target in targets if target.names != names), None):
        raise DataError(
            f"some subjects have {len(names)} labels and others {len(other)}: the study leaves its labels to the data",
            hint="name the classes or labels in the outcome",
        )
    values, known = (np.concatenate([getattr(target, part) for target in targets]) for part in ("values", "known"))
    return Target(values, known, names, _times([target.dense for target in targets]))


def _times(each: Sequence[object]) -> Times | None:
    """The times of all; None where they are not what is asked for."""
    found = [one for one in each if isinstance(one, Times)]
    if not found or len(found) < len(each):
        return None
    time, cause, entry = (np.concatenate([getattr(one, part) for one in found]) for part in ("time", "cause", "entry"))
    return replace(found[0], time=time, cause=cause, entry=entry)
