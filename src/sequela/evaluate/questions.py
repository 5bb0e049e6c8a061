"""The numbers asked of each answer, by kind of task: what is computed, of which rows, and why it may be undefined."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from sequela.errors import DataError
from sequela.evaluate import (
    additive,
    cafa,
    contacts,
    detection,
    entities,
    forecasting,
    gathered,
    order,
    segmentation,
    segments,
    survival,
)
from sequela.evaluate.question import Additive, Columns, Ordered, Question
from sequela.evaluate.threshold import decide, key
from sequela.metrics import ordinal, paired, ranking, regression, sets, threshold
from sequela.metrics import probability as probabilities
from sequela.metrics.discrimination import Counted, ranked
from sequela.metrics.sums import ratio
from sequela.metrics.table import METRICS
from sequela.metrics.watched import Latest
from sequela.types import Along, Answer, Array, Target

SCORES = ("brier", "log_loss", "ece", "calibration_intercept", "calibration_slope", "observed_expected")
DECISIONS = (
    "accuracy",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "f1",
    "lr_positive",
    "lr_negative",
)
OF_A_CLASS = ("sensitivity", "specificity", "ppv", "f1")
MACRO = {
    "auroc": "auroc",
    "auprc": "auprc",
    "brier": "brier",
    "log_loss": "log_loss",
    "macro_f1": "f1",
}  # the mean over labels of
QUANTITIES = ("mae", "mse", "rmse", "r2")
COMPARED: Mapping[str, tuple[str, ...]] = {
    "binary": ("auroc", "auprc", "brier", "log_loss", "accuracy", "sensitivity", "specificity", "net_benefit"),
    "multiclass": (
        *("auroc", "auprc", "brier", "log_loss", "accuracy", "macro_f1", "sensitivity", "ppv", "f1"),
        *("top3_accuracy", "quadratic_kappa", "rank_mae", segments.METRIC, gathered.ACCURACY, gathered.SOV),
    ),
    "multilabel": (
        *("auroc", "auprc", "brier", "macro_f1"),
        *("jaccard", "set_f1", "micro_f1", "row_auprc", "set_size", "ddi_rate", "barred_rate"),
        *("micro_auroc", "p_at_5", "p_at_8", *cafa.METRICS),
    ),
    "regression": ("mae", "mse", "rmse", "r2", "c_index"),
    "forecast": ("mae", "rmse", "mase", "pinball"),
    "next_event": ("perplexity", "next_accuracy", "next_in_10"),
    "detect": (*detection.RANKED, *detection.CALLED),
    "segment": (*segmentation.MEANS, *segmentation.THINGS, "accuracy"),
    "entities": entities.COMPARED,
    "survival": survival.COMPARED,
    "contact": contacts.COMPARED,
}
PRECISIONS = {5: ranking.p_at_5, 8: ranking.p_at_8}  # labels of a row -> the precision of its likeliest so many
PROPORTIONS = ("accuracy", "sensitivity", "specificity", "ppv", "npv")
FORESEEN = {"perplexity": "nats", "next_accuracy": "first", "next_in_10": "in_10"}  # metric -> the sum of an answer it is made of
HIGHEST = 0.99  # threshold at which net benefit is told: at 1 a false call would cost without end
NAIVE = ("baseline:last_value", "baseline:last")  # the forecasts that mase may be measured against


@dataclass(frozen=True, slots=True)
class Safety:
    """What should not be called of the labels of a cohort, where a task knows it."""

    interacts: Array | None = None  # bool "K K", symmetric: labels that should not be called together
    barred: Array | None = None  # bool "N K": labels that a constraint rules out of a row


UNRULED = Safety()  # of every task that knows of no such labels


@dataclass(frozen=True, slots=True)
class Asked:
    """What a cohort is asked: the kind of task, the truth, and everybody's answers to it."""

    kind: str
    target: Target
    answers: Mapping[str, Answer]
    thresholds: Mapping[str, float]
    classes: tuple[str, ...] = ()  # of macro averages; () for all
    safety: Safety = UNRULED
    gathered: gathered.Classes | None = None  # fewer classes, judged beside the task's own
    latest: Latest = field(default_factory=Latest)  # of survival

    def questions(self, rows: Array) -> list[Question]:
        """Every question about these rows of the cohort; rows without a known label are left out."""
        asking = _ASKING[self.kind]
        return [question for model, answer in self.answers.items() for question in asking(self, model, answer, rows)]

    def known(self, rows: Array, column: int = 0) -> Array:
        """Those of the rows whose label is known."""
        labelled: Array = rows[self.target.known[rows, column]]
        return labelled


