"""What was known beforehand, held against a model: by what concepts its answers move, and how often they go against a rule."""

from __future__ import annotations

from typing import Literal

import numpy as np
from msgspec import Struct

from sequela.evaluate import intervals
from sequela.explain.concepts import Gathered
from sequela.explain.rules import Tried
from sequela.metrics.calibration import logit
from sequela.metrics.sums import ratio
from sequela.model.rules import Held
from sequela.types import Array

LEAST = 0.01  # log-odds: an answer that goes the wrong way by less is rounding, or moves nobody's risk by a quarter of a percent
WORST = 5  # rows that are named


class ConceptFacts(Struct, frozen=True, kw_only=True):
    """What one concept adds to the answers."""

    of: str  # the set of concepts
    name: str
    mean_absolute: float  # over the rows, of what it adds to one
    mean: float
    share: float  # of the mean absolute sums of all concepts of the set


class WorstFacts(Struct, frozen=True, kw_only=True):
    """A row whose answer goes against a rule."""

    row_id: str
    less: float  # the risk with less of the feature
    more: float
    log_odds: float  # by so much the wrong way


class RuleFacts(Struct, frozen=True, kw_only=True):
    """A rule as the model was found to keep it."""

    feature: str
    input: str
    must_not: Literal["lower", "raise"]
    of: str  # the class, label or outcome whose risk it is about
    by: float | None  # raised by so much, in its own unit; None of a code: there or not
    penalty: float  # of training
    rows: int  # of which there was anything to raise
    subjects: int
    violations: int  # rows whose answer goes the wrong way
    share: float | None = None  # of the rows, None where there are none
    low: float | None = None  # its interval, by patient
    high: float | None = None
    log_odds: float | None = None  # mean size of a violation
    risk: float | None = None  # the same as a difference of risks
    worst: list[WorstFacts] = []


class KnowledgeFacts(Struct, frozen=True, kw_only=True):
    """What trust.json holds of it. The rows are those that are explained, of concepts, and all of the part, of rules."""

    part: str = ""
    method: str = ""  # of the attribution that the concepts gather
    scale: str = ""  # of what concepts add: "log-odds", or "value"
    explained: int = 0  # rows
    confidence: float = 0.95  # of the intervals
    averaged: bool = False  # with baselines, of which the rules were not asked: the networks alone were
    concepts: list[ConceptFacts] = []
    unexplained: str = ""  # why there are no concepts, where they were asked for
    rules: list[RuleFacts] = []


def concept_facts(gathered: Gathered) -> list[ConceptFacts]:
    """Each concept, that which moves the answers most first; "other" is one of them."""
    size, mean = np.abs(gathered.sums).mean(0), gathered.sums.mean(0)
    whole = float(size.sum())
    found = [
        ConceptFacts(
            of=gathered.title,
            name=name,
            mean_absolute=float(size[k]),
            mean=float(mean[k]),
            share=float(size[k]) / whole if whole else 0.0,
        )
        for k, name in enumerate(gathered.names)
    ]
    return sorted(found, key=lambda one: -one.mean_absolute)


def rule_facts(
    held: Held, of: str, tried: Tried, who: tuple[Array, Array], *, count: int, seed: int, confidence: float = 0.95
) -> RuleFacts:
    """How often answers go against a rule, and how far. `who`: subjects and names of all rows; `count` resamples."""
    subject, row_id = (each[tried.rows] for each in who)
    wrong = (logit(tried.less) - logit(tried.more)) * (1 if held.rule.must_not == "lower" else -1)
    violated = wrong > LEAST
    asked = len(tried.rows) > 0
    limits = _limits(violated, subject, count, seed, confidence) if asked else None
    return RuleFacts(
        feature=held.rule.feature,
        input=held.input,
        must_not=held.rule.must_not,
        of=of,
        by=held.by,
        penalty=held.rule.penalty,
        rows=len(tried.rows),
        subjects=len(np.unique(subject)),
        violations=int(violated.sum()),
        share=float(violated.mean()) if asked else None,
        low=limits[0] if limits else None,
        high=limits[1] if limits else None,
        log_odds=float(wrong[violated].mean()) if violated.any() else None,
        risk=float(np.abs(tried.more - tried.less)[violated].mean()) if violated.any() else None,
        worst=[
            WorstFacts(row_id=str(row_id[k]), less=float(tried.less[k]), more=float(tried.more[k]), log_odds=float(wrong[k]))
            for k in np.argsort(-wrong, kind="stable")[:WORST]
            if violated[k]
        ],
    )


def _limits(violated: Array, subject: Array, count: int, seed: int, confidence: float) -> tuple[float, float] | None:
    """Of the share of rows: by resampling patients; where all rows agree, and each is of a patient of its own, Wilson's."""
    rows = len(violated)
    if violated.all() or not violated.any():
        patients = len(np.unique(subject))
        return intervals.wilson(patients if violated.any() else 0, patients, confidence)
    if not count:
        return None
    (samples,) = intervals.bootstrap(subject, [lambda weights: ratio(weights @ violated, weights @ np.ones(rows))], count, seed)
    return intervals.percentiles(samples, confidence)
