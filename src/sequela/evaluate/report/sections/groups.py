"""The same numbers by group, and without the subjects that the study leaves out in a second look."""

from __future__ import annotations

from collections.abc import Sequence

from sequela.evaluate.report import numbers
from sequela.evaluate.report.html import EMPTY, Piece, Safe, paragraph, section, table, tag
from sequela.evaluate.report.run import Run, label
from sequela.evaluate.report.sections.cells import valued
from sequela.evaluate.report.sections.fairness import covers_groups
from sequela.evaluate.report.words import say

METRICS = {
    "binary": ("auroc", "auprc", "sensitivity", "specificity", "ppv", "observed_expected"),
    "multiclass": ("auroc", "accuracy", "macro_f1"),
    "multilabel": ("auroc", "auprc", "macro_f1"),
    "regression": ("mae", "rmse", "r2", "c_index"),
    "forecast": ("mae", "rmse", "pinball", "coverage"),
    "next_event": ("perplexity", "next_accuracy", "next_in_10"),
    "detect": ("ap50", "ap", "froc"),
    "segment": ("dice", "iou", "hd95", "instance_f1"),
    "entities": ("entity_f1", "entity_f1_partial", "ppv", "sensitivity"),
    "survival": ("td_c", "uno_c", "c_index", "integrated_brier"),
    "contact": ("precision_l5", "precision_l2", "precision_l", "contact_auprc"),
}


def groups(run: Run) -> Safe:
    """One table for each grouping, small groups suppressed by name."""
    names = list(dict.fromkeys(row.group for row in run.rows if "=" in row.group))
    by = list(dict.fromkeys(name.partition("=")[0] for name in names))
    if not names or covers_groups(run):
        return EMPTY
    settings = run.study.evaluate
    said = say(
        "Groups of fewer than {rows} rows, or of fewer than {events} with or without the event, are suppressed. Many groups are "
        "compared at once: a gap between two of them needs more than two intervals that do not touch.",
        rows=settings.min_group,
        events=settings.min_events,
    )
    tables = [_table(run, one, [name for name in names if name.startswith(f"{one}=")]) for one in by]
    return section(say("By group"), paragraph(said), *tables)


def _table(run: Run, grouping: str, names: Sequence[str]) -> Safe:
    metrics = METRICS[run.kind]
    rows = [_row(run, name.partition("=")[2], name, metrics) for name in names]
    shown = grouping.replace("_", " ")
    head = [shown, say("Rows"), say("Events"), *map(numbers.name, metrics)]
    return table(head, rows, say("{who} by {grouping}, with 95 % intervals.", who=label(run.main), grouping=shown))


def _row(run: Run, shown: str, group: str, metrics: Sequence[str]) -> list[Piece]:
    found = [run.number(run.main, metric, group=group) for metric in metrics]
    first = next((row for row in found if row is not None), None)
    if first is None:
        return [shown, *["–"] * (len(metrics) + 2)]
    suppressed = first.reason if first.value is None and first.reason.startswith("suppressed") else ""
    cells: list[Piece] = [valued(row) for row in found]
    if suppressed:
        cells = [tag("em", say("suppressed")), *["–"] * (len(metrics) - 1)]
    return [shown, numbers.count(first.n), numbers.count(first.events), *cells]


def without(run: Run) -> Safe:
    """The second look, beside the first."""
    name = next((row.group for row in run.rows if row.group.startswith("without ")), None)
    if name is None:
        return EMPTY
    metrics = METRICS[run.kind]
    shown = say("without {subjects}", subjects=name.removeprefix("without "))
    rows = [_row(run, say("all"), "", metrics), _row(run, shown, name, metrics)]
    classes = [] if run.kind in ("survival", "contact") else run.classes
    found = [
        run.number(run.main, metric, class_=class_, group=group)
        for class_ in classes
        for metric in ("sensitivity", "ppv")
        for group in ("", name)
    ]
    by_class: list[list[Piece]] = [
        [class_, *[valued(row) for row in found[4 * k : 4 * k + 4]]] for k, class_ in enumerate(classes)
    ]
    columns = [say("Rows judged"), say("Rows"), say("Events"), *map(numbers.name, metrics)]
    pairs = [f"{numbers.name(metric)}, {of}" for metric in ("sensitivity", "ppv") for of in (say("all"), shown)]
    return section(
        say("Without some subjects"),
        paragraph(say("The study asks for a second look {without}. The verdict rests on all rows.", without=shown)),
        table(columns, rows, say("{who}, with 95 % intervals.", who=label(run.main))),
        table([say("Class"), *pairs], by_class),
    )
