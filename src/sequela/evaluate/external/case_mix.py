"""How the patients here differ from those of development, whom a bundle tells in summaries alone (Debray 2015).

A model that tells the rows of both apart would need the rows; what is held against each other instead are columns one by one, and
the linear predictor: its mean tells whether patients here are more or less severe, its spread whether they differ as much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sequela.evaluate.external.facts import CaseMix, ColumnMix, PrevalenceMix
from sequela.study.development import Development, Prevalence, Summary

SHOWN = 25  # columns, those that differ most


@dataclass(frozen=True, slots=True)
class Here:
    """The rows here in the summaries that a bundle has of development, one row of each patient."""

    subjects: int
    columns: Sequence[Summary]
    scores: Sequence[Summary]
    prevalences: Sequence[Prevalence]
    unseen: Sequence[str]  # levels of groups that development had not
    unknown: Mapping[str, float]  # share of rows without a level, by group


def case_mix(then: Development, here: Here) -> CaseMix:
    """What the bundle tells of development, beside the rows here."""
    columns = {one.name: one for one in here.columns}
    held = [_column(one, columns[one.name]) for one in then.columns if one.name in columns]
    held.sort(key=lambda one: (one.difference is None, -abs(one.difference or 0.0)))
    said = {one.name: one for one in here.scores}
    common = {one.name: one for one in here.prevalences if one.rows}
    return CaseMix(
        subjects=then.subjects,
        subjects_here=here.subjects,
        columns=held[:SHOWN],
        left_out=max(len(held) - SHOWN, 0),
        scores=[_column(one, said[one.name]) for one in then.scores if one.name in said],
        prevalences=[_prevalence(one, common[one.name]) for one in then.prevalences if one.rows and one.name in common],
        unseen=list(here.unseen),
        unknown=dict(here.unknown),
    )


def _column(then: Summary, here: Summary) -> ColumnMix:
    told = then.mean is not None and here.mean is not None and bool(then.spread)
    return ColumnMix(
        column=then.name,
        mean=then.mean,
        mean_here=here.mean,
        spread=then.spread,
        spread_here=here.spread,
        missing=_missing(then),
        missing_here=_missing(here),
        difference=((here.mean or 0.0) - (then.mean or 0.0)) / (then.spread or 1.0) if told else None,
    )


def _missing(one: Summary) -> float | None:
    return None if one.missing is None or not one.rows else one.missing / one.rows


def _prevalence(then: Prevalence, here: Prevalence) -> PrevalenceMix:
    return PrevalenceMix(name=then.name, then=then.events / then.rows, here=here.events / here.rows)
