"""What a second person marked on the same pictures: how far two people agree is how far a model can be judged.

The masks are those of another code in the data, with the same values as those of the outcome. A picture that the second person
left out counts as one on which they saw nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, cast

import numpy as np
from msgspec import Meta

from sequela.baselines import _points
from sequela.config import Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Masks, Painted, Target


class Config(Strict, frozen=True):
    code: Annotated[str, Meta(min_length=1)] = "SECOND"  # of the second person's masks


class Observer:
    """Learns nothing."""

    def __init__(self, config: Config) -> None:
        self._code = config.code
        self._question: _points.Question | None = None
        self._marked = 0

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Raises DataError where the second person marked no picture of train."""
        question = _points.asked(train, tune, kind, "a second person's mask")
        self._marked = int(_marks(train, self._code).known.sum())
        if not self._marked:
            raise DataError(f"{self._code!r} marks no picture of train")
        self._question = question

    def answer(self, rows: Evidence) -> Answer:
        if self._question is None:
            raise DataError("this baseline has not been fitted")
        marks, present = _marks(rows, self._code), _points.pictures(rows).entry >= 0
        known = marks.known[:, 0] & present
        painted = [self._painted(marks, row, len(self._question.names)) if known[row] else None for row in range(len(rows))]
        return _points.of(self._question, painted)

    def _painted(self, marks: Target, row: int, names: int) -> Painted:
        masks = cast(Masks, marks.dense)
        label = np.maximum(masks.whole(row), 0)
        kind = np.minimum(label, 1) if masks.instances else label
        chance = np.stack([np.where(kind == k, 255, 0) for k in range(1, names + 1)]).astype(np.uint8)
        return Painted(label.astype(np.uint16 if masks.instances or names > 255 else np.uint8), chance)

    @property
    def chosen(self) -> Mapping[str, Any]:
        return {"code": self._code, "training pictures marked": self._marked} if self._question is not None else {}


def marks(config: Config) -> str:
    """The code of the masks that are read for it."""
    return config.code


def _marks(rows: Evidence, code: str) -> Target:
    if code not in rows.marks:
        raise DataError(f"the masks {code!r} were not read", hint="name this baseline in [baselines] names")
    return rows.marks[code]


def build(config: Config) -> Observer:
    return Observer(config)