# ---------------------------------------------------------------------------------------------------------------- by kind


def _binary(asked: Asked, model: str, answer: Answer, rows: Array) -> Iterator[Question]:
    rows = asked.known(rows)
    event = asked.target.values[rows, 0] > 0
    one, risk = _YesOrNo(model, "", rows, event), answer.values[rows, 0]
    yield from _yes_or_no(one, risk, asked.thresholds[key(model)])
    given = "model" if "model" in asked.answers else model
    yield _benefit(one, risk, asked.thresholds[key(given)])


def _multilabel(asked: Asked, model: str, answer: Answer, rows: Array) -> Iterator[Question]:
    each: list[Question] = []
    for column, name in enumerate(answer.names):
        known = asked.known(rows, column)
        event = asked.target.values[known, column] > 0
        cut = asked.thresholds[key(model, name)]
        each += _yes_or_no(_YesOrNo(model, name, known, event), answer.values[known, column], cut)
    yield from each
    chosen = asked.classes or answer.names
    anything = rows[asked.target.known[rows].any(1)]
    for metric, of in MACRO.items():
        yield _macro(metric, [q for q in each if q.metric == of and q.class_ in chosen], model, anything)
    yield from _of_sets(asked, model, answer, anything)


def _of_sets(asked: Asked, model: str, answer: Answer, rows: Array) -> Iterator[Question]:
    """What is asked of a row's labels together: the known ones of those called, and of those that are true."""
    known, risk = asked.target.known[rows], answer.values[rows]
    called = decide("multilabel", model, answer, asked.thresholds)[rows]
    true, none = (asked.target.values[rows] > 0) & known, _no_rows(rows)
    each = sets.each_auprc(risk, true, known)
    ranked_rows = none if not np.isnan(each).all() else none or "no row has a true label"
    for metric, function in (("jaccard", sets.jaccard), ("set_f1", sets.set_f1), ("micro_f1", sets.micro_f1)):
        yield Question(model, metric, "", rows, partial(function, called & known, true), reason=none)
    yield Question(model, "row_auprc", "", rows, partial(sets.row_auprc, each), reason=ranked_rows)
    yield Question(model, "set_size", "", rows, partial(sets.set_size, called), reason=none)
    yield from _of_ranks(model, risk, true, known, rows)
    yield from cafa.questions(model, answer, asked.target, rows, asked.thresholds)
    if asked.safety.interacts is not None:
        yield Question(model, "ddi_rate", "", rows, partial(sets.ddi_rate, called, asked.safety.interacts), reason=none)
        yield Question(model, "ddi_rate_given", "", rows, partial(sets.ddi_rate_given, true, asked.safety.interacts), reason=none)
    if asked.safety.barred is not None:
        barred = asked.safety.barred[rows]
        yield Question(model, "barred_rate", "", rows, partial(sets.barred_rate, called, barred), reason=none)
        yield Question(model, "barred_rate_given", "", rows, partial(sets.barred_rate_given, true, barred), reason=none)


def _of_ranks(model: str, risk: Array, true: Array, known: Array, rows: Array) -> Iterator[Question]:
    """What is asked of all labels ranked together, and of the likeliest labels of each row."""
    reason = _one_outcome(true[known])
    yield Question(model, "micro_auroc", "", rows, partial(ranking.micro_auroc, risk, true, known), reason=reason)
    for first, function in PRECISIONS.items():
        if first < risk.shape[1]:
            each = ranking.each_precision(risk, true, known, first)
            fewer = "" if not np.isnan(each).all() else f"no row has {first} known labels"
            yield Question(model, function.__name__, "", rows, partial(function, each), reason=fewer)


def _macro(metric: str, each: list[Question], model: str, rows: Array) -> Question:
    """The mean over labels of one metric; labels for which it is undefined are left out and named."""
    parts = [(question.value, np.searchsorted(rows, question.rows)) for question in each if not question.reason]
    left_out = [question.class_ for question in each if question.reason]

    def value(weights: Array | None) -> Array:
        of_each = [part(None if weights is None else weights[..., inside]) for part, inside in parts]
        mean: Array = np.mean(of_each, 0) if of_each else _undefined(weights)
        return mean

    return Question(model, metric, "", rows, value, reason=f"without {', '.join(left_out)}: undefined" if left_out else "")


