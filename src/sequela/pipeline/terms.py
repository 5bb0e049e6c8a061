"""What each code of each visit adds to the log-odds of an answer, where these are a sum: RETAIN with a head of one layer.

Nothing is left out and asked again: the terms, the rest and the bias are the network's own log-odds (Choi 2016, equation 5).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from sequela import batch
from sequela import model as models
from sequela.bundle.predictor import Predictor
from sequela.contracts import Evidence
from sequela.encoders.retain import RETAIN, Contributions, contributions
from sequela.nn.head import Head
from sequela.nn.steps import counted
from sequela.types import Seq, Spec

ROWS = 64  # in a batch
BESIDE, PATIENT, REST = "(numbers beside the visit)", "(facts of the patient)", "(all else, and the bias)"


@dataclass(frozen=True, slots=True)
class Additive:
    """A network whose log-odds are a sum."""

    encoder: RETAIN
    last: nn.Linear


def additive(predictor: Predictor) -> Additive | None:
    """The network of a predictor of one probability that is RETAIN over its only input, alone and uncalibrated; else None."""
    alone = len(predictor.members) == 1 and len(predictor.study.inputs) == 1 and not predictor.weights
    if not alone or predictor.calibrators or predictor.task.kind != "binary":
        return None
    (model,) = predictor.members
    encoder, head = model.encoders[f"input_{model.names[0]}"], model.head
    if isinstance(encoder, RETAIN) and isinstance(head, Head) and isinstance(head.hidden, nn.Identity):
        return Additive(encoder, head.out)
    return None


def exact(network: Additive, rows: Evidence, shown: int) -> list[tuple[dict[str, Any], ...]]:
    """For each row the largest terms, in falling order, and the sum of all else: together they are its log-odds.

    Each has code, change and scale, and where it is of a step its position, under the name of the input's unit (`days`, <= 0). A
    row of which nothing is known has none.
    """
    (spec,) = rows.specs.values()
    said: list[tuple[dict[str, Any], ...]] = [()] * len(rows)
    for chosen in batch.sorted_(batch.lengths(rows.inputs), ROWS):
        (seq,) = models.tensors(batch.collate(rows.inputs, chosen), "cpu").inputs.values()
        for row, terms in zip(chosen, _batch(network, seq, spec, f"log-odds of {rows.target.names[0]}"), strict=True):
            said[row] = _largest(terms, shown)
    return said


def _batch(network: Additive, seq: Seq, spec: Spec, scale: str) -> list[list[dict[str, Any]]]:
    """All named terms of each row of a batch, and what is left of its log-odds, which is the bias and marks of absence."""
    weight, bias = network.last.weight.detach()[0], network.last.bias.detach()[0]
    parts, seen = contributions(network.encoder, seq, weight), counted(seq)
    total = parts.total() + bias
    said = []
    for row in range(len(seq.mask)):
        terms = [*_codes(parts, seq, seen, spec, row), *_beside(parts, seq, spec, row), *_facts(parts, seq, row)]
        rest = float(total[row]) - sum(term["change"] for term in terms)
        said.append([term | {"scale": scale} for term in [*terms, {"code": REST, "change": rest}]])
    return said


def _codes(parts: Contributions, seq: Seq, seen: Tensor, spec: Spec, row: int) -> Iterator[dict[str, Any]]:
    """Of each code or number that a step holds."""
    here = seen[row]
    for place, change in zip(here.nonzero().tolist(), parts.values[row][here].tolist(), strict=True):
        yield {"code": _name(seq, spec, row, place), "change": change, spec.unit: float(seq.position[row, place[0]])}


def _beside(parts: Contributions, seq: Seq, spec: Spec, row: int) -> Iterator[dict[str, Any]]:
    """Of the numbers beside each step, together."""
    if parts.side is not None:
        for step, change in enumerate(parts.side[row, seq.mask[row]].sum(1).tolist()):
            yield {"code": BESIDE, "change": change, spec.unit: float(seq.position[row, step])}


def _facts(parts: Contributions, seq: Seq, row: int) -> Iterator[dict[str, Any]]:
    """Of the numbers of the row, together."""
    if parts.context is not None and bool(seq.mask[row].any()):
        yield {"code": PATIENT, "change": float(parts.context[row].sum())}


def _name(seq: Seq, spec: Spec, row: int, place: list[int]) -> str:
    """Of the code that stands there, or of the number; its index where it has no name."""
    number = int(seq.values[(row, *place)]) if spec.vocabulary else (place[1] if len(place) > 1 else 0)
    return spec.names[number] if number < len(spec.names) else f"{spec.kind} {number}"


def _largest(terms: list[dict[str, Any]], shown: int) -> tuple[dict[str, Any], ...]:
    """The largest terms, and the sum of the others with the rest."""
    *named, rest = terms
    if not named:
        return ()
    ordered = sorted(named, key=lambda term: -abs(term["change"]))
    others = rest["change"] + sum(term["change"] for term in ordered[shown:])
    return (*ordered[:shown], rest | {"change": others})
