"""A table of what answers rest on, whatever told it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sequela.bundle import Bundle


@dataclass(frozen=True)
class Importance:
    """Codes, features, words or letters by how far, in the mean, they move the answer."""

    rows: list[dict[str, Any]]
    scale: str
    notes: tuple[str, ...] = ()  # what a reader must know of it

    def text(self) -> str:
        width = max([28, *(len(row["code"]) for row in self.rows)])
        head = f"{'code':<{width}} {'rows':>6} {'mean |change|':>14} {'mean change':>12}   ({self.scale})"
        lines = [
            f"{r['code']:<{width}} {r['rows']:>6} {r['mean_absolute']:>14.4f} {r['mean']:>+12.4f}   {r.get('class', '')}".rstrip()
            for r in self.rows
        ]
        return "\n".join([head, *lines, *self.notes])


@dataclass(frozen=True)
class Listed:
    """What is told of each row by itself."""

    rows: list[dict[str, Any]]
    sentences: tuple[str, ...]

    def text(self) -> str:
        return "\n".join(self.sentences)


def scale(held: Bundle) -> str:
    """What a change is told in."""
    kind, name = held.predictor.task.kind, held.predictor.task.names[0]
    if kind == "survival":
        return f"log-odds of {name} by {held.study.outcome.horizons[-1]}"
    if kind == "multiclass":
        return "log-odds of the likeliest class"
    return f"in the unit of {name}" if kind == "regression" else f"log-odds of {name}"
