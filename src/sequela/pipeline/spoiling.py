"""How the answers of a finished run hold as its inputs are spoilt: written into the run, and shown in its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from sequela.config import Robustness
from sequela.contracts import Progress
from sequela.errors import UsageError
from sequela.evaluate.report import numbers
from sequela.evaluate.robustness import kinds as spoilings
from sequela.evaluate.robustness.facts import Alone, Curve, Measured, RobustnessFacts
from sequela.pipeline.progress import silent
from sequela.pipeline.reopened import reopen
from sequela.pipeline.trust import robustness as trust
from sequela.pipeline.trust.amended import amended
from sequela.pipeline.trust.robust.asking import Asking
from sequela.store.store import Store
from sequela.study import cohort as cohorts

SHOWN = 8  # lines of a table


@dataclass(frozen=True)
class Robust:
    """What was found, and the report that shows it."""

    facts: RobustnessFacts
    report: Path

    def text(self) -> str:
        """The curves and the worst of the tables, for a person."""
        facts = self.facts
        head = f"{facts.rows:,} rows of {facts.subjects:,} subjects; {numbers.name(facts.metric)} at each level"
        lines = [head, *(line for curve in facts.curves for line in _curve(curve))]
        lines += _table("absent altogether:", facts.channels) + _table("in another unit:", facts.units)
        lines += [f"not done: {name}: {reason}" for name, reason in facts.skipped.items()]
        return "\n".join([*lines, "", f"report: {self.report}"])


def robustness(
    run: str | Path,
    *,
    data: str | Path | Store | None = None,
    rows: int = 500,
    kinds: Sequence[str] = (),
    progress: Progress = silent,
) -> Robust:
    """The curves and tables of a run, on at most so many rows of the part that its report shows; kept in its trust.json.

    Of several splits it is the first. The baselines are not kept with a run: they stand beside the model where the study itself
    has [robustness]. Raises UsageError for a kind that is none, or a task whose answers are not judged so.
    """
    if rows < 1:
        raise UsageError(f"{rows} rows tell nothing", hint="--rows 500")
    folder = Path(run)
    again = reopen(folder, data, progress)
    predictor = again.held.predictor
    if not trust.judged(predictor.task):
        raise UsageError(
            f"spoilt answers of {cohorts.kind_of(predictor.study)} are not judged",
            hint=f"those of {', '.join(spoilings.JUDGED)} are, one a row",
        )
    asking = Asking(predictor, again.cohort(again.part), again.known(again.part))
    settings = Robustness(rows=rows, kinds=list(kinds))
    facts = trust.examined(asking, settings, predictor.thresholds, progress)
    return Robust(facts, amended(folder, again, lambda trusted: msgspec.structs.replace(trusted, robustness=facts)))


def _curve(curve: Curve) -> list[str]:
    lines = [f"  {curve.kind}, {curve.model}:"]
    for point in curve.points:
        told = "nothing was answered" if not point.rows else f"{_measured(point.score)}, {_flipped(point.flipped)}"
        lines.append(f"    {point.level:g}: {told}, {point.refused} refused")
    return lines


def _measured(one: Measured) -> str:
    within = "" if one.low is None else f" [{numbers.number(one.low)}, {numbers.number(one.high)}]"
    return f"{numbers.number(one.value)}{within}"


def _flipped(one: Measured) -> str:
    return f"{numbers.percent(one.value)} called otherwise"


def _table(head: str, rows: Sequence[Alone]) -> list[str]:
    lines = [f"    {one.name} {one.how}: {_measured(one.point.drop)}, {_flipped(one.point.flipped)}" for one in rows[:SHOWN]]
    return [f"  {head}", *lines] if rows else []
