"""What a network tells of itself beside its answer: the vector it makes of a row, and answers with parts of it dropped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from sequela import batch as batches
from sequela.contracts import Task
from sequela.model.answering import answered, tensors
from sequela.model.network import Model
from sequela.nn.dropout import StepDropout
from sequela.nn.head import Head
from sequela.tasks.regression import Quantities
from sequela.types import Answer, Array, Ragged, Seq, concatenate


@dataclass(frozen=True, slots=True)
class Vectors:
    """What a network makes of each row before and after its head."""

    pooled: Array  # float64 "N D": the vector that the head sees
    out: Array  # float64 "N K": what the head gives, before it is made a probability


def vectors(model: Model, inputs: Mapping[str, Ragged], batch: int = 256) -> Vectors | None:
    """Of every row, in order; None of a network whose head sees more than a vector of a row. The model's mode stays as it was."""
    if not sees_vectors(model):
        return None
    order = batches.sorted_(batches.lengths(inputs), batch)
    pooled, out = [], []
    with _evaluating(model, []):
        for seen in _batches(inputs, order):
            encoded = model.joined(seen)
            if encoded.pooled is None:
                return None
            pooled.append(encoded.pooled.double().numpy())
            out.append(model.head(encoded).double().numpy())
    place = np.argsort(np.concatenate(order), kind="stable")
    return Vectors(np.concatenate(pooled)[place], np.concatenate(out)[place])


def sees_vectors(model: Model) -> bool:
    """Whether all that the head sees of a row is a vector."""
    return isinstance(model.head, Head | Quantities)


def drops(model: Model) -> bool:
    """Whether a part of the network is dropped at random in training."""
    return any(map(_dropping, model.modules()))


def passes(model: Model, task: Task, inputs: Mapping[str, Ragged], count: int, seed: int, batch: int = 256) -> list[Answer]:
    """So many answers, in each of which other parts are dropped, as in training (Gal and Ghahramani 2016, ICML).

    The same seed gives the same answers to the same rows together; among other rows a row is drawn for anew.
    """
    order = batches.sorted_(batches.lengths(inputs), batch)
    place = np.argsort(np.concatenate(order), kind="stable")
    with _evaluating(model, list(filter(_dropping, model.modules()))), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return [
            concatenate([answered(task, model(seen), seen) for seen in _batches(inputs, order)]).take(place) for _ in range(count)
        ]


def _batches(inputs: Mapping[str, Ragged], order: list[Array]) -> Iterator[dict[str, Seq]]:
    for rows in order:
        yield dict(tensors(batches.collate(inputs, rows, share=True), "cpu").inputs)


@contextmanager
def _evaluating(model: Model, dropping: list[nn.Module]) -> Iterator[None]:
    """The model as it answers, but for these parts of it, which drop."""
    was_training = model.training
    model.eval()
    for part in dropping:
        part.training = True  # of itself alone: a part below it may normalise by the batch in training
    try:
        with torch.inference_mode():
            yield
    finally:
        model.eval()
        model.train(was_training)


def _dropping(part: nn.Module) -> bool:
    """Whether it drops: a layer of dropout, or one that has a rate of its own (recurrent layers, attention, words)."""
    if isinstance(part, StepDropout):
        return part.share > 0
    rate = getattr(part, "p" if isinstance(part, nn.modules.dropout._DropoutNd) else "dropout", 0.0)
    return isinstance(rate, float) and rate > 0
