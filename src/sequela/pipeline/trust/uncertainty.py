"""Whether what the bundle promises beside its answers held on the part that is shown."""

from __future__ import annotations

import numpy as np

from sequela.bundle.predictor import Predictor
from sequela.contracts import Evidence
from sequela.evaluate.evaluation import Judged
from sequela.evaluate.uncertainty import abstention, coverage, rarity, sets, shift
from sequela.evaluate.uncertainty.facts import Covered, Mixed, Spread, UncertaintyFacts, Unusual
from sequela.evaluate.uncertainty.promises import Mix
from sequela.pipeline.trust.finished import Finished
from sequela.types import Answer

RAREST = (0.01, 0.05, 0.1)  # shares of tune of which it is told how many rows are so unusual


def found(done: Finished) -> UncertaintyFacts | None:
    """Of the answer that the bundle gives; None of a task that nothing is promised of."""
    if done.predictor.task.kind not in rarity.KINDS:
        return None
    return told(done.predictor, done.shown, done.evidence)


def elsewhere(predictor: Predictor, judged: Judged, rows: Evidence) -> UncertaintyFacts | None:
    """What became of the promises on other data; None of a task, or an older bundle, that promises nothing."""
    promises = predictor.promises
    if predictor.task.kind not in rarity.KINDS or (promises.sets, promises.ranges, promises.rarity) == (None, None, None):
        return None
    return told(predictor, judged, rows, elsewhere=True)


def told(predictor: Predictor, judged: Judged, rows: Evidence, *, elsewhere: bool = False) -> UncertaintyFacts:
    """What became of the promises on these rows. `elsewhere`: other data, where another mix of classes may be told."""
    answer, kept, settings = judged.answers[predictor.final], predictor.promises, predictor.study.evaluate
    facts = _Facts(predictor, judged, answer)
    mixed = predictor.study.uncertainty.shift == "label" and elsewhere and kept.mix is not None
    return UncertaintyFacts(
        model=predictor.final,
        coverage=predictor.study.uncertainty.coverage,
        sets=kept.sets,
        covered=facts.covered(kept.sets, groups=True),
        plain=facts.covered(kept.plain, groups=False),
        sizes=facts.sizes(),
        ranges=kept.ranges,
        within=[] if kept.ranges is None else coverage.within(judged, answer, kept.ranges, settings),
        curve=coverage.curve(judged, answer, predictor.threshold, settings) if facts.classes else None,
        withheld=None
        if kept.abstention is None
        else coverage.withheld(judged, answer, predictor.threshold, kept.abstention, settings),
        spread=facts.spread(rows),
        unusual=_unusual(predictor, rows),
        mixed=facts.mixed(kept.mix) if mixed and kept.mix is not None else None,
        tried={name: list(one.tried) for name, one in predictor.calibrators.items() if one.tried},
        calibration={name: one.method for name, one in predictor.calibrators.items()},
    )


class _Facts:
    """What is told of one answer about one part."""

    def __init__(self, predictor: Predictor, judged: Judged, answer: Answer) -> None:
        self._predictor, self._judged, self._answer = predictor, judged, answer
        self.classes = predictor.task.kind in sets.KINDS

    def _possible(self, fitted: sets.Sets) -> np.ndarray:
        return fitted.possible(self._answer, self._judged.cohort.groups.get(fitted.group))

    def covered(self, fitted: sets.Sets | None, *, groups: bool) -> list[Covered]:
        if fitted is None:
            return []
        settings = self._predictor.study.evaluate
        return coverage.covered(self._judged, self._possible(fitted), fitted.names, settings, groups=groups)

    def sizes(self) -> dict[str, int]:
        """How many rows have sets of how many classes."""
        fitted = self._predictor.promises.sets
        if fitted is None:
            return {}
        size, rows = np.unique(self._possible(fitted).sum(1), return_counts=True)
        return {str(one): int(count) for one, count in zip(size, rows, strict=True)}

    def spread(self, rows: Evidence) -> Spread | None:
        """Of each row that of the column that is spread the most; None where steps are asked, of which none is told."""
        predictor, passes = self._predictor, self._predictor.study.uncertainty.dropout
        if not predictor.spreads or rows.steps is not None:
            return None
        each = predictor.spread(rows, predictor.each(rows)).max(1)
        wrong, right = self._wrong_and_right(each)
        return Spread(
            of="dropout" if passes else "members",
            count=passes or len(predictor.members),
            median=float(np.median(each)),
            high=float(np.quantile(each, 0.9)),
            wrong=wrong,
            right=right,
        )

    def _wrong_and_right(self, each: np.ndarray) -> tuple[float | None, float | None]:
        """The median among the rows decided wrongly, and among the others."""
        if not self.classes:
            return None, None
        truth = sets.true(self._judged.cohort.target)
        wrong = abstention.decided(self._answer, self._predictor.threshold) != truth
        parts = each[(truth >= 0) & wrong], each[(truth >= 0) & ~wrong]
        found = [float(np.median(part)) if len(part) else None for part in parts]
        return found[0], found[1]

    def mixed(self, mix: Mix) -> Mixed | None:
        """How often classes occur here, and sets with limits over all rows weighed by it; None where a class was not in tune."""
        before = np.array(mix.shares)
        if not (before > 0).all():
            return None
        now = shift.prevalence(self._answer, before)
        asked = self._predictor.study.uncertainty.coverage
        limits = shift.limits_of_mix(mix.scores, sum(mix.subjects), before, now, asked)
        names = sets.classes(self._answer)
        possible = 1 - sets.chances(self._answer) <= limits
        return Mixed(
            before=dict(zip(names, before.tolist(), strict=True)),
            now=dict(zip(names, now.tolist(), strict=True)),
            effective=float(sum(mix.subjects) / np.sum(now**2 / before)),
            covered=coverage.covered(self._judged, possible, names, self._predictor.study.evaluate, groups=False),
        )


def _unusual(predictor: Predictor, rows: Evidence) -> Unusual | None:
    known, found = predictor.promises.rarity, predictor.unusual(rows)
    if known is None or found is None:
        return None
    asked, rare = predictor.study.uncertainty.unusual, found.rule[found.share <= RAREST[1]]
    return Unusual(
        rows=len(found.share),
        shares={f"{share:g}": float((found.share <= share).mean()) for share in RAREST},
        rules={known.named(int(place)): int((rare == place).sum()) for place in np.unique(rare)},
        withheld=int((found.share < asked).sum()) if asked else None,
    )
