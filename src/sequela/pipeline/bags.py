"""What each step of a bag adds to the log-odds of an answer, where these are a sum: attention over steps (Ilse 2018), one layer.

Where a network makes a vector of each step by itself, takes their mean weighed by attention, and one layer reads that, the
log-odds are a sum over the steps and the head's bias: weight times what the head makes of that step. The weight alone says where
the network looks, the term what it makes of what it sees there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sequela import batch
from sequela import model as models
from sequela.bundle.predictor import Predictor
from sequela.contracts import Evidence, Fitted
from sequela.model import Model
from sequela.nn.head import Head
from sequela.nn.stepwise import Stepwise
from sequela.types import Array, Known, Ragged, Seq

ROWS = 16  # in a batch
REST = "(all other tiles, and the bias)"


@dataclass(frozen=True, slots=True)
class Bag:
    """A network whose log-odds are a sum over steps."""

    model: Model
    encoder: Stepwise
    last: nn.Linear

    @property
    def name(self) -> str:
        """Of the input."""
        return self.model.names[0]


@dataclass(frozen=True, slots=True)
class Weighed:
    """The steps of one row."""

    weight: Array  # float64 "T", sums to 1
    change: Array  # float64 "T": what each adds to the log-odds
    bias: float
    edges: Array | None = None  # float64 "T 4": top, left, bottom, right of each tile, in pixels of the whole at its finest

    @property
    def order(self) -> Array:
        """The steps by what they add, the largest first."""
        return np.argsort(-self.change, kind="stable")


def bag(predictor: Predictor) -> Bag | None:
    """The network of a predictor of one probability that pools one input by attention, alone and uncalibrated; else None."""
    alone = len(predictor.members) == 1 and len(predictor.study.inputs) == 1 and not predictor.weights
    if not alone or predictor.calibrators or predictor.task.kind != "binary":
        return None
    (model,) = predictor.members
    encoder, head = model.encoders[f"input_{model.names[0]}"], model.head
    if not isinstance(encoder, Stepwise) or encoder.pool.parts != ("attention",) or encoder.context or encoder.map:
        return None
    plain = isinstance(head, Head) and isinstance(head.hidden, nn.Identity)
    return Bag(model, encoder, head.out) if plain else None  # type: ignore[arg-type]


def weighed(network: Bag, ragged: Ragged, edges: Array | None = None) -> list[Weighed]:
    """Of each row; one without steps has none. `edges` are those of all steps, laid end to end."""
    found: dict[int, Weighed] = {}
    for rows in batch.sorted_(ragged.lengths, ROWS):
        (seq,) = models.tensors(batch.collate({network.name: ragged}, rows), "cpu").inputs.values()
        weight, change = _terms(network, seq)
        for place, row in enumerate(rows):
            steps = slice(*ragged.offsets[row : row + 2])
            here = slice(0, int(ragged.lengths[row]))
            own = None if edges is None else edges[steps]
            found[int(row)] = Weighed(weight[place, here], change[place, here], float(network.last.bias.detach()[0]), own)
    return [found[row] for row in range(len(ragged))]


@torch.inference_mode()
def _terms(network: Bag, seq: Seq) -> tuple[Array, Array]:
    """Weights and terms "B T"."""
    network.model.eval()
    encoded, attention = network.encoder(seq), network.encoder.pool.attention
    assert encoded.steps is not None and attention is not None
    weight: Tensor = attention.weights(encoded.steps, seq.mask)
    change = weight * (encoded.steps @ network.last.weight[0])
    return weight.double().numpy(), change.double().numpy()


def places(fitted: Fitted, known: Known) -> Array | None:
    """Where the steps of an input lie, where its modality tells."""
    return fitted.modality.places(known) if hasattr(fitted.modality, "places") else None


def exact(network: Bag, fitted: Fitted, known: Known, rows: Evidence, shown: int) -> list[tuple[dict[str, Any], ...]]:
    """For each row the steps that add or take most, and the sum of all else: together they are its log-odds.

    Each has code, change, scale and weight, and `edges` where the modality tells where it lies.
    """
    scale = f"log-odds of {rows.target.names[0]}"
    every = weighed(network, rows.inputs[network.name], places(fitted, known))
    return [tuple(_said(one, shown, scale)) for one in every]


def _said(one: Weighed, shown: int, scale: str) -> Iterator[dict[str, Any]]:
    if not len(one.weight):
        return
    largest = np.argsort(-np.abs(one.change), kind="stable")[:shown]
    for step in largest:
        where = {} if one.edges is None else {"edges": one.edges[step].tolist()}
        weight = float(one.weight[step])
        yield {
            "code": f"tile {step + 1} of {len(one.weight)}",
            "change": float(one.change[step]),
            "weight": weight,
            "scale": scale,
        } | where
    yield {"code": REST, "change": float(one.bias + one.change.sum() - one.change[largest].sum()), "scale": scale}
