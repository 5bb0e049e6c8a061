"""Discrimination, decisions at the threshold, calibration and net benefit; for quantities, agreement and errors."""

from __future__ import annotations

from collections.abc import Sequence

from sequela.evaluate.curves import Drawn
from sequela.evaluate.intervals import Interval
from sequela.evaluate.metric import Metric
from sequela.evaluate.report import numbers, plots
from sequela.evaluate.report.html import EMPTY, Piece, Safe, figures, joined, paragraph, section, table, tag
from sequela.evaluate.report.run import Run, label
from sequela.evaluate.report.sections.cells import resampled, valued
from sequela.evaluate.report.words import later, retold, say

MOST = 6  # classes or labels whose curves are drawn
TABLES = {
    "threshold": ("sensitivity", "specificity", "ppv", "npv", "f1", "balanced_accuracy", "lr_positive", "lr_negative"),
    "calibration": ("calibration_intercept", "calibration_slope", "observed_expected", "brier", "log_loss", "ece"),
}
SHARES = later(
    "The answers are shares of the normal training rows that look less odd, not risks of the event: these numbers say how far "
    'they are from such. evaluate.recalibrate = "platt" makes risks of them on tune.'
)
RANGES = ("false_alarms_per_hour", "range_recall", "range_precision", "range_f1")
BURDEN = ("alerts_per_100_patient_days", "episode_sensitivity", "number_needed_to_evaluate", "lead_time")
OF_A_CLASS = ("auroc", "auprc", "sensitivity", "specificity", "ppv", "f1", "sov")


def discrimination(run: Run) -> Safe:
    """ROC and precision-recall curves, by class where there are several."""
    if run.kind in ("regression", "forecast", "next_event", "detect", "segment", "entities", "survival", "contact"):
        return EMPTY
    classes = _commonest(run) or [""]
    drawn = [(class_, run.drawn(class_)) for class_ in classes]
    pieces = [figures(plots.roc(those), plots.precision_recall(those)) for _, those in drawn[:1] if those]
    if len(drawn) > 1 or (drawn and drawn[0][0]):
        pieces = [
            tag("h3", say("Class {name}", name=class_) if run.kind == "multiclass" else class_)
            + figures(plots.roc(those), plots.precision_recall(those))
            for class_, those in drawn
            if those
        ]
    unseen = len(run.classes) - len(classes)
    more = [paragraph(say(_UNSEEN, most=MOST, unseen=unseen))] if run.classes and unseen else []
    return section(say("Discrimination"), _delong(run), _of_classes(run), *pieces, *more)


_UNSEEN = later("These are the {most} classes with the most rows; curves of {unseen} more are in curves.json.")


def _commonest(run: Run) -> list[str]:
    """The classes with the most rows, in the order of all."""
    count = {class_: _events(run, class_) for class_ in run.classes}
    kept = sorted(run.classes, key=lambda class_: -count[class_])[:MOST]
    return [class_ for class_ in run.classes if class_ in kept]


def _events(run: Run, class_: str) -> int:
    """Rows of the class, or with the label; 0 where nobody counted them."""
    found = (run.number(run.main, metric, class_=class_) for metric in OF_A_CLASS)
    return next((row.events for row in found if row is not None and row.events is not None), 0)


def _of_rows(run: Run, class_: str) -> str:
    """Of a class the rows that are of it; of a label the events among those of which it is known."""
    events = numbers.count(_events(run, class_))
    found = (run.number(run.main, metric, class_=class_) for metric in OF_A_CLASS)
    known = max((row.n for row in found if row is not None), default=0)
    return say("{part} of {whole}", part=events, whole=numbers.count(known)) if run.kind == "multilabel" else events


def _delong(run: Run) -> Safe:
    """AUROC with DeLong's interval: a second opinion beside the bootstrap's."""
    if run.several or run.kind != "binary":
        return EMPTY
    rows: list[list[Piece]] = []
    for name, one in run.drawn():
        boot = next(
            (row for row in run.rows if row.metric == "auroc" and label(row.model) == name and not row.against and not row.group),
            None,
        )
        limits = f"[{numbers.number(one.auroc.low)}, {numbers.number(one.auroc.high)}]"
        rows.append([name, numbers.number(one.auroc.value), limits, numbers.limits(boot) if boot else "–"])
    head = ["", numbers.name("auroc"), "DeLong", say("Bootstrap over subjects")]
    return table(head, rows, say("AUROC with both of its 95 % intervals."))


