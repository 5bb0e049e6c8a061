"""Whether the labels, names and order of rows leave something to be asked."""

from __future__ import annotations

import numpy as np

from sequela.study import censored
from sequela.study.audit.asked import questions
from sequela.study.audit.material import Alarm, Material
from sequela.study.audit.of_inputs import foresight
from sequela.study.split import overlapping
from sequela.types import PARTS, Along, Array, Boxes, Paired, Pairs, Spanned, Target

EVERY_CAUSE = "every part has events of every cause"


def constant_label(material: Material) -> Alarm:
    """Labels that are all equal, in all rows or in one part; of times to events, a cause that a part has no event of."""
    if material.kind == "survival":
        found = next(censored.lacking(material.cohort), None)
        return material.found("constant_label", "warning", *found) if found else Alarm("constant_label", "ok", EVERY_CAUSE)
    for column, name in enumerate(material.cohort.target.names if material.kind != "multiclass" else ("the label",)):
        known, value = material.cohort.target.known[:, column], material.cohort.target.values[:, column]
        if len(np.unique(value[known])) < 2:
            rows = np.flatnonzero(known)
            return material.found("constant_label", "warning", f"all {len(rows)} known labels of {name} are equal", rows)
        for part in PARTS:
            rows = np.flatnonzero(known & (material.cohort.part == part))
            if len(rows) and len(np.unique(value[rows])) < 2:
                text = f"all {len(rows)} known labels of {name} in the {part} part are equal"
                return material.found("constant_label", "warning", text, rows)
    return Alarm("constant_label", "ok", "labels differ in every part")


def unseen_class(material: Material) -> Alarm:
    """Classes that no training row is of, or no training picture or text is marked with: they can be neither learnt nor found."""
    target = material.cohort.target.take(np.flatnonzero(material.train & material.cohort.target.known[:, 0]))
    if material.kind == "multiclass" and target.dense is None:
        return _of_nobody(target)
    if target.dense is None or material.kind == "survival":
        return Alarm("unseen_class", "ok", "no picture or text is to be marked")
    missing = _unmarked(target)
    if not missing:
        return Alarm("unseen_class", "ok", "every class that is to be marked is in some training row")
    text = f"none of {len(target.known)} marked training rows has anything of {', '.join(missing)}: look at outcome.classes"
    return Alarm("unseen_class", "warning", text, len(missing))


def _of_nobody(target: Target) -> Alarm:
    """The classes of which no row is."""
    missing = [name for k, name in enumerate(target.names) if not (target.values[:, 0] == k).any()]
    if not missing:
        return Alarm("unseen_class", "ok", "every class is that of some training row")
    text = f"none of {len(target.known)} training rows is of {', '.join(missing)}: look at outcome.classes"
    return Alarm("unseen_class", "warning", text, len(missing))


def _unmarked(target: Target) -> list[str]:
    seen = _marked(target)
    return [name for k, name in enumerate(target.names) if k not in seen]


def _marked(target: Target) -> set[int]:
    """Which of the names the pictures are marked with; masks are opened until all were seen."""
    if isinstance(target.dense, Boxes):
        return set(target.dense.label.tolist())
    if isinstance(target.dense, Spanned):
        return set(target.dense.spans.label.tolist())
    if isinstance(target.dense, Pairs | Paired):
        return {0} if target.values.any() else set()
    if isinstance(target.dense, Along):
        return set(target.values[:, 0].astype(np.int64).tolist())
    seen: set[int] = set()
    for row in range(len(target.known)):
        mask = target.dense.whole(row)
        seen |= {0} if target.dense.instances and (mask > 0).any() else set((np.unique(mask[mask > 0]) - 1).tolist())
        if len(seen) == len(target.names):
            break
    return seen


def identity(material: Material) -> Alarm:
    """Subjects in several parts whose rows all have one label: to know the subject is to know the answer."""
    part, target = material.cohort.part, material.cohort.target
    subject = np.unique(material.cohort.subject_id, return_inverse=True)[1]
    torn = overlapping(part, subject)
    rows = np.flatnonzero(np.isin(subject, torn) & (part != "") & target.known.all(1))
    if material.kind == "regression" or not len(rows):
        return Alarm("identity", "ok", "no subject in several parts gives its label away")
    pairs = np.unique(np.column_stack([subject[rows], target.values[rows]]), axis=0)
    told = len(np.unique(pairs[:, 0]))
    if len(pairs) > told or told < 2:
        return Alarm("identity", "ok", "the labels of subjects in several parts differ")
    return material.found("identity", "leak", f"{told} subjects in several parts have one label each in all their rows", rows)


def sorted_ids(material: Material) -> Alarm:
    """The names of subjects told apart by label: harmless in itself, but whoever splits by order, or reads names, is misled."""
    rows = np.flatnonzero(material.train & material.cohort.target.known.any(1))
    place = _order(material.cohort.source_id[rows])
    every = np.ones(len(rows), bool)
    told = [asked.of(place.astype(np.float64), every) for asked in questions(material, rows)]
    best = max((foresight(*one) for one in told), default=0.5) if material.kind != "regression" else 0.5
    if best < material.study.audit.suspicious_auroc:
        return Alarm("sorted_ids", "ok", "the order of subjects does not tell the label")
    return Alarm("sorted_ids", "note", f"subjects are named in the order of their labels (AUROC {best:.3f})", len(rows))


def _order(source_id: Array) -> Array:
    """Each row's place when subjects are sorted by name: by number where all are numbers."""
    names = np.unique(source_id)
    if all(name.isdecimal() for name in names.tolist()):
        return source_id.astype(float)
    return np.searchsorted(names, source_id).astype(float)
