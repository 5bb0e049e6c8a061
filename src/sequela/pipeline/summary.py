"""The result of a run in a few lines for a terminal: what the numbers say in words, then the numbers."""

from __future__ import annotations

from pathlib import Path

from sequela.evaluate.report import numbers
from sequela.evaluate.report import run as runs
from sequela.evaluate.report.verdict import verdict

SHOWN = {
    "binary": ("auroc", "auprc", "brier"),
    "multiclass": (
        *("auroc", "accuracy", "sov", "gathered_accuracy", "gathered_sov", "top3_accuracy", "quadratic_kappa", "rank_mae"),
        "macro_f1",
    ),
    "multilabel": (
        *("fmax", "smin", "auroc", "auprc", "micro_auroc", "macro_f1", "micro_f1"),
        *("p_at_5", "jaccard", "ddi_rate", "barred_rate"),
    ),
    "regression": ("mae", "rmse", "r2", "c_index"),
    "forecast": ("mae", "rmse", "mase", "pinball", "coverage", "interval_width"),
    "next_event": ("perplexity", "next_accuracy", "next_in_10"),
    "segment": ("dice", "hd95", "instance_f1", "f1", "auroc"),
    "detect": ("ap50", "ap", "froc"),
    "entities": ("entity_f1", "entity_f1_partial", "ppv", "sensitivity"),
    "survival": ("td_c", "uno_c", "c_index", "integrated_brier"),
    "contact": ("precision_l5", "precision_l2", "precision_l", "contact_auprc"),
}


def lines(folder: Path) -> list[str]:
    """The verdict, and every answer's main numbers on test (or on tune, where test was not opened).

    Raises DataError where the folder is not a finished run.
    """
    run = runs.read(folder)
    where = f"mean of {len(run.facts.splits)} splits" if run.several else run.split
    return [*verdict(run), "", *_table(run, f"{run.part}, {where}")]


def _table(run: runs.Run, title: str) -> list[str]:
    metrics = [metric for metric in SHOWN[run.kind] if any(run.number(model, metric) for model in run.models)]
    rows = [[title, *map(numbers.name, metrics)]]
    rows += [[runs.label(model), *(_cell(run, model, metric) for metric in metrics)] for model in run.models]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _cell(run: runs.Run, model: str, metric: str) -> str:
    row = run.number(model, metric)
    return "–" if row is None else numbers.interval(row)
