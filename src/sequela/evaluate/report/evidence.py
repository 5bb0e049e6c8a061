"""Whether a run holds what a validation report has to hold: each item is done, drafted, stated, blank, or was not examined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from msgspec import Struct

from sequela.evaluate.report.items import (
    CURVES,
    FLOW,
    GROUPED,
    HUMAN,
    METRICS,
    PAIRED,
    RUN,
    STUDY,
    TRUST,
    Item,
    Kind,
    Trace,
)
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.words import later, say

State = Literal["done", "drafted", "stated", "in part", "blank", "not examined"]
STATES: dict[State, str] = {
    "done": later("done"),
    "drafted": later("drafted, to be signed"),
    "stated": later("stated"),
    "in part": later("in part"),
    "blank": later("blank"),
    "not examined": later("not examined"),
}
GIVEN: dict[Kind, State] = {"computed": "done", "drafted": "drafted", "human": "stated"}


def held(run: Run, trace: Trace) -> bool:
    """Whether the run has a value there."""
    if trace.file == METRICS:
        return _measured(run, trace.path)
    roots: dict[str, Iterable[Any]] = {
        CURVES: run.parts_curves(),
        FLOW: run.flow.steps,
        STUDY: [run.study],
        RUN: [run.facts],
        TRUST: [run.trusted],
    }
    return any(_reached(root, trace.path.split(".")) for root in roots[trace.file])


def _measured(run: Run, name: str) -> bool:
    if name in (PAIRED, GROUPED):
        return any(getattr(row, name) for row in run.rows)
    return any(row.metric == name and row.value is not None for row in run.rows)


def _reached(at: Any, names: Sequence[str]) -> bool:
    """Whether something stands at the end of the way; of several, at any."""
    if isinstance(at, (list, tuple)):
        return any(_reached(one, names) for one in at)
    if not names:
        return at not in (None, "", {})
    return _reached(getattr(at, names[0], None), names[1:]) if isinstance(at, Struct) else False


def trace(run: Run, item: Item) -> Trace | None:
    """Where the run holds it; None where it does not."""
    return next((one for one in item.traces if held(run, one)), None)


def state(run: Run, item: Item) -> State:
    """Whether it is there, and who gave it."""
    if trace(run, item) is None:
        return "not examined" if item.kind == "computed" else "blank"
    return GIVEN[item.kind]


def together(states: Sequence[State]) -> State:
    """The state of what several items make up."""
    absent = [one for one in states if one in ("blank", "not examined")]
    if absent:
        return "in part" if len(absent) < len(states) else "blank" if "blank" in absent else "not examined"
    return "drafted" if "drafted" in states else "stated" if set(states) == {"stated"} else "done"


def told(of: State) -> str:
    return say(STATES[of])


def blanks(run: Run) -> list[Item]:
    """What only people can say, and nobody has said."""
    return [item for item in HUMAN if state(run, item) == "blank"]


def statement(run: Run, item: Item) -> str:
    """What a person said; "" where nobody has."""
    said: str = getattr(run.study.statements, item.name)
    return said
