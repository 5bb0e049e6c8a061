"""What a baseline does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from sequela.contracts.evidence import Evidence
from sequela.types import Answer


class Baseline(Protocol):
    """A plain model that every result is held against, tuned on tune as carefully as the model."""

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Chooses its settings on tune. `kind` is the task's. Raises DataError where it does not apply to this input."""
        ...

    def answer(self, rows: Evidence) -> Answer: ...

    @property
    def chosen(self) -> Mapping[str, Any]:
        """For the report, in what JSON can hold.

        What was chosen on tune stands by label (or "classes" of a multiclass task) as {score: its name, chosen: settings, tried:
        [settings with their loss]}; anything else by its own name.
        """
        ...
