"""A finished run taken up again, with the very rows of its parts: for what is examined after it was written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sequela import config
from sequela import model as models
from sequela.bundle import Bundle, load
from sequela.contracts import Evidence, Progress
from sequela.errors import DataError
from sequela.evaluate.facts import RunFacts
from sequela.evaluate.trusted import Trusted
from sequela.pipeline import files
from sequela.pipeline.prepared import Prepared, prepare
from sequela.store.store import Store
from sequela.study import cut
from sequela.types import Array, Cohort, Known, Part


@dataclass(frozen=True)
class Reopened:
    """The bundle of a run and the rows of its (first) split."""

    folder: Path  # of the split
    held: Bundle
    split: Prepared  # with the parts of its rows; those that the inputs refuse are left out
    part: Part  # that its report shows

    def rows(self, part: Part) -> Array:
        """Indices of the rows of a part."""
        return self.split.cohort.of(part)

    def cohort(self, part: Part) -> Cohort:
        return self.split.cohort.take(self.rows(part))

    def known(self, part: Part) -> Known:
        return cut.take(self.split.known, self.rows(part))

    def evidence(self, part: Part, rows: Array | None = None) -> Evidence:
        """The rows of a part, or these of them (indices into the part), as the bundle reads them, with their targets."""
        chosen = self.rows(part) if rows is None else self.rows(part)[rows]
        cohort, known = self.split.cohort.take(chosen), cut.take(self.split.known, chosen)
        return self.held.predictor.evidence(known, cohort.subject_id, cohort.row_id, cohort.target)


def reopen(run: str | Path, data: str | Path | Store | None, progress: Progress) -> Reopened:
    """The run in a folder, its rows found again in its own data or in those given; of several splits, the first.

    Files that its study names are looked for in the working directory, then under SEQUELA_DATA. Raises DataError where the folder
    is no finished run, or the data are not those that it was of.
    """
    folder = Path(run)
    study = config.load(folder / files.STUDY) if (folder / files.STUDY).is_file() else None
    if study is None or not (folder / files.METRICS).exists():
        raise DataError(f"{folder} is not a finished run: it has no {files.METRICS}", hint="sequela run STUDY --out DIR --resume")
    facts = files.read_json(folder / files.FACTS, RunFacts)
    _refuse_damaged(folder)
    prepared = prepare(study, Path(), data if data is not None else facts.data.source, progress)
    _refuse_others(prepared.store, facts)
    plan = prepared.plans[0]
    inner = folder / plan.name if len(prepared.plans) > 1 else folder
    held = load(inner / files.BUNDLE)
    split = prepared.split(plan)
    split = split.without(_refusals(held, split))
    return Reopened(inner, held, split, "test" if facts.test_opened else "tune")


def _refuse_damaged(folder: Path) -> None:
    """Raises DataError where what was examined before cannot be read, since more is to be written beside it."""
    if (folder / files.TRUST).exists():
        files.read_json(folder / files.TRUST, Trusted)


def _refuse_others(store: Store, facts: RunFacts) -> None:
    if store.content_hash != facts.data.hash:
        raise DataError(
            f"{store.path} does not hold the records that the run was of",
            hint="give them with --data PATH; `sequela evaluate` judges a bundle on other data",
        )


def _refusals(held: Bundle, split: Prepared) -> Array:
    return models.refusals(held.predictor.fitted, split.known)
