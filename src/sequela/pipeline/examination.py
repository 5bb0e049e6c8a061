"""A finished run explained and its explanations checked, as a section of its report."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from sequela.config import Explain
from sequela.contracts import Progress
from sequela.pipeline.explaining.material import Material
from sequela.pipeline.progress import silent
from sequela.pipeline.reopened import reopen
from sequela.pipeline.trust.amended import amended
from sequela.pipeline.trust.explanation import explained
from sequela.store.store import Store


def examine(
    run: str | Path,
    *,
    data: str | Path | Store | None = None,
    rows: int = 200,
    method: str = "",
    progress: Progress = silent,
) -> Path:
    """The report of a run, with what its answers rest on, the score that each method reached on planted cells, and its checks.

    As the study's own section [explain] would have had it; `method` and `rows` take the place of what it says. Raises DataError
    where the folder is no finished run, or its data are not there.
    """
    opened = reopen(run, data, progress)
    study = opened.split.study
    section = replace(study.explain or Explain(), rows=rows, method=method or (study.explain or Explain()).method)
    of = Material(
        predictor=opened.held.predictor,
        rows=opened.evidence(opened.part),
        part=opened.part,
        train=opened.evidence("train"),
        held_out=opened.evidence("tune"),
        section=section,
        seed=study.train.seed,
        confidence=study.evaluate.confidence,
        folder=opened.folder,
    )
    found = explained(of, progress)
    return amended(Path(run), opened, lambda held: replace(held, explanation=found))
