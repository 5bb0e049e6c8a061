"""What is explained, and what it is checked against."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sequela import seed as streams
from sequela.bundle.predictor import Predictor
from sequela.config.trust import Explain
from sequela.contracts import Evidence, Task
from sequela.explain.attribution import Options, attribute
from sequela.explain.checks import Explainer, cells
from sequela.model import Model
from sequela.train.rows import take
from sequela.types import Attribution

EXPLAIN = Explain()  # what is done where a study says nothing
BACKGROUND = 128  # training rows that rows are compared with


@dataclass(frozen=True)
class Material:
    """A predictor, the rows of which some are explained, and others."""

    predictor: Predictor
    rows: Evidence
    part: str = ""  # that they are of
    train: Evidence | None = None  # None: nothing is compared with training rows, and nothing is planted
    held_out: Evidence | None = None  # rows, never of the test part, in which a pattern that was planted has to be found
    held_out_part: str = "tune"
    section: Explain = EXPLAIN
    seed: int = 0
    confidence: float = 0.95
    folder: Path | None = None  # of the run, in which single rows are drawn; None: none are

    @property
    def task(self) -> Task:
        return self.predictor.task

    @property
    def members(self) -> Sequence[Model]:
        return self.predictor.members

    def some(self, rows: Evidence, most: int, size: int, name: str) -> Evidence:
        """At most so many rows, of at most so many cells together, drawn by a fixed seed and laid out."""
        return cells.laid(take(rows, cells.drawn(rows, most, size, streams.generator(self.seed, "explained", name))))

    def background(self) -> Evidence | None:
        """Training rows that others are compared with."""
        if self.train is None:
            return None
        order = streams.generator(self.seed, "explained", "background").permutation(len(self.train))
        return take(self.train, np.sort(order[:BACKGROUND]))


def explainer(members: Sequence[Model], task: Task, method: str, options: Options) -> Explainer:
    """The method, of these networks."""
    return lambda rows: attribute(members, task, rows, method, options)


def timed(explain: Explainer, rows: Evidence) -> tuple[Attribution, float]:
    """What it says, and how many milliseconds of the processor a row took."""
    began = time.process_time()
    said = explain(rows)
    return said, 1000 * (time.process_time() - began) / max(1, len(rows))
