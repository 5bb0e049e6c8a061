"""A bundle judged on other data: the study's own cohort, outcome and metrics, at the threshold that the bundle brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from sequela import config
from sequela import model as models
from sequela.bundle import Bundle, load
from sequela.config import Study
from sequela.contracts import Progress
from sequela.errors import DataError, LeakError, UsageError
from sequela.evaluate.evaluation import RECALIBRATED, Judged
from sequela.evaluate.evaluation import evaluate as judge
from sequela.evaluate.external import local
from sequela.evaluate.facts import RunFacts
from sequela.evaluate.metric import Metric
from sequela.evaluate.tallies import tallied
from sequela.pipeline import abroad, facts, files, page
from sequela.pipeline.data import other_records
from sequela.pipeline.experiment import Run, counted, free, judged_frame
from sequela.pipeline.progress import silent
from sequela.pipeline.trial import judged
from sequela.pipeline.trust import uncertainty
from sequela.store.store import Store
from sequela.study import cohort as cohorts
from sequela.study import cut
from sequela.study.flow import Flow
from sequela.types import Cohort, Known

EXTERNAL = "external"  # the name of the split


def evaluate(
    bundle: str | Path | Bundle,
    data: str | Path | Store,
    *,
    reader: str = "",
    recalibrate: bool | local.Way = False,
    site: str = "",
    out: str | Path | None = None,
    progress: Progress = silent,
) -> Run:
    """Metrics and a report of the bundle on all eligible, labelled rows of this data, in a folder of its own.

    `reader`: raw files of another format than the bundle was trained on, read with that reader's defaults.
    `recalibrate`: a calibration is fitted here as well ("intercept", "slope" or "full"; True is "slope"), cross-fitted over two
    halves of the subjects, so that no row is judged by one that saw it, and the paired change is reported. `site`: the group that
    names the site; left out, the one that the study was split by. Raises DataError where nobody is eligible, no label is known or
    there are too few events to recalibrate, UsageError for a group that the study has not, LeakError for the very data that the
    bundle was trained on.
    """
    held = bundle if isinstance(bundle, Bundle) else load(bundle)
    named = abroad.site_group(held.study, site)
    way: local.Way | None = "slope" if recalibrate is True else recalibrate or None
    folder = _folder(held, out)
    study, predictor = held.study, held.predictor
    store = other_records(study.data, data, reader, progress, labelled=True)
    _refuse_own(held, store)
    found, flow = cohorts.build(store, study)
    cohort = replace(found, part=np.full(len(found), "test"))
    cohort, known, flow = _judgeable(held, cohort, held.known(store, cohort), flow)
    evidence = predictor.evidence(known, cohort.subject_id, cohort.row_id, cohort.target)
    columns = models.read_plain(predictor.fitted, known) if held.development is not None else None
    rows = cohort
    cohort = judged(cohort, evidence)
    kind, thresholds, tolerance = predictor.task.kind, dict(predictor.thresholds), study.evaluate.tolerance
    answers = {name: tallied(kind, answer, cohort.target, tolerance) for name, answer in predictor.answers(evidence).items()}
    if way is not None:
        calibrated = local.crossed(way, kind, answers[predictor.final], cohort.target, cohort.subject_id)
        answers[RECALIBRATED] = predictor.held(calibrated, evidence)
        thresholds |= _same_cuts(thresholds, predictor.final)
    one = Judged(cohort, answers, thresholds, EXTERNAL, predictor.safety(evidence))
    told = facts.external(held, store, flow, one, counted(store, cohort, study.name, "evaluate", abroad.plan_of(held)))
    metrics = _write(folder, study, flow, one, told)
    trusted = abroad.trusted(held, one, metrics, abroad.Elsewhere(rows, columns, named, way or "", progress))
    promised = uncertainty.elsewhere(predictor, one, evidence)
    trusted = msgspec.structs.replace(trusted, uncertainty=promised)
    files.write_json(folder / files.TRUST, trusted)
    files.write_json(folder / files.METRICS, metrics)  # last: a folder that has this file is finished
    page.report(folder)
    return Run(folder)


def _judgeable(held: Bundle, cohort: Cohort, known: Known, flow: Flow) -> tuple[Cohort, Known, Flow]:
    """The rows that the bundle's inputs do not refuse, the others counted in the flow."""
    reasons = models.refusals(held.predictor.fitted, known)
    kept = np.flatnonzero(reasons == "")
    if len(kept) == len(cohort):
        return cohort, known, flow
    if not len(kept):
        raise DataError(f"none of {len(cohort)} rows can be judged by this bundle: {reasons[0]}")
    return cohort.take(kept), cut.take(known, kept), flow.refusing("input", reasons, cohort)


def _refuse_own(held: Bundle, store: Store) -> None:
    if held.index["facts"].get("data_hash") == store.content_hash:
        raise LeakError(
            "the bundle was trained on these very records: judged on them, it would look better than it is",
            hint="its run's report has its numbers on the test part; give data that it has not seen",
        )


def _folder(held: Bundle, out: str | Path | None) -> Path:
    if out is None:
        return free(Path("runs") / f"{held.study.name}-external")
    if (Path(out) / files.METRICS).exists():
        raise UsageError(f"{out} already holds results", hint="choose another --out")
    return Path(out)


def _same_cuts(thresholds: Mapping[str, float], final: str) -> dict[str, float]:
    """The recalibrated answer is called from the same risk on: that is what recalibration changes for the user."""
    own = {key: cut for key, cut in thresholds.items() if key.split("/")[0] == final}
    return {RECALIBRATED + key.removeprefix(final): cut for key, cut in own.items()}


def _write(folder: Path, study: Study, flow: Flow, one: Judged, told: RunFacts) -> list[Metric]:
    """Everything but what is examined for trust and the numbers, which are given back."""
    kind, seed = cohorts.judged_as(study), study.train.seed
    found = judge(
        kind, one.cohort, one.answers, study.evaluate, one.thresholds, part="test", split=EXTERNAL, seed=seed, safety=one.safety
    )
    files.write(folder / files.STUDY, config.dump(study))
    files.write_json(folder / files.FLOW, facts.flow(flow))
    files.write_json(folder / files.CURVES, [found.curves])
    files.write_json(folder / files.FACTS, told)
    files.write_parquet(folder / files.PREDICTIONS, judged_frame(kind, one))
    return found.metrics
