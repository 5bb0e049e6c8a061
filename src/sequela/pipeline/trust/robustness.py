"""How the answers of a finished model hold as its inputs are spoilt: on rows of the part that is shown, drawn by the seed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from sequela import seed as streams
from sequela.config import Robustness
from sequela.contracts import Baseline, Progress, Tagger, Task
from sequela.errors import UsageError
from sequela.evaluate.robustness import kinds, swapped
from sequela.evaluate.robustness.facts import Curve, RobustnessFacts
from sequela.evaluate.robustness.judged import RESAMPLES
from sequela.pipeline.trust.finished import Finished
from sequela.pipeline.trust.robust import curves, tables
from sequela.pipeline.trust.robust.asking import Asking
from sequela.pipeline.trust.robust.work import Work
from sequela.study import cut
from sequela.types import Array, Cohort, Known, Plain

BYTES = 256 << 20  # of opened payloads: fewer rows are drawn where they would take more


def found(done: Finished) -> RobustnessFacts | None:
    """None where the study does not ask for it, or of a task whose answers are not judged so."""
    settings = done.study.robustness
    if settings is None or not judged(done.predictor.task):
        return None
    rows, split = done.rows.parts[done.part], done.rows.split
    beside = Plain(split.scores.values[rows], split.scores.names)
    asking = Asking(done.predictor, split.cohort.take(rows), done.known, _answering(done.chosen.baselines), beside)
    return examined(asking, settings, done.shown.thresholds, done.progress)


def _answering(baselines: Mapping[str, Baseline]) -> dict[str, Baseline]:
    """Those that look at the inputs."""
    return {name: one for name, one in baselines.items() if not name.startswith("baseline:score:") and name != "baseline:mean"}


def judged(task: Task) -> bool:
    """Whether spoilt answers of this task are judged: one answer a row, with a metric of its own."""
    return task.kind in kinds.JUDGED and not isinstance(task, Tagger)


def examined(asking: Asking, settings: Robustness, thresholds: Mapping[str, float], progress: Progress) -> RobustnessFacts:
    """All that is asked for, of at most so many rows.

    Raises UsageError for a kind that is none, or where no row has a known label.
    """
    began = time.process_time()
    work = Work(_drawn(asking, settings.rows), thresholds)
    wanted, skipped = kinds.chosen(settings.kinds, work.specs)
    drawn: list[Curve] = []
    for place, kind in enumerate(wanted):
        progress("spoiling", place, len(wanted))
        drawn += curves.curves(work, kind) if kind.levels else []
    names = {kind.name for kind in wanted}
    channels = tables.channels(work) if names & {"channels", "units"} else []
    units = tables.units(work, channels) if "units" in names else []
    progress("spoiling", len(wanted), len(wanted))
    done = {curve.kind for curve in drawn} | {"channels", "units"}
    return RobustnessFacts(
        metric=work.judge.metric,
        calibration=work.judge.calibration,
        rows=len(work.cohort),
        subjects=len(np.unique(work.cohort.subject_id)),
        events=_events(work.cohort) if work.task == "binary" else None,
        seed=work.seed,
        resamples=RESAMPLES,
        draws=swapped.DRAWS,
        curves=drawn,
        channels=channels if "channels" in names else [],
        units=units,
        skipped=skipped | dict.fromkeys(sorted(names - done), "nothing in these rows can be spoilt so"),
        cpu_seconds=round(time.process_time() - began, 1),
    )


def _events(cohort: Cohort) -> int:
    return int((cohort.target.known & (cohort.target.values > 0)).sum())


def _drawn(asking: Asking, most: int) -> Asking:
    """Fewer rows with a known label, drawn by the seed. Raises UsageError where there is none."""
    labelled = np.flatnonzero(asking.cohort.target.known.any(1))
    if not len(labelled):
        raise UsageError("no row has a known label, so nothing tells what spoiling costs")
    random = streams.generator(asking.predictor.study.train.seed, "robustness")
    rows = np.sort(random.permutation(labelled)[:most])
    rows = rows[: _fitting(asking.known, rows)]
    scores = None if asking.scores is None else replace(asking.scores, values=asking.scores.values[rows])
    return replace(asking, cohort=asking.cohort.take(rows), known=cut.take(asking.known, rows), scores=scores)


def _fitting(known: Known, rows: Array) -> int:
    """How many of these rows, the first ones, have payloads that fit together into memory; at least one."""
    events = cut.take(known, rows).events.drop_nulls("payload").unique("payload", keep="first", maintain_order=True)
    each = np.zeros(len(rows), np.int64)
    for uri, row in zip(events["payload"], events["row"], strict=True):
        each[row] += known.payloads.open(uri).values.nbytes
    return max(1, int((np.cumsum(each) <= BYTES).sum()))