def _multiclass(asked: Asked, model: str, answer: Answer, rows: Array) -> Iterator[Question]:
    rows = asked.known(rows)
    truth = asked.target.values[rows, 0].astype(np.int64)
    probability, decision = answer.values[rows], decide("multiclass", model, answer, {})[rows]
    each: list[Question] = []
    for k, name in enumerate(answer.names):
        one = _YesOrNo(model, name, rows, truth == k)
        each += _ranks(one, probability[:, k])
        each += [_decision_question(metric, one, decision == k, None) for metric in OF_A_CLASS]
    yield from each
    chosen = asked.classes or answer.names
    for metric in ("auroc", "auprc"):
        yield _macro(metric, [q for q in each if q.metric == metric and q.class_ in chosen], model, rows)
    yield _macro_f1(model, decision, truth, rows, [(answer.names.index(name), name) for name in chosen])
    yield from _of_all_classes(model, probability, decision, truth, rows)
    if len(answer.names) > 3:
        hit = ranking.each_hit(probability, truth, 3)
        yield Question(model, "top3_accuracy", "", rows, partial(ranking.top3_accuracy, hit), reason=_no_rows(rows))
    if asked.target.ordered:
        yield from _of_order(model, decision, truth, rows)
    along = asked.target.dense.take(rows) if isinstance(asked.target.dense, Along) else None
    if along is not None:
        yield from segments.questions(model, answer.names, decision, truth, along, rows)
    if asked.gathered is not None:
        yield from gathered.questions(model, asked.gathered, probability, truth, along, rows)


def _macro_f1(model: str, decision: Array, truth: Array, rows: Array, classes: list[tuple[int, str]]) -> Question:
    occurring = np.union1d(decision, truth)
    present = [k for k, _ in classes if k in occurring]
    absent = [name for k, name in classes if k not in occurring]

    def value(weights: Array | None) -> Array:
        return threshold.macro_f1(decision, truth, weights, present) if present else _undefined(weights)

    return Question(model, "macro_f1", "", rows, value, reason=f"without {', '.join(absent)}: in no row" if absent else "")


def _of_all_classes(model: str, probability: Array, decision: Array, truth: Array, rows: Array) -> Iterator[Question]:
    none = _no_rows(rows)
    every = np.ones(len(rows), bool)
    yield Question(model, "accuracy", "", rows, partial(threshold.accuracy, decision, truth), denominator=every, reason=none)
    one_class = "" if len(np.unique(truth)) > 1 else none or "one class only"
    yield Question(model, "balanced_accuracy", "", rows, partial(threshold.balanced_accuracy, decision, truth), reason=one_class)
    one_hot = truth[:, None] == np.arange(probability.shape[1])
    yield Question(model, "brier", "", rows, partial(probabilities.brier, probability, one_hot), reason=none)
    yield Question(model, "log_loss", "", rows, partial(probabilities.log_loss, probability, one_hot), reason=none)
    sure = probability[np.arange(len(rows)), decision]
    yield Question(model, "ece", "", rows, partial(probabilities.ece, sure, decision == truth), reason=none)


def _of_order(model: str, decision: Array, truth: Array, rows: Array) -> Iterator[Question]:
    """How far the decisions are off, where the classes have an order."""
    alike = "" if len(np.union1d(decision, truth)) > 1 else _no_rows(rows) or "one class only"
    yield Question(model, "quadratic_kappa", "", rows, partial(ordinal.quadratic_kappa, decision, truth), reason=alike)
    yield Question(model, "rank_mae", "", rows, partial(ordinal.rank_mae, decision, truth), reason=_no_rows(rows))


def _regression(asked: Asked, model: str, answer: Answer, rows: Array) -> Iterator[Question]:
    naive = next((asked.answers[name] for name in NAIVE if name in asked.answers), None)
    for column, name in enumerate(answer.names):
        known = asked.known(rows, column)
        value, truth = answer.values[known, column], asked.target.values[known, column]
        class_ = name if len(answer.names) > 1 else ""
        constant = "the truth is the same in every row" if len(truth) and np.ptp(truth) == 0 else _no_rows(known)
        for metric in QUANTITIES:
            reason = constant if metric == "r2" else _no_rows(known)
            yield Question(model, metric, class_, known, partial(METRICS[metric].function, value, truth), reason=reason)
        yield order.question(model, class_, known, value, truth, constant)
        if naive is not None:
            scaled = partial(regression.mase, value, truth, naive.values[known, column])
            yield Question(model, "mase", class_, known, scaled, reason=_no_rows(known))


