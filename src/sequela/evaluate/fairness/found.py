"""Groups held against each other: every number, gap and spread, with small groups suppressed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace

from sequela import config
from sequela.evaluate.blocks import by_block
from sequela.evaluate.evaluation import Judged
from sequela.evaluate.fairness.asking import asked
from sequela.evaluate.fairness.facts import FairnessFacts, Gap, GroupingFacts, LevelFacts, Told
from sequela.evaluate.fairness.gaps import COMPARED, Compared, compared, together, unscaled
from sequela.evaluate.fairness.groupings import UNKNOWN, Grouping
from sequela.evaluate.fairness.spreads import spreads, worst
from sequela.evaluate.fairness.within import PROPORTIONS, Within, within
from sequela.evaluate.intervals import draws, percentiles, wilson
from sequela.types import Array


@dataclass(frozen=True, slots=True)
class Made:
    """One grouping asked of one class, before the gaps of all are adjusted together."""

    facts: GroupingFacts
    gaps: list[Compared]


def fairness(
    kind: str,
    model: str,
    judged: Judged,
    groups: Sequence[Grouping],
    trained: Mapping[str, Mapping[str, int]],
    settings: config.Evaluate,
    *,
    seed: int,
) -> FairnessFacts:
    """What is found of one answer's groups.

    `groups` hold the level of each row of `judged`; `trained` the rows of each level in training, by the name of the grouping.
    The resamples are those of `evaluate` where the seed is the same.
    """
    cohort = by_block(judged.cohort)
    drawn = draws(cohort.subject_id, settings.bootstrap, seed)
    questions, left_out = asked(kind, model, judged.answers[model], cohort.target, judged.thresholds)
    slices = [(class_, group, level, one) for class_, one in questions.items() for group in groups for level in group.levels]
    asked_of = [(level, one.inside(np.flatnonzero(group.level[one.rows] == level))) for _, group, level, one in slices]
    by_grouping: dict[tuple[str, str], list[Within]] = defaultdict(list)
    for (class_, group, _, _), each in zip(slices, within(asked_of, cohort.subject_id, drawn), strict=True):
        by_grouping[class_, group.name].append(each)
    made = [
        _made(GroupingFacts(name=name, class_=class_), each, trained.get(name, {}), settings)
        for (class_, name), each in by_grouping.items()
    ]
    family = _families(made)
    return FairnessFacts(
        model=model,
        kind=kind,
        confidence=settings.confidence,
        resamples=settings.bootstrap,
        min_group=settings.min_group,
        min_events=settings.min_events,
        family={metric: len(those) for metric, those in family.items()},
        left_out=left_out,
        groupings=_adjusted(made, family, settings.confidence),
    )


def _made(facts: GroupingFacts, found: Sequence[Within], trained: Mapping[str, int], settings: config.Evaluate) -> Made:
    shown = [_without_few_calls(one, settings) for one in found if not suppressed(one.rows, one.events, settings)]
    by_level = {one.level: one for one in shown}
    levels = [_level(one, by_level.get(one.level), trained, settings) for one in found]
    reference = _reference(shown)
    facts = replace(facts, levels=levels, worst=worst(shown, settings.confidence), spreads=spreads(shown))
    if reference is None:
        return Made(facts, [])
    pairs = [(one, metric) for metric in COMPARED for one in shown if one is not reference and metric in one.point]
    gaps = [compared(one, reference, metric, settings.confidence) for one, metric in pairs]
    return Made(replace(facts, reference=reference.level), [gap for gap in gaps if gap is not None])


def suppressed(rows: int, events: int | None, settings: config.Evaluate) -> str:
    """Why nothing is told of a group; "" where it is shown."""
    if rows < settings.min_group:
        return f"suppressed: {rows} rows, {settings.min_group} are needed"
    if events is not None and events < settings.min_events:
        return f"suppressed: {events} events, {settings.min_events} are needed"
    if events is not None and rows - events < settings.min_events:
        return f"suppressed: {rows - events} rows without the event, {settings.min_events} are needed"
    return ""


def _without_few_calls(one: Within, settings: config.Evaluate) -> Within:
    """Its PPV undefined where it rests on too few calls."""
    if one.calls is None or one.calls >= settings.min_events:
        return one
    point = one.point | {"ppv": float("nan")}
    return Within(one.level, one.rows, one.subjects, one.events, point, one.samples, one.trials, one.calls)


def _reference(shown: Sequence[Within]) -> Within | None:
    """The group with the most rows whose level is known; None where there is nothing to hold against it."""
    known = [one for one in shown if one.level != UNKNOWN]
    return max(known, key=lambda one: one.rows) if known and len(shown) > 1 else None


def _level(one: Within, shown: Within | None, trained: Mapping[str, int], settings: config.Evaluate) -> LevelFacts:
    told = [] if shown is None else [_told(shown, metric, settings) for metric in shown.point]
    return LevelFacts(
        level=one.level,
        rows=one.rows,
        subjects=one.subjects,
        events=one.events,
        trained=trained.get(one.level, 0) if trained else None,
        suppressed=suppressed(one.rows, one.events, settings),
        told=told,
    )


def _told(one: Within, metric: str, settings: config.Evaluate) -> Told:
    value = one.point[metric]
    if not np.isfinite(value):
        few = f"{one.calls} calls, {settings.min_events} are needed" if metric == "ppv" else "its denominator is zero"
        return Told(metric=metric, value=None, reason=few)
    limits = _limits(one, metric, value, settings.confidence)
    if limits is None:
        return Told(
            metric=metric, value=value, reason="no interval: undefined in too many resamples" if settings.bootstrap else ""
        )
    return Told(metric=metric, value=value, low=limits[0], high=limits[1])


def _limits(one: Within, metric: str, value: float, confidence: float) -> tuple[float, float] | None:
    if metric in PROPORTIONS and value in (0.0, 1.0):
        return wilson(value * one.trials[metric], one.trials[metric], confidence)
    return percentiles(_finite(one.samples[metric]), confidence)


def _finite(samples: Array) -> Array:
    finite: Array = np.where(np.isfinite(samples), samples, np.nan)
    return finite


def _families(made: Sequence[Made]) -> dict[str, list[Compared]]:
    """All gaps of a metric, over every grouping and class."""
    family: dict[str, list[Compared]] = defaultdict(list)
    for one in made:
        for gap in one.gaps:
            family[gap.metric].append(gap)
    return dict(family)


def _adjusted(made: Sequence[Made], family: Mapping[str, Sequence[Compared]], confidence: float) -> list[GroupingFacts]:
    known = {
        id(gap): _gap(gap, *bounds)
        for gaps in family.values()
        for gap, bounds in zip(gaps, ((one.low, one.high, one.p) for one in together(gaps, confidence)), strict=True)
    }
    return [replace(one.facts, gaps=[known[id(gap)] for gap in one.gaps]) for one in made]


def _gap(gap: Compared, low: float, high: float, p: float) -> Gap:
    metric = gap.metric
    alone = (None, None) if gap.limits is None else tuple(unscaled(limit, metric) for limit in gap.limits)
    every = (None, None, None) if np.isnan(low) else (unscaled(low, metric), unscaled(high, metric), p)
    return Gap(
        level=gap.level,
        metric=metric,
        value=unscaled(gap.point, metric),
        low=alone[0],
        high=alone[1],
        low_all=every[0],
        high_all=every[1],
        p=every[2],
        reason=gap.reason,
    )
