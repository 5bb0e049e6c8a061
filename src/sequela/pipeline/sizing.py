"""How many patients a study needs: before it (`sequela size`), of its training rows (`sequela check`), and in its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from sequela.contracts import Evidence
from sequela.errors import UsageError
from sequela.evaluate.metric import Metric
from sequela.evaluate.size import developing, validating, variance
from sequela.evaluate.size.developing import Development
from sequela.evaluate.size.facts import Anticipated, Reached, SizeFacts
from sequela.evaluate.size.validating import Validation, Widths
from sequela.metrics.calibration import logit
from sequela.types import Array, Target, Times

WIDTHS = {"auroc": "c_statistic", "calibration_slope": "slope", "observed_expected": "observed_expected"}  # metric -> of Widths
CENTRED = 0.01  # spreads: a quantity whose mean is nearer to 0 has none that could be known within 10 %
MOST_EXPLAINED = 0.99  # of what can be explained: a tune part on which nothing is wrong tells no more


@dataclass(frozen=True)
class Sized:
    """What `sequela size` found."""

    found: Development | Validation

    def told(self) -> dict[str, Any]:
        told: dict[str, Any] = msgspec.to_builtins(self.found)
        return told

    def text(self) -> str:
        lines = [f"{one.criterion}: {one.rows} patients" for one in self.found.needed]
        lines += ["", f"at least {self.found.rows} patients"]
        if self.found.events is not None:
            lines[-1] += f", {self.found.events:.0f} of them with the event"
        if isinstance(self.found, Development) and self.found.events_per_parameter is not None:
            lines[-1] += f" ({self.found.events_per_parameter:.1f} events a parameter)"
        return "\n".join(lines)


def size(
    *,
    parameters: int | None = None,
    prevalence: float | None = None,
    c: float | None = None,
    r2: float | None = None,
    mean: float | None = None,
    spread: float | None = None,
    rate: float | None = None,
    follow_up: float | None = None,
    horizon: float | None = None,
    shrinkage: float = 0.9,
) -> Sized:
    """The least number of patients to develop a model with so many candidate parameters.

    Of a yes-or-no outcome: `prevalence`, and `r2` (Cox-Snell) or `c`. Of a quantity: its `mean` and `spread`, and `r2`. Of times:
    the `rate` of the event, the mean `follow_up` and the `horizon` in one unit, and `r2`. Without `r2` and `c`, 15 % of what can
    be explained is assumed. Raises UsageError where that does not say one question.
    """
    if parameters is None:
        raise UsageError("how many candidate parameters the model has is not said", hint="sequela size --parameters 24 …")
    asked = {"prevalence": prevalence, "mean": mean, "rate": rate}
    kinds = [name for name, value in asked.items() if value is not None]
    if len(kinds) != 1:
        raise UsageError(
            f"one of prevalence, mean and rate says what kind of outcome it is; {len(kinds)} were given",
            hint="sequela size --prevalence 0.17 --parameters 24 --c 0.8",
        )
    if prevalence is not None:
        return Sized(developing.binary(prevalence, parameters, _explained(prevalence, c, r2), shrinkage))
    if c is not None:
        raise UsageError("a C statistic tells R² of a yes-or-no outcome alone", hint="give --r2")
    if mean is not None:
        return Sized(developing.continuous(mean, _given("spread", spread), parameters, r2 or variance.SHARE, shrinkage))
    event, watched = _given("rate", rate), _given("follow_up", follow_up)
    explained = r2 or variance.SHARE * variance.most_by_time(event, watched)
    return Sized(developing.survival(event, watched, _given("horizon", horizon), parameters, explained, shrinkage))


def _explained(prevalence: float, c: float | None, r2: float | None) -> float:
    if c is not None and r2 is not None:
        raise UsageError("the C statistic and R² both say how much is explained", hint="give one of them")
    if c is not None:
        return variance.from_c(c, prevalence)
    return r2 if r2 is not None else variance.SHARE * variance.most(prevalence)


def _given(name: str, value: float | None) -> float:
    if value is None:
        raise UsageError(f"{name} is needed for this kind of outcome", hint=f"give --{name.replace('_', '-')}")
    return value


def size_of_validation(
    *,
    prevalence: float | None,
    c: float | None,
    mean: float | None = None,
    spread: float | None = None,
    width_oe: float = 0.2,
    width_slope: float = 0.2,
    width_c: float = 0.1,
) -> Sized:
    """The least number of patients to validate a model for a yes-or-no outcome with, for intervals of these widths.

    `mean` and `spread` are of its linear predictor; without them it is taken as normal in either outcome, as the C statistic and
    the prevalence have it. Raises UsageError where prevalence or C statistic is missing.
    """
    common, ranks = _given("prevalence", prevalence), _given("c", c)
    wanted = Widths(observed_expected=width_oe, slope=width_slope, c_statistic=width_c)
    if mean is not None and spread is not None:
        return Sized(validating.binary(common, ranks, mean, spread, wanted))
    if (mean is None) != (spread is None):
        raise UsageError("of the linear predictor both mean and spread are needed", hint="give both, or neither")
    scores, weights = variance.two_normals(ranks, common)
    return Sized(validating.of_scores(common, ranks, scores, wanted, weights))


# --------------------------------------------------------------------------------------------------------------- of a study


def of_training(kind: str, train: Evidence) -> SizeFacts | None:
    """What the training rows are beside what would be needed if 15 % of what can be explained is; None for other questions.

    A network has more than one weight a column: what is needed by this reckoning is a least number for it.
    """
    columns = train.plain.values.shape[1] + sum(len(block.names) for block in train.plain.counts)
    needed = _needed(kind, train, columns)
    if needed is None:
        return None
    subjects = len(np.unique(train.subject[train.target.known[:, 0]]))
    events = None if kind == "regression" else len(np.unique(train.subject[_events(train.target)]))
    return SizeFacts(
        subjects=subjects,
        events=events,
        parameters=columns,
        events_per_parameter=(subjects if events is None else events) / columns,
        development=[Anticipated(assumed="cautious", needed=needed, enough=subjects >= needed.rows)],
    )


def _needed(kind: str, train: Evidence, columns: int) -> Development | None:
    target = train.target
    values = target.values[target.known[:, 0], 0]
    if not columns or not len(values) or np.ptp(values) == 0:
        return None
    if kind == "binary":
        prevalence = float((values > 0).mean())
        return developing.binary(prevalence, columns, variance.SHARE * variance.most(prevalence))
    if kind == "regression" and target.values.shape[1] == 1 and abs(values.mean()) > CENTRED * values.std():
        return developing.continuous(float(values.mean()), float(values.std()), columns, variance.SHARE)
    if kind == "survival" and isinstance(target.dense, Times):
        watched = float(np.mean(target.dense.time - target.dense.entry))
        rate = float((target.values[:, 0] > 0).mean()) / watched
        explained = variance.SHARE * variance.most_by_time(rate, watched)
        return developing.survival(rate, watched, target.dense.horizons[-1].days, columns, explained)
    return None


def _events(target: Target) -> Array:
    had: Array = target.known[:, 0] & (target.values[:, 0] > 0)
    return had


def weighed(facts: SizeFacts, weights: int) -> SizeFacts:
    """The same with the number of weights of the network."""
    return msgspec.structs.replace(facts, weights=weights)


def reached(
    facts: SizeFacts, risk: Array, event: Array, subject: Array, metrics: Sequence[Metric], tune: Sequence[Metric]
) -> SizeFacts:
    """The same with what the run came to: `metrics` of the answer on the shown part, whose risks "N" these are, and on tune."""
    widths = Widths()
    c, prevalence = _value(metrics, "auroc"), float(event.mean()) if len(event) else 0.0
    found = [_width(row, getattr(widths, WIDTHS[row.metric])) for row in _overall(metrics) if row.metric in WIDTHS]
    can = c is not None and 0.5 <= c < 1 and 0 < prevalence < 1 and validating.tells_slope(logit(risk))
    return msgspec.structs.replace(
        facts,
        judged=len(np.unique(subject)),
        reached=[one for one in found if one is not None],
        validation=validating.of_scores(prevalence, c, logit(risk), widths) if can and c is not None else None,
        development=[*facts.development, *_as_reached(facts, tune)],
    )


def _as_reached(facts: SizeFacts, tune: Sequence[Metric]) -> list[Anticipated]:
    """What development needs if the model explains what its C statistic on tune says."""
    c, first = _value(tune, "auroc"), facts.development[0].needed if facts.development else None
    if c is None or not 0.5 < c < 1 or first is None or first.events is None:
        return []
    prevalence = first.events / first.rows
    explained = min(variance.from_c(c, prevalence), MOST_EXPLAINED * variance.most(prevalence))
    if not 0 < explained < 0.9:
        return []
    needed = developing.binary(prevalence, facts.parameters, explained)
    return [Anticipated(assumed="reached", needed=needed, enough=facts.subjects >= needed.rows)]


def _overall(metrics: Sequence[Metric]) -> list[Metric]:
    return [row for row in metrics if not row.class_ and not row.group and not row.against]


def _value(metrics: Sequence[Metric], name: str) -> float | None:
    return next((row.value for row in _overall(metrics) if row.metric == name), None)


def _width(row: Metric, wanted: float) -> Reached | None:
    if row.value is None or row.low is None or row.high is None:
        return None
    return Reached(metric=row.metric, value=row.value, width=row.high - row.low, wanted=wanted)


def lines(facts: SizeFacts) -> list[str]:
    """What is there and what would be needed, for a terminal."""
    events = "" if facts.events is None else f", {facts.events} with the event"
    told = [f"{facts.subjects} patients to learn from{events}; {facts.parameters} columns"]
    for one in facts.development:
        enough = "enough" if one.enough else "not enough"
        told.append(f"{one.needed.rows} patients needed if R² is {one.needed.explained:.3g} ({one.assumed}): {enough}")
    return told
