"""What was said of the points of pictures, of things on them, or of stretches of texts: each name by itself, by every answer."""

from __future__ import annotations

from collections.abc import Sequence

from sequela.evaluate.report import numbers
from sequela.evaluate.report.html import EMPTY, Piece, Safe, paragraph, section, table
from sequela.evaluate.report.run import Run, label
from sequela.evaluate.report.sections.cells import resampled, valued
from sequela.evaluate.report.words import later, say

SHOWN = {  # tables that fit a page
    "detect": (("ap50", "ap", "froc", "count_mae", "count_bias"), ("sensitivity", "ppv", "f1")),
    "segment": (
        ("dice", "iou", "hd95", "nsd", "instance_f1", "instance_f1_strict"),
        ("f1", "sensitivity", "specificity", "ppv", "auroc", "auprc"),
        ("volume_error", "volume_error_ml", "lesion_sensitivity", "false_lesions", "accuracy"),
    ),
    "entities": (
        ("entity_f1", "entity_f1_partial", "ppv", "sensitivity"),
        ("entities_right", "entities_boundary", "entities_type", "entities_both", "entities_spurious", "entities_missed"),
    ),
}
SAID = {
    "detect": later(
        "A box finds a thing where it overlaps it by half or more of what either covers; a second box on the same thing is "
        "false. Sensitivity, PPV, F1 and counts are of the boxes at or above the threshold of their class, chosen on the tune "
        "part."
    ),
    "segment": later(
        "Dice, IoU and distances are means over pictures; sensitivity, specificity and PPV are shares of all points."
    ),
    "entities": later(
        "An entity is right where its type and both its boundaries are those of a true one (the rule of conlleval); PPV and "
        "sensitivity, which the field calls precision and recall, count these alone. In part it is found where it shares a "
        "character with a true one of its type; each true one is found once. What is called are the entities that the model "
        "decided for: there is no threshold. Kinds of error are counted, entity by entity; what was said in place of a true one, "
        "wrongly, is not among the missed."
    ),
}


def marks(run: Run) -> Safe:
    """A table for each name; nothing where the task is another."""
    if run.kind not in SHOWN:
        return EMPTY
    said = say(SAID[run.kind]) + (_surfaces(run.study.evaluate.tolerance) if run.kind == "segment" else "")
    classes = ["", *run.classes] if run.kind == "entities" else run.classes or [""]
    tables = [_table(run, class_, shown) for class_ in classes for shown in SHOWN[run.kind]]
    return section(say("By name"), paragraph(said), *tables)


def _surfaces(tolerance: float) -> str:
    """What a surface Dice means without its tolerance is nothing."""
    return say(
        " Surface Dice is the share of both surfaces that lies within {tolerance} mm of the other "
        "(points of the picture, where its spacing is not known).",
        tolerance=f"{tolerance:g}",
    )


def _table(run: Run, class_: str, shown: Sequence[str]) -> Safe:
    metrics = [one for one in shown if any(run.number(model, one, class_=class_) for model in run.models)]
    if not metrics:
        return EMPTY
    rows: list[list[Piece]] = [
        [label(model), *[valued(run.number(model, metric, class_=class_)) for metric in metrics]] for model in run.models
    ]
    what = class_ or (say("All names") if run.classes else say("The one name"))
    caption = say("{what}: every answer, with 95 % intervals ({resampled}).", what=what, resampled=resampled())
    return table(["", *map(numbers.name, metrics)], rows, caption)