def _of_classes(run: Run) -> Safe:
    """Each class against the rest, for the model."""
    rows: list[list[Piece]] = []
    each = {class_: {metric: run.number(run.main, metric, class_=class_) for metric in OF_A_CLASS} for class_ in run.classes}
    shown = [metric for metric in OF_A_CLASS if any(found[metric] for found in each.values())]
    for class_, found in each.items():
        if any(found.values()):
            rows.append([class_, _of_rows(run, class_), *(valued(found[metric]) for metric in shown)])
    counted = say("Events, of rows with this label") if run.kind == "multilabel" else say("Rows")
    head = [say("Class"), counted, *map(numbers.name, shown)]
    return table(head, rows, say("{who}: each class against all others, with 95 % intervals.", who=label(run.main)))


def confusion(run: Run) -> Safe:
    """The confusion matrices of the model and the ensemble."""
    drawn = [plots.confusion(f"{label(one.model)}{f', {split}' if run.several else ''}", one) for split, one in run.confusions()]
    return section(say("Decisions"), figures(*drawn)) if drawn else EMPTY


def threshold(run: Run) -> Safe:
    """What is decided at the threshold: two-by-two tables, and the rates of every answer."""
    if run.kind not in ("binary", "multilabel"):
        return EMPTY
    classes = run.classes if run.kind == "multilabel" else [""]
    tables = [_two_by_two(name, one) for class_ in classes[:MOST] for name, one in run.drawn(class_) if one.model == run.main]
    rule = run.study.evaluate.threshold
    answer = say("share") if run.shares else say("risk")
    told = later("A row is called where its {answer} is at least the threshold, chosen on the tune part (rule: {rule}).")
    said = paragraph(say(told, answer=answer, rule=rule))
    return section(say("At the threshold"), said, *tables, *[_rates(run, class_, TABLES["threshold"]) for class_ in classes])


def _two_by_two(name: str, one: Drawn) -> Safe:
    if one.table is None:
        return EMPTY
    two, rates = one.table, one.table.rates
    cells: list[list[Piece]] = [
        [say("Called"), f"{two.true_positive:,}", f"{two.false_positive:,}", _rate(rates, "ppv")],
        [say("Not called"), f"{two.false_negative:,}", f"{two.true_negative:,}", _rate(rates, "npv")],
        ["", _rate(rates, "sensitivity"), _rate(rates, "specificity"), ""],
    ]
    who = f"{name}, {one.class_}" if one.class_ else name
    told = later("{who}, threshold {cut}: rows, and rates with Wilson's 95 % interval.")
    return table(["", say("Event"), say("No event"), ""], cells, say(told, who=who, cut=numbers.number(two.threshold)))


def _rate(rates: dict[str, Interval], name: str) -> Piece:
    words = numbers.name(name)
    if name not in rates:
        return f"{words} –"
    rate = rates[name]
    return tag(
        "span",
        f"{words} {numbers.number(rate.value)}",
        tag("small", f" [{numbers.number(rate.low)}, {numbers.number(rate.high)}]"),
    )


def _rates(run: Run, class_: str, metrics: Sequence[str]) -> Safe:
    rows: list[list[Piece]] = []
    for model in run.models:
        found = [run.number(model, metric, class_=class_) for metric in metrics]
        if any(found):
            rows.append([label(model), *[valued(row) for row in found]])
    if class_:
        caption = say("{what}: every answer, with 95 % intervals ({resampled}).", what=class_, resampled=resampled())
    else:
        caption = say("Every answer, with 95 % intervals ({resampled}).", resampled=resampled())
    return table(["", *map(numbers.name, metrics)], rows, caption[:1].upper() + caption[1:])


def alerts(run: Run) -> Safe:
    """What the alerts cost and bring, where patients are asked about again and again."""
    if not any(run.number(model, BURDEN[0]) for model in run.models):
        return EMPTY
    silence = run.study.evaluate.silence
    loud = silence.startswith("0")
    quiet = "" if loud else say(" After an alert none is raised in the same stay for {time}.", time=silence)
    said = say(
        "Each patient is asked about many times in a stay. An alert is a row at or above the threshold; it announces an event "
        "that lies in that row's horizon.{quiet}",
        quiet=quiet,
    )
    return section(say("Burden of alerts"), paragraph(said), _rates(run, "", BURDEN))


