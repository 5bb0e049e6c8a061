"""A model that was trained, chosen and judged: what is examined for trust."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sequela.bundle.predictor import Predictor
from sequela.config import Study
from sequela.contracts import Evidence, Progress
from sequela.evaluate.evaluation import Judged
from sequela.evaluate.metric import Metric
from sequela.pipeline.prepared import Prepared
from sequela.pipeline.trial import Chosen, Read
from sequela.study import cut
from sequela.types import Known, Part


@dataclass(frozen=True)
class Finished:
    """One split of a run, after its last part was judged and before its report is written."""

    folder: Path
    split: Prepared
    rows: Read
    chosen: Chosen
    judged: Mapping[Part, Judged]
    metrics: Sequence[Metric]
    part: Part  # that the report shows
    progress: Progress

    @property
    def study(self) -> Study:
        return self.split.study

    @property
    def predictor(self) -> Predictor:
        return self.chosen.predictor

    @property
    def shown(self) -> Judged:
        """The rows of the part that the report shows, with everybody's answers."""
        return self.judged[self.part]

    @property
    def evidence(self) -> Evidence:
        """The same rows as the model reads them."""
        return self.rows.of(self.part)

    @property
    def known(self) -> Known:
        """What is known of these rows."""
        return cut.take(self.split.known, self.rows.parts[self.part])