def _forecast(asked: Asked, model: str, answer: Answer, rows: Array) -> Iterator[Question]:
    return forecasting.questions(model, answer, asked.target, rows, asked.thresholds)


def _next_event(asked: Asked, model: str, answer: Answer, rows: Array) -> Iterator[Question]:
    rows = asked.known(rows)
    count = asked.target.values[rows, 0]
    for metric, column in FORESEEN.items():
        summed = answer.values[rows, answer.names.index(column)]
        yield Question(model, metric, "", rows, partial(METRICS[metric].function, summed, count), reason=_no_rows(rows))


def _detect(asked: Asked, model: str, answer: Answer, rows: Array) -> Iterator[Question]:
    rows, names = asked.known(rows), answer.names
    cuts = np.array([asked.thresholds[key(model, name)] for name in names])
    each = list(detection.questions(model, answer.tally, rows, names, cuts))
    yield from each
    chosen = asked.classes or names
    for metric in detection.RANKED:
        yield _macro(metric, [q for q in each if q.metric == metric and q.class_ in chosen], model, rows)


def _segment(asked: Asked, model: str, answer: Answer, rows: Array) -> Iterator[Question]:
    rows, names = asked.known(rows), answer.names
    cut = asked.thresholds[key(model)] if answer.tally.decided else None
    each = list(segmentation.questions(model, answer.tally, rows, names, cut))
    yield from each
    chosen = asked.classes or names
    for metric in segmentation.MEANS if len(names) > 1 else ():
        of_names = [q for q in each if q.metric == metric and q.class_ in chosen]
        if of_names:
            yield _mean_of_names(metric, of_names, model, rows)


def _entities(asked: Asked, model: str, answer: Answer, rows: Array) -> Iterator[Question]:
    return entities.questions(model, answer.tally, asked.known(rows), answer.names)


def _contact(asked: Asked, model: str, answer: Answer, rows: Array) -> Iterator[Question]:
    return contacts.questions(model, answer.tally, asked.known(rows))


def _survival(asked: Asked, model: str, answer: Answer, rows: Array) -> Iterator[Question]:
    rows = survival.ordered(asked.target, asked.known(rows))
    each = list(survival.questions(model, answer, asked.target, rows, asked.latest))
    chosen = asked.classes or answer.names
    of_all = [
        survival.mean_of(metric, [q for q in each if q.metric == metric and q.class_ in chosen], model, rows)
        for metric in survival.OVERALL
    ]
    yield from (survival.noted(question, asked.target) for question in [*each, *of_all])


def _mean_of_names(metric: str, each: list[Question], model: str, rows: Array) -> Question:
    """The mean over names of one metric of the same pictures; names for which it is undefined are left out and named."""
    defined = [question for question in each if not np.isnan(question.value(None))]
    mean = _macro(metric, [replace(question, reason="") for question in defined], model, rows)
    left_out = [question.class_ for question in each if question not in defined]
    return replace(mean, reason=f"without {', '.join(left_out)}: undefined" if left_out else "")


_Asking = Callable[[Asked, str, Answer, Array], Iterator[Question]]
_ASKING: Mapping[str, _Asking] = {
    "binary": _binary,
    "multiclass": _multiclass,
    "multilabel": _multilabel,
    "regression": _regression,
    "forecast": _forecast,
    "next_event": _next_event,
    "detect": _detect,
    "segment": _segment,
    "entities": _entities,
    "survival": _survival,
    "contact": _contact,
}


# ------------------------------------------------------------------------------------------------------------ yes or no


@dataclass(frozen=True, slots=True)
class _YesOrNo:
    """One answer to one yes-or-no question, of the rows whose label is known."""

    model: str
    class_: str
    rows: Array
    event: Array  # bool, one for each of the rows


def _yes_or_no(one: _YesOrNo, risk: Array, cut: float) -> list[Question]:
    called = risk >= cut
    scores, decisions = additive.of_scores(risk, one.event), additive.of_decisions(called, one.event)
    asked = [*_ranks(one, risk), *(replace(_score_question(name, one, risk), additive=scores.get(name)) for name in SCORES)]
    decided = (_decision_question(metric, one, called, cut) for metric in DECISIONS)
    return asked + [replace(question, additive=decisions.get(question.metric)) for question in decided]


