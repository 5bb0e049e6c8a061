"""What a run of a forecast has beside every other: quantiles at the same levels, intervals set on tune, series to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from sequela import config
from sequela.bundle.predictor import Predictor
from sequela.config import Strict, Study
from sequela.contracts import Evidence
from sequela.errors import ConfigError
from sequela.evaluate import calibrate, forecasting
from sequela.evaluate.evaluation import Judged
from sequela.evaluate.facts import FanFacts
from sequela.study import ahead
from sequela.study import cohort as cohorts
from sequela.types import DAY, Answer, Array, Ragged, Spec

FANS = 6  # rows whose forecasts are drawn


def check(study: Study) -> None:
    """Raises ConfigError for what a forecast cannot have, and for an outcome that is none; of any other task it says nothing."""
    if cohorts.kind_of(study) != "forecast":
        return
    ahead.check(study.outcome)
    asked = {
        "ensemble.members": bool(study.ensemble.members),
        "evaluate.recalibrate": study.evaluate.recalibrate not in ("auto", "none"),
        "train.balance": study.train.balance != "none",
        "train.mixup": study.train.mixup > 0,
    }
    if named := [key for key, given in asked.items() if given]:
        raise ConfigError(
            f"a forecast takes no {named[0]}", hint="train.members averages networks; task.conformal sets intervals"
        )


def levelled(study: Study, options: Strict) -> Strict:
    """A baseline's options, with the levels of the task's quantiles: pinball losses compare at the same levels alone."""
    if cohorts.kind_of(study) != "forecast" or not hasattr(options, "levels"):
        return options
    levels = config.options("tasks", study.task, "task")[1].quantiles
    return msgspec.structs.replace(options, levels=levels)


def calibrators(study: Study, answers: Mapping[str, Answer], rows: Evidence) -> dict[str, calibrate.Calibrator]:
    """The intervals of these answers set on these rows, where the study asks for it."""
    if not config.options("tasks", study.task, "task")[1].conformal:
        return {}
    return {name: calibrate.fit_quantiles(answer, rows.target, rows.subject) for name, answer in answers.items()}


def fixed(study: Study, train: Evidence) -> dict[str, float]:
    """What evaluation measures errors in, from the training rows."""
    return forecasting.steps(train.target) if cohorts.kind_of(study) == "forecast" else {}


# ------------------------------------------------------------------------------------------------------------------------- fans


def fans(predictor: Predictor, one: Judged, rows: Evidence) -> list[FanFacts]:
    """A few rows to be drawn, from the best to the worst by their error: what was seen, what was said and what came."""
    answer = one.answers[predictor.final]
    if answer.quantiles is None:
        return []
    target = one.cohort.target
    known = np.where(target.known, np.abs(answer.values - target.values), np.nan)
    usable = np.flatnonzero(target.known.all(1))
    ranked = usable[np.argsort(known[usable].mean(1), kind="stable")]
    chosen = ranked[np.unique(np.linspace(0, max(len(ranked) - 1, 0), FANS).round().astype(np.int64))] if len(ranked) else ranked
    codes = list(dict.fromkeys(ahead.taken_apart(name)[0] for name in answer.names))
    return [_fan(one, answer, rows, int(row), code) for row in chosen for code in codes]


def _fan(one: Judged, answer: Answer, rows: Evidence, row: int, code: str) -> FanFacts:
    assert answer.quantiles is not None
    own = [column for column, name in enumerate(answer.names) if ahead.taken_apart(name)[0] == code]
    past = _past(rows, code, row)
    truth = one.cohort.target
    return FanFacts(
        row_id=str(one.cohort.row_id[row]),
        quantity=code,
        seen_at=past.seconds.tolist(),
        seen=past.values.tolist(),
        at=[ahead.taken_apart(answer.names[column])[1] for column in own],
        levels=list(answer.quantiles.levels),
        quantiles=answer.quantiles.values[row, own].tolist(),
        said=answer.values[row, own].tolist(),
        truth=[float(truth.values[row, column]) if truth.known[row, column] else None for column in own],
    )


@dataclass(frozen=True, slots=True)
class _Past:
    """A series as it was known at the prediction."""

    seconds: Array  # before it, <= 0
    values: Array  # in their own unit


def _past(rows: Evidence, code: str, row: int) -> _Past:
    """The series of a code; nothing where no input has it in a unit that is known."""
    for name, spec in rows.specs.items():
        if code in spec.names and spec.lines:
            return _series(rows.inputs[name], spec, spec.names.index(code), row)
    return _Past(np.zeros(0), np.zeros(0))


def _series(ragged: Ragged, spec: Spec, feature: int, row: int) -> _Past:
    steps = np.arange(ragged.offsets[row], ragged.offsets[row + 1])
    entry = steps if ragged.take is None else ragged.take[steps]
    seen = np.ones(len(steps), bool) if ragged.seen is None else np.asarray(ragged.seen[entry])[:, feature]
    centre, spread = spec.lines[feature]
    scaled = np.asarray(ragged.values[entry], np.float64)[seen, feature]
    return _Past(ragged.position[steps][seen] * DAY / 1e6, centre + spread * scaled)
