"""One kind of spoiling from level to level: of the answer that is given, and of the baselines where they can be asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from sequela import seed as streams
from sequela.evaluate.robustness import gradient, kinds, swapped
from sequela.evaluate.robustness.facts import Curve
from sequela.evaluate.robustness.kinds import Kind
from sequela.evaluate.robustness.spoil import spoilt
from sequela.pipeline.trust.robust.asking import Said
from sequela.pipeline.trust.robust.work import Work
from sequela.study import cut


def curves(work: Work, kind: Kind) -> list[Curve]:
    """A curve for each answer that was given; [] where nothing in these rows can be spoilt so."""
    levels = list(_levels(work, kind))
    if not levels:
        return []
    few = levels[0][1].of
    start = work.whole if few is None else _some(work, few)
    models = [name for name in work.whole.answers if any(name in said.answers for _, said in levels)] or [work.final]
    path = [(kinds.unspoilt(kind.name), start), *levels]
    return [
        Curve(kind=kind.name, model=model, points=[work.point(level, model, said) for level, said in path]) for model in models
    ]


def _some(work: Work, rows: np.ndarray) -> Said:
    """What was said of these rows as they are."""
    taken = {name: work.taken(work.whole, name, rows) for name in work.whole.answers}
    return Said(rows, taken, len(rows))


def _levels(work: Work, kind: Kind) -> Iterator[tuple[float, Said]]:
    if kind.name == "gradient":
        yield from _gradient(work, kind)
    elif kind.name == "swapped":
        yield from _swapped(work, kind)
    else:
        for level in kind.levels:
            yield level, work.asking.said(spoilt(work.known, kind.name, level, work.given), work.every)


def _gradient(work: Work, kind: Kind) -> Iterator[tuple[float, Said]]:
    """Along the slope of the networks' loss."""
    rows, predictor = work.whole.rows, work.asking.predictor
    evidence = work.asking.evidence(cut.take(work.known, rows), rows)
    if not gradient.inputs(evidence):
        return
    directions = gradient.signs(predictor.members, predictor.task, evidence)
    for level in kind.levels:
        answer = predictor.answer(gradient.stepped(evidence, directions, level))
        yield level, Said(rows, {predictor.final: answer}, len(work.every))


def _swapped(work: Work, kind: Kind) -> Iterator[tuple[float, Said]]:
    """The worst of several draws for each row; one that any draw makes unreadable is refused."""
    if work.task == "survival":
        return
    few, target = work.whole.rows[: swapped.ROWS], work.cohort.target
    for level in kind.levels:
        drawn = [swapped.put(work.known, int(level), streams.number(work.seed, k)) for k in range(swapped.DRAWS)]
        said = [work.asking.said(known, few, beside=False) for known in drawn]
        rows = few[np.all([np.isin(few, one.rows) for one in said], axis=0)]
        if not len(rows):
            yield level, Said(rows, {}, len(few), of=few)
            continue
        answers = [work.taken(one, work.final, rows) for one in said]
        worst = np.argmax([swapped.hurt(work.task, answer, target.take(rows)) for answer in answers], axis=0)
        values = np.stack([answer.values for answer in answers])[worst, np.arange(len(rows))]
        yield level, Said(rows, {work.final: replace(answers[0], values=values)}, len(few), of=few)
