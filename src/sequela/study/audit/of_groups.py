"""Whether the labels of one group were turned round: what speaks for the event everywhere else speaks against it there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.stats import rankdata

from sequela.study.audit.material import NAMED, Alarm, Material
from sequela.types import Array

FEWEST = 20  # training rows with, and without, the event that a group has
SURE = 3.0  # standard errors by which a column tells the label, in the group and outside
SEVERAL, MOST = 3, 0.75  # columns, and share of those that tell it in both, that tell it the other way round


def turned_labels(material: Material) -> Alarm:
    """Groups of the cohort in which most columns that tell the label tell it the other way round."""
    if material.kind != "binary" or not material.cohort.groups:
        return Alarm("turned_labels", "ok", "there is no yes-or-no label to compare between groups")
    found = [(name, *counts) for name, counts in _groups(material) if _turned(*counts)]
    if not found:
        return Alarm("turned_labels", "ok", "what speaks for the event in one group does so in the others")
    told = "; ".join(
        f"in {name}, {turned} of the {both} columns that tell the label there and elsewhere tell it the other way round"
        for name, turned, both in found[:NAMED]
    )
    return Alarm("turned_labels", "warning", told, len(found))


def _turned(turned: int, both: int) -> bool:
    return turned >= SEVERAL and turned >= MOST * both


def _groups(material: Material) -> Iterator[tuple[str, tuple[int, int]]]:
    """Each level of each group with how many columns it turns, of those that tell the label in it and outside."""
    rows = np.flatnonzero(material.train & material.cohort.target.known[:, 0])
    event, values = material.cohort.target.values[rows, 0] > 0, material.plain.values[rows]
    for name, levels in material.cohort.groups.items():
        level = levels[rows]
        for one in np.unique(level):
            inside = level == one
            if min(_fewest(event[inside]), _fewest(event[~inside])) >= FEWEST:
                within, outside = (_sureness(values[some], event[some]) for some in (inside, ~inside))
                both = (np.abs(within) >= SURE) & (np.abs(outside) >= SURE)
                yield f"{name} = {one or 'unknown'}", (int((both & (within * outside < 0)).sum()), int(both.sum()))


def _fewest(event: Array) -> int:
    return int(min(event.sum(), (~event).sum()))


def _sureness(values: Array, event: Array) -> Array:
    """Of each column how far its AUROC is from a half, with its sign, in standard errors of chance (Mann and Whitney 1947)."""
    return np.array([_sure(column[~np.isnan(column)], event[~np.isnan(column)]) for column in values.T])


def _sure(column: Array, event: Array) -> float:
    events, others = int(event.sum()), int((~event).sum())
    if min(events, others) < FEWEST or np.ptp(column) == 0:
        return 0.0
    above = rankdata(column)[event].sum() - events * (events + 1) / 2 - events * others / 2
    return float(above / np.sqrt(events * others * (events + others + 1) / 12))
