"""Whether later records are still like those that a bundle came from: drift.json and drift.html."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sequela import config
from sequela import model as models
from sequela.bundle import Bundle, load
from sequela.contracts import Evidence, Progress
from sequela.errors import BundleError, DataError, UsageError
from sequela.evaluate.drift import Asked, DriftFacts, found
from sequela.evaluate.drift.found import Settings
from sequela.evaluate.drift.words import text
from sequela.evaluate.question import Question
from sequela.evaluate.questions import Asked as Questioned
from sequela.evaluate.report import drifted
from sequela.evaluate.report.run import HEADLINES
from sequela.evaluate.tallies import tallied
from sequela.pipeline import development as developments
from sequela.pipeline import files
from sequela.pipeline.data import other_records
from sequela.pipeline.progress import silent
from sequela.pipeline.trial import judged
from sequela.store.store import Store
from sequela.study import cohort as cohorts
from sequela.study import cut
from sequela.study.development import FEWEST, Development, one_each
from sequela.study.flow import Flow
from sequela.types import Answer, Array, Cohort, Known

FACTS, PAGE = "drift.json", "drift.html"
METRICS = ("observed_expected", "calibration_slope")  # beside the headline
LEAST = 2 * FEWEST  # subjects: of fewer nothing is told


@dataclass(frozen=True)
class Drift:
    """What was found, and where it was written."""

    facts: DriftFacts
    folder: Path | None = None

    @property
    def alarms(self) -> bool:
        return bool(self.facts.alarms)

    def text(self) -> str:
        written = "" if self.folder is None else f"\n\nreport: {self.folder / PAGE}"
        return text(self.facts) + written


def drift(
    bundle: str | Path | Bundle,
    data: str | Path | Store,
    *,
    reader: str = "",
    labelled: bool = True,
    once_in: float = 20,
    power: float = 0.8,
    window: str = "",
    out: str | Path | None = None,
    language: str = "en",
    progress: Progress = silent,
) -> Drift:
    """Inputs, score, labels and performance on this data against those of development.

    Where nothing has changed, one comparison in `once_in` raises any alarm at all. `labelled`: the data has outcomes as the study
    asks for them; without, how common they are is estimated alone. `window`: the length of a window of time ("30d"); left out:
    windows of like number. `out`: a folder for drift.json and drift.html.
    Raises BundleError for a bundle that does not tell its development, DataError for too few rows, UsageError for a rate or a
    power that is none, or a folder that already holds results.
    """
    _settled(once_in, power)
    held = bundle if isinstance(bundle, Bundle) else load(bundle)
    told, folder = _development(held), _folder(out)
    progress("reading", 0, 3)
    store = other_records(held.study.data, data, reader, progress, labelled=labelled)
    cohort, known, flow = _rows(held, store, labelled)
    progress("answering", 1, 3)
    rows = _evidence(held, known, cohort)
    days = config.microseconds(window) / 86_400_000_000 if window else None
    settings = Settings(1 / once_in, power, days, held.study.train.seed)
    dated = not store.dataset.relative_times
    asked = _asked(held, told, rows, judged(cohort, rows), labelled=labelled, dated=dated)
    progress("comparing", 2, 3)
    facts = _facts(held, store, flow, asked, settings, rows)
    progress("comparing", 3, 3)
    if folder is not None:
        made = drifted.page(facts, language)
        files.write(folder / PAGE, made)
        files.write_json(folder / FACTS, facts)  # last: a folder that has this file is finished
    return Drift(facts, folder)


def _settled(once_in: float, power: float) -> None:
    if not 1 < once_in <= 1000:
        raise UsageError(f"one false alarm in {once_in:g} comparisons cannot be kept to", hint="--once-in between 1 and 1000: 20")
    if not 0 < power < 1:
        raise UsageError(f"a power of {power:g} is none", hint="--power between 0 and 1: 0.8")


def _development(held: Bundle) -> Development:
    if held.development is None:
        raise BundleError(
            f"{held.path} does not tell what its development rows were like, so nothing can be held against them",
            hint=f"it was made by an older version, or of fewer than {LEAST} subjects in train or tune: run its study anew",
        )
    return held.development


def _folder(out: str | Path | None) -> Path | None:
    if out is None:
        return None
    if (Path(out) / FACTS).exists():
        raise UsageError(f"{out} already holds results", hint="choose another --out")
    if Path(out).is_file():
        raise UsageError(f"{out} is a file")
    return Path(out)


def _rows(held: Bundle, store: Store, labelled: bool) -> tuple[Cohort, Known, Flow]:
    """The rows that the bundle answers. Raises DataError where there are too few to tell anything."""
    cohort, flow = cohorts.build(store, held.study) if labelled else held.eligible(store)
    known = held.known(store, cohort)
    reasons = models.refusals(held.predictor.fitted, known)
    kept = np.flatnonzero(reasons == "")
    if len(kept) < len(cohort):
        flow = flow.refusing("input", reasons, cohort)
        cohort, known = cohort.take(kept), cut.take(known, kept)
    subjects = len(np.unique(cohort.subject_id))
    if subjects < LEAST:
        raise DataError(
            f"{len(cohort)} rows of {subjects} subjects can be compared, and fewer than {LEAST} subjects tell nothing",
            hint="gather more records before they are compared",
        )
    return cohort, known, flow


def _evidence(held: Bundle, known: Known, cohort: Cohort) -> Evidence:
    """As the predictor reads it, with the plain columns beside it."""
    read, guard = held.predictor, held.predictor.guard
    who = cohort.subject_id, cohort.row_id
    rows = models.evidence(held.study, read.fitted, known, cohort.target, who)
    return rows if guard is None else replace(rows, barred=guard.barred(known))


def _asked(held: Bundle, told: Development, rows: Evidence, cohort: Cohort, *, labelled: bool, dated: bool) -> Asked:
    """`cohort`: what is judged, a line for each row, or for each step that is asked. `dated`: its times are dates."""
    read, asked = held.predictor, rows.asked
    answer = read.answer(rows)
    each = one_each(asked.subject, held.study.train.seed)
    risks = dict(zip(answer.names, answer.values[each].T, strict=True)) if answer.kind == "probabilities" else {}
    return Asked(
        development=told,
        metrics=held.metrics,
        model=read.final,
        confidence=held.study.evaluate.confidence,
        each=each,
        plain=developments.own_columns(asked).take(each),
        scores=developments.scores(answer)[each],
        risks=risks,
        outcomes=_outcomes(read.task.kind, cohort, each) if labelled else {},
        questions=_questions(held, answer, cohort) if labelled else [],
        subject=asked.subject,
        time=cohort.time[each] if dated else np.full(len(each), np.datetime64("NaT")),
    )


def _outcomes(kind: str, cohort: Cohort, each: Array) -> Mapping[str, Array]:
    """1 or 0 by class or label, NaN where nobody knows; {} of other questions."""
    if kind not in ("binary", "multiclass", "multilabel"):
        return {}
    target, found = cohort.target, {}
    for k, name in enumerate(target.names):
        column = 0 if kind == "multiclass" else k
        event = target.values[each, column] == k if kind == "multiclass" else target.values[each, column] > 0
        found[name] = np.where(target.known[each, column], event, np.nan)
    return found


def _questions(held: Bundle, answer: Answer, cohort: Cohort) -> Sequence[Question]:
    """The headline of the kind of task, and how well the risks are calibrated."""
    predictor, settings = held.predictor, held.study.evaluate
    kind, final = predictor.task.kind, predictor.final
    given = {final: tallied(kind, answer, cohort.target, settings.tolerance)}
    asked = Questioned(kind, cohort.target, given, predictor.thresholds, tuple(settings.classes))
    wanted = (HEADLINES.get(kind, "auroc"), *METRICS)
    return [one for one in asked.questions(np.arange(len(cohort))) if one.metric in wanted and not one.class_]


def _facts(held: Bundle, store: Store, flow: Flow, asked: Asked, settings: Settings, rows: Evidence) -> DriftFacts:
    seen = found(asked, settings)
    labelled = int(rows.asked.target.known.any(1).sum()) if asked.outcomes or asked.questions else 0
    return DriftFacts(
        name=held.study.name,
        bundle=held.digest,
        data=store.content_hash,
        rows=len(asked.subject),
        subjects=len(asked.each),
        before=asked.development.subjects,
        labelled=labelled,
        refused=dict(Counter(flow.refused.values())),
        false_alarms=settings.false_alarms,
        power=settings.power,
        families=seen.families,
        checks=seen.checks,
        foreseen=seen.foreseen,
        shifted=seen.shifted,
        windows=seen.windows,
        run_length=1 / settings.false_alarms if seen.windows else None,
        course=seen.course,
        resamples=settings.resamples,
        seed=settings.seed,
    )
