"""Forecasts: each time ahead by itself, the errors over time, whether intervals hold, and a few rows as they went on."""

from __future__ import annotations

from collections.abc import Sequence

from sequela.evaluate import forecasting
from sequela.evaluate.facts import FanFacts
from sequela.evaluate.report import fans, numbers
from sequela.evaluate.report.html import EMPTY, Piece, Safe, figures, joined, paragraph, section, table, tag
from sequela.evaluate.report.run import Run, label
from sequela.evaluate.report.sections.cells import valued
from sequela.evaluate.report.words import retold, say
from sequela.study import ahead

SHOWN = ("mae", "rmse", "mase", "pinball", "coverage", "interval_width")


def forecasts(run: Run) -> Safe:
    """Nothing where the task is another."""
    if run.kind != "forecast":
        return EMPTY
    codes = list(dict.fromkeys(ahead.taken_apart(name)[0] for name in run.classes))
    drawn = [fans.fan(one) for one in run.facts.fans]
    cases = [tag("h3", say("Some rows, from the best to the worst")), figures(*drawn)] if drawn else []
    each = [_of_code(run, code, len(codes) > 1) for code in codes]
    return section(say("Forecasts"), paragraph(_said(run)), *each, *cases)


def _said(run: Run) -> str:
    """What the intervals are, and what of them was set on tune."""
    levels = _levels(run.facts.fans) or [0.0, 0.0]
    told = say(
        "Intervals reach from the {low} to the {high} quantile: they should hold {share} of what comes.",
        low=f"{levels[0]:g}",
        high=f"{levels[-1]:g}",
        share=_share(levels),
    )
    how = "; ".join(map(retold, dict.fromkeys(one.calibration for one in run.facts.splits if one.calibration)))
    set_ = say("The model's were set on tune: {how}.", how=how) if how else ""
    return " ".join(filter(None, [told if run.facts.fans else "", set_]))


def _levels(drawn: Sequence[FanFacts]) -> list[float]:
    return drawn[0].levels if drawn else []


def _share(levels: Sequence[float]) -> str:
    return numbers.percent(forecasting.central(levels))


def _of_code(run: Run, code: str, several: bool) -> Safe:
    """One quantity: errors and coverage over the time ahead, and the numbers of the model."""
    own = [name for name in run.classes if ahead.taken_apart(name)[0] == code]
    times = [ahead.taken_apart(name)[1] for name in own]
    errors = [(label(model), [_value(run, model, "mae", name) for name in own]) for model in run.models]
    held = [(label(model), [_value(run, model, "coverage", name) for name in own]) for model in run.models]
    levels = _levels(run.facts.fans)
    shown = figures(fans.errors(times, errors), fans.coverage(times, held, forecasting.central(levels) if levels else None))
    rows: list[list[Piece]] = [
        [name.rpartition(" ")[2], *[valued(run.number(run.main, metric, class_=name)) for metric in SHOWN]] for name in own
    ]
    caption = say("{who}, {quantity}: each time ahead, with 95 % intervals.", who=label(run.main), quantity=code)
    told = table([say("Ahead"), *map(numbers.name, SHOWN)], rows, caption)
    return joined([tag("h3", code) if several else EMPTY, shown, told])


def _value(run: Run, model: str, metric: str, name: str) -> float | None:
    row = run.number(model, metric, class_=name)
    return None if row is None else row.value
