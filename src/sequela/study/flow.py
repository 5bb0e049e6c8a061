"""The flow of counts from all subjects of a store to the rows of a cohort, with the reason for every row that was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypedDict

import numpy as np

from sequela.types import Array, Cohort

Groups: TypeAlias = Mapping[str, Mapping[str, tuple[int, int]]]  # group -> level -> rows left out, rows that went on


class StepAsJson(TypedDict):
    what: str
    reason: str
    before: int
    out: int
    after: int
    subjects: int
    groups: Groups


@dataclass(frozen=True, slots=True)
class Step:
    """One decision: `before` rows came to it, `out` were left out, `after` rows of `subjects` subjects went on."""

    what: str  # the part of the study that decided: index, include, exclude, outcome
    reason: str  # of those left out
    before: int
    out: int
    after: int
    subjects: int
    groups: Groups = field(default_factory=dict)  # "" is the level of rows of which it is not known

    def and_of(self, others: Step) -> Step:
        """The step as the rows of other subjects went through it too."""
        counts = {name: getattr(self, name) + getattr(others, name) for name in ("before", "out", "after", "subjects")}
        groups = {name: _sum(levels, others.groups.get(name, {})) for name, levels in self.groups.items()}
        return replace(self, groups=groups, **counts)


@dataclass(frozen=True, slots=True)
class Flow:
    """Steps in the order taken; before = out + after in each, and each starts from the rows that the last one left."""

    steps: tuple[Step, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)  # row_id (source_id where it never became a row) -> reason
    notes: Mapping[str, int] = field(default_factory=dict)  # what a reader of the flow should know besides -> how many times

    def left_out(self, what: str, reason: str, rows: Cohort, keep: Array) -> Flow:
        """This flow with one more step, in which the rows that are not kept were left out."""
        out = {str(row): reason for row in rows.row_id[~keep]}
        groups = {name: _by_level(level, keep) for name, level in rows.groups.items()}
        step = Step(what, reason, len(keep), len(out), int(keep.sum()), len(np.unique(rows.subject_id[keep])), groups)
        return replace(self, steps=(*self.steps, step), refused={**self.refused, **out})

    def refusing(self, what: str, reasons: Array, rows: Cohort) -> Flow:
        """This flow with a step for each reason (str "N", "" for none) for which rows were left out."""
        flow, left = self, reasons
        for reason in np.unique(reasons[reasons != ""]):
            keep = left != reason
            flow, rows, left = flow.left_out(what, str(reason), rows, keep), rows.take(keep), left[keep]
        return flow

    def noted(self, text: str, count: int) -> Flow:
        """This flow with something counted that left no row out; a count of 0 is not noted."""
        return replace(self, notes={**self.notes, text: count}) if count else self

    def and_of(self, others: Flow) -> Flow:
        """The flow of these subjects and of others, who went through the same steps."""
        steps = tuple(ours.and_of(theirs) for ours, theirs in zip(self.steps, others.steps, strict=True))
        names = [*self.notes, *(text for text in others.notes if text not in self.notes)]
        notes = {text: self.notes.get(text, 0) + others.notes.get(text, 0) for text in names}
        return Flow(steps, {**self.refused, **others.refused}, notes)

    def emptied_by(self) -> Step | None:
        """The step that left the last rows out; None where rows remain, or none ever were."""
        return next((step for step in self.steps if step.before and not step.after), None)

    def as_json(self) -> dict[str, list[StepAsJson] | dict[str, int]]:
        """Counts alone: who was refused is not written down."""
        names = StepAsJson.__annotations__
        steps: list[StepAsJson] = [{name: getattr(step, name) for name in names} for step in self.steps]  # type: ignore[misc]
        return {"steps": steps, "notes": dict(self.notes)}


def _by_level(level: Array, keep: Array) -> dict[str, tuple[int, int]]:
    names, place = np.unique(level, return_inverse=True)
    on, all_ = (np.bincount(place, weights, len(names)).astype(int) for weights in (keep, None))
    return {str(name): (int(every - went), int(went)) for name, every, went in zip(names, all_, on, strict=True)}


def _sum(ours: Mapping[str, tuple[int, int]], theirs: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    none = (0, 0)
    return {
        level: (ours.get(level, none)[0] + theirs.get(level, none)[0], ours.get(level, none)[1] + theirs.get(level, none)[1])
        for level in sorted({*ours, *theirs})
    }