def recordings(run: Run) -> Safe:
    """What the alarms cost and find, where each moment of a recording is asked about."""
    if not any(run.number(model, RANGES[0]) for model in run.models):
        return EMPTY
    apart, silence = run.study.evaluate.recording, run.study.evaluate.silence
    loud = silence.startswith("0")
    quiet = "" if loud else say(" After an alarm none is raised in the same recording for {time}.", time=silence)
    said = say(
        "Rows of one subject that are no more than {apart} apart are of one recording. An alarm is a row at or above the "
        "threshold, and false where the row has not the event.{quiet} Rows with the event that follow each other are one true "
        "range. Its recall is the share of its rows that are called, over the number of called ranges among which they are; the "
        "precision of a called range is the same of the true ones (Tatbul 2018; flat bias, alpha 0, cardinality 1/x).",
        apart=apart,
        quiet=quiet,
    )
    return section(say("Alarms over the recordings"), paragraph(said), _rates(run, "", RANGES))


def calibration(run: Run) -> Safe:
    """Whether risks mean what they say."""
    if run.kind not in ("binary", "multilabel"):
        return EMPTY
    classes = run.classes[:MOST] if run.kind == "multilabel" else [""]
    pieces = [_calibration(run, class_) for class_ in classes]
    how = [one.calibration for one in run.facts.splits if one.calibration]
    told = "; ".join(map(retold, dict.fromkeys(how)))
    said = paragraph(say("Risks were recalibrated on tune ({how}).", how=told)) if how else EMPTY
    return section(say("Calibration"), said, paragraph(say(SHARES)) if run.shares else EMPTY, *pieces)


def _calibration(run: Run, class_: str) -> Safe:
    those = run.drawn(class_)
    shown = figures(plots.calibration(those), plots.risks(those[0][0], those[0][1])) if those else EMPTY
    return (tag("h3", class_) if class_ else EMPTY) + _rates(run, class_, TABLES["calibration"]) + _parts(those) + shown


def _parts(those: Sequence[tuple[str, Drawn]]) -> Safe:
    """What each Brier score is made of, and Hosmer and Lemeshow's test, on the bins of the curve."""
    rows: list[list[Piece]] = []
    for name, one in those:
        if (parts := one.parts) is not None:
            shares = (parts.reliability, parts.resolution, parts.uncertainty, parts.within)
            chi = numbers.number(parts.hosmer_lemeshow, "mae")
            rows.append([name, *map(numbers.number, shares), chi, numbers.count(parts.bins), numbers.p_value(parts.p)])
    head = [say("Reliability"), say("Resolution"), say("Uncertainty"), say("Within bins"), "χ²", say("Bins"), "p"]
    caption = say(
        "The Brier score is reliability − resolution + uncertainty + what is told apart within bins (Murphy 1973). χ²: Hosmer "
        "and Lemeshow's, with as many degrees of freedom as bins, rows taken as independent; with many rows it rejects what is "
        "near enough."
    )
    return table(["", *head], rows, caption)


def benefit(run: Run) -> Safe:
    """Decision curves."""
    if run.kind != "binary" or not run.drawn():
        return EMPTY
    found = run.number(run.main, "net_benefit")
    told = _rates(run, "", ("net_benefit",)) + _over_baselines(run, "net_benefit") if found is not None else EMPTY
    return section(say("Net benefit"), figures(plots.decision(run.drawn())), _held_at(run, found), told)


def _held_at(run: Run, found: Metric | None) -> Safe:
    """The threshold that answers are compared at, which need not be that of the answer that is given."""
    if found is None or found.threshold is None:
        return EMPTY
    if run.several:
        return paragraph(say("In each split all answers are compared at one threshold, that of the model."))
    said = later("All answers are compared at one threshold, that of the model: {cut}.")
    return paragraph(say(said, cut=numbers.number(found.threshold)))


def _over_baselines(run: Run, metric: str) -> Safe:
    """How much better the answer that is given is than each other, on the same rows, at the one threshold."""
    against = [row for row in run.rows if (row.model, row.metric, row.group) == (run.main, metric, "") and row.against]
    rows: list[list[Piece]] = [[label(row.against), valued(row)] for row in against]
    return table(["", say("Difference")], rows, say("{who} less each other answer, at one threshold.", who=label(run.main)))


def quantities(run: Run) -> Safe:
    """Agreement of predicted with observed quantities, and the errors."""
    if run.kind != "regression":
        return EMPTY
    several = len({one.quantity for _, one in run.agreements()}) > 1
    drawn = [
        figures(plots.agreement(name, one), plots.errors(name, one))
        for split, one in run.agreements()[:MOST]
        for name in [", ".join(filter(None, [label(one.model), split if run.several else "", one.quantity if several else ""]))]
    ]
    tables = [_rates(run, class_, ("mae", "mse", "rmse", "r2", "c_index", "mase")) for class_ in (run.classes or [""])]
    return section(say("Agreement and errors"), joined(tables), *drawn)
