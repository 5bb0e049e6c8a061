"""The rows that the model and the baselines learn from, answer and are judged on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sequela.types import Array, Plain, Ragged, Spec, Target


@dataclass(frozen=True, slots=True)
class Evidence:
    """Some rows with all that is known of them, in two forms: `inputs` for the model, `plain` for the baselines."""

    inputs: Mapping[str, Ragged]
    specs: Mapping[str, Spec]
    plain: Plain  # all inputs' columns side by side, named input.column
    target: Target
    subject: Array  # int64 "N": for folds and intervals that keep a subject together
    row_id: Array  # str "N": named in errors
    barred: Array | None = None  # bool "N K": what a Guarded task may not say of each row; None for every other task
    marks: Mapping[str, Target] = field(default_factory=dict)  # masks of other codes that a baseline asks for, by code
    group: Array | None = None  # str "N": the group of each row, where training weighs rows by it
    steps: Evidence | None = None  # where steps are asked (a Tagger): those that are, as rows of their own, in order

    @property
    def asked(self) -> Evidence:
        """What is answered and judged, a row each: these rows, or the steps of them that are asked."""
        return self if self.steps is None else self.steps

    def __len__(self) -> int:
        return len(self.subject)
