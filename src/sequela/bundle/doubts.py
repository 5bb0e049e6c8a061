"""What a prediction says of its own uncertainty, and why some give no decision, or no answer at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sequela.contracts import Evidence
from sequela.evaluate.uncertainty import abstention
from sequela.types import Answer, Array, Cohort

if TYPE_CHECKING:
    from sequela.bundle.prediction import Prediction
    from sequela.bundle.predictor import Predictor

RARE = 0.05  # an input among the rarest so many of tune is remarked on in a line for a person
AS_WELL = {"class": "in each class", "all": "over all rows", "group": "in each class of each group"}


@dataclass(frozen=True, slots=True)
class Said:
    """What was answered, and what each member answered where that was asked."""

    answer: Answer
    each: Sequence[Answer]


def told(
    predictor: Predictor, evidence: Evidence, rows: Cohort, said: Said, predictions: Sequence[Prediction]
) -> list[Prediction]:
    """The predictions with what is promised of them; refused ones as they are."""
    found = _unusual(predictor, evidence, predictions)
    found = _possible(predictor, rows, said.answer, found)
    found = _ranged(predictor, said.answer, found)
    if predictor.spreads and len(evidence):
        found = _spread(predictor.spread(evidence, said.each), predictor.task.names, found)
    return _abstaining(predictor, said.answer, found)


def _possible(predictor: Predictor, rows: Cohort, answer: Answer, predictions: Sequence[Prediction]) -> list[Prediction]:
    sets = predictor.promises.sets
    if sets is None:
        return list(predictions)
    levels = rows.groups.get(sets.group)
    each, names = sets.possible(answer, np.full(len(rows), "") if levels is None else levels), np.array(sets.names)
    return [
        one if one.refused else replace(one, possible=names[each[i]].tolist(), possible_share=sets.coverage)
        for i, one in enumerate(predictions)
    ]


def _ranged(predictor: Predictor, answer: Answer, predictions: Sequence[Prediction]) -> list[Prediction]:
    ranges = predictor.promises.ranges
    if ranges is None or not any(half is not None for half in ranges.halves):
        return list(predictions)
    low, high = ranges.around(answer)
    promised = [k for k, half in enumerate(ranges.halves) if half is not None]
    return [
        one
        if one.refused
        else replace(
            one,
            interval={ranges.names[k]: (float(low[i, k]), float(high[i, k])) for k in promised},
            interval_share=ranges.coverage,
        )
        for i, one in enumerate(predictions)
    ]


def _spread(spread: Array, names: Sequence[str], predictions: Sequence[Prediction]) -> list[Prediction]:
    return [
        one if one.refused else replace(one, spread=dict(zip(names, spread[i].tolist(), strict=True)))
        for i, one in enumerate(predictions)
    ]


def _unusual(predictor: Predictor, evidence: Evidence, predictions: Sequence[Prediction]) -> list[Prediction]:
    """Rows that are rarer than the study allows are refused, and say nothing else."""
    known, found = predictor.promises.rarity, predictor.unusual(evidence) if len(evidence) else None
    if known is None or found is None:
        return list(predictions)
    return [
        one if one.refused else _remarked(one, float(share), known.named(int(rule)), predictor)
        for one, share, rule in zip(predictions, found.share, found.rule, strict=True)
    ]


def _remarked(one: Prediction, share: float, rule: str, predictor: Predictor) -> Prediction:
    asked = predictor.study.uncertainty.unusual
    remark = {"percentile": round(100 * (1 - share), 2), "rule": rule}
    if share >= asked:
        return replace(one, unusual=remark)
    least = f"{100 * share:.1f} % of the rows that it was tuned on are so unusual"
    reason = f"unusual, by {rule}: {least}, and {100 * asked:g} % are asked for"
    bare = type(one)(one.row_id, one.source_id, one.time, refused=reason)
    return replace(bare, unusual=remark)


def _abstaining(predictor: Predictor, answer: Answer, predictions: Sequence[Prediction]) -> list[Prediction]:
    fitted = predictor.promises.abstention
    if fitted is None:
        return list(predictions)
    sure = abstention.surety(answer, predictor.threshold)
    gives = fitted.gives(sure)
    return [
        one if one.refused or gives[i] else replace(one, decision=None, abstained=_reason(fitted, float(sure[i])))
        for i, one in enumerate(predictions)
    ]


def _reason(fitted: abstention.Abstention, sure: float) -> str:
    if fitted.cut is None:
        return f"no confidence was found from which on at most {100 * fitted.risk:g} % of the decisions are wrong"
    return f"a decision would be right with a probability of {sure:.3f}, and {fitted.cut:.3f} is asked for"


def lines(one: Prediction) -> list[str]:
    """What a person is told below the answer."""
    found = []
    if one.possible is not None:
        found.append(f"    possible at {100 * (one.possible_share or 0):g} %: {', '.join(one.possible) or 'no class'}")
    if one.abstained:
        found.append(f"    no decision: {one.abstained}")
    if one.spread:
        found.append(f"    spread: {', '.join(f'{name} {value:.3f}' for name, value in one.spread.items())}")
    if one.unusual and one.unusual["percentile"] >= 100 * (1 - RARE):
        found.append(f"    unusual: {one.unusual['percentile']:g}th percentile, by {one.unusual['rule']}")
    return found