def _ranks(one: _YesOrNo, risk: Array) -> list[Question]:
    """What depends on the order of the risks alone; they are sorted, and each resample passed, once for both."""
    order, reason, events = ranked(risk, one.event), _one_outcome(one.event), int(one.event.sum())
    area, precision = Ordered(order, Counted.auroc), Ordered(order, Counted.auprc)
    return [
        Question(one.model, "auroc", one.class_, one.rows, order.auroc, events, reason=reason, ordered=area),
        Question(one.model, "auprc", one.class_, one.rows, order.auprc, events, reason=reason, ordered=precision),
    ]


def _benefit(one: _YesOrNo, risk: Array, cut: float) -> Question:
    """Net benefit at the model's threshold, whoever answers: two answers are worth comparing at one threshold alone."""
    held = min(cut, HIGHEST)
    value = partial(paired.net_benefit, risk, one.event, held)
    columns = Columns(partial(_benefits, one.event, risk, held))
    summed = Additive(columns, lambda sums: ratio(sums[..., 0], sums[..., 1]))
    events = int(one.event.sum())
    return Question(one.model, "net_benefit", "", one.rows, value, events, held, reason=_no_rows(one.rows), additive=summed)


def _benefits(event: Array, risk: Array, cut: float) -> Array:
    """The benefit of each row, and 1: "n 2"."""
    return np.stack([np.where(event, 1.0, -cut / (1 - cut)) * (risk >= cut), np.ones(len(risk))], 1)


def _score_question(metric: str, one: _YesOrNo, risk: Array) -> Question:
    whatever = metric in ("brier", "log_loss", "ece", "observed_expected")  # defined whatever the outcomes are
    reason = _no_rows(one.rows) if whatever else _one_outcome(one.event)
    function = partial(METRICS[metric].function, risk, one.event)
    return Question(one.model, metric, one.class_, one.rows, function, int(one.event.sum()), reason=reason)


def _decision_question(metric: str, one: _YesOrNo, called: Array, cut: float | None) -> Question:
    event = one.event
    denominators = {
        "accuracy": np.ones(len(event), bool),
        "f1": called | event,
        "sensitivity": event,
        "specificity": ~event,
        "ppv": called,
        "npv": ~called,
    }
    denominator = denominators.get(metric)
    reason = _one_outcome(event) if denominator is None else _EMPTY.get(metric, "") if not denominator.any() else ""
    function = partial(METRICS[metric].function, called, event)
    share_of = denominator if metric in PROPORTIONS else None
    return Question(one.model, metric, one.class_, one.rows, function, int(event.sum()), cut, share_of, reason)


_EMPTY = {
    "accuracy": "no rows",
    "sensitivity": "no events",
    "specificity": "every row is an event",
    "ppv": "no row was called",
    "f1": "no row was called, and there are no events",
    "npv": "every row was called",
}


def _one_outcome(event: Array) -> str:
    if not len(event):
        return "no rows"
    return "no events" if not event.any() else "every row is an event" if event.all() else ""


def _no_rows(rows: Array) -> str:
    return "" if len(rows) else "no rows"


def _undefined(weights: Array | None) -> Array:
    return np.full(() if weights is None else weights.shape[:-1], np.nan)


def check(kind: str, count: int, target: Target, answers: Mapping[str, Answer], thresholds: Mapping[str, float]) -> None:
    """Raises DataError where an answer does not fit the cohort, is not finite, or has no threshold."""
    if kind not in _ASKING:
        raise DataError(f"there is no evaluation of tasks of kind {kind!r}", hint=f"known: {', '.join(_ASKING)}")
    for model, answer in answers.items():
        if len(answer) != count:
            raise DataError(f"{model} answers {len(answer)} rows, the cohort has {count}")
        asked = tuple(FORESEEN.values()) if kind == "next_event" else target.names
        if answer.names != asked:
            raise DataError(f"{model} answers {list(answer.names)}, the cohort asks for {list(asked)}")
        bad = int((~np.isfinite(answer.values)).any(1).sum())
        if bad:
            raise DataError(f"{model} gives {bad} of {count} rows an answer that is not a finite number")
        if kind == "forecast":
            forecasting.check(model, answer)
        if kind == "survival":
            survival.check(model, answer, target)
        if kind in ("binary", "multilabel", "detect"):
            _check_thresholds(kind, model, answer, thresholds)


def _check_thresholds(kind: str, model: str, answer: Answer, thresholds: Mapping[str, float]) -> None:
    wanted = [key(model, "" if kind == "binary" else name) for name in answer.names]
    missing = [name for name in wanted if name not in thresholds]
    if missing:
        raise DataError(
            f"no threshold is given for {', '.join(missing)}", hint="sequela.evaluate.threshold.choose_all makes them"
        )
