"""Whole pictures from a network that sees patches: windows slid over each, their mirror images averaged where asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sequela.batch import entries, fields_of
from sequela.contracts import Boxer, Painter
from sequela.nn.window import Window, mirrored, slide
from sequela.types import Answer, Array, Boxed, Fields, Painted, Ragged, Seq

POINTS = 2**18  # that a batch of windows holds, about


def paint(network: nn.Module, task: Painter, names: tuple[str, ...], inputs: Mapping[str, Ragged], device: Any) -> Answer:
    """The answer of every row, one after another: of what a network makes, no more is held than a window's depth."""
    ((name, ragged),) = inputs.items()
    fields = fields_of(name, ragged)
    values, painted = np.zeros((len(ragged), len(names))), []
    with _evaluating(network):
        for row, entry in enumerate(entries(ragged)):
            one, mean = (None, np.zeros(len(names))) if entry < 0 else _painted(network, task, name, fields, int(entry), device)
            values[row] = mean
            painted.append(one)
    return Answer("masks", values, names, painted=tuple(painted))


def settle(task: Boxer, answer: Answer, inputs: Mapping[str, Ragged]) -> Answer:
    """The answer with its boxes on the pictures as they are stored."""
    ((name, ragged),) = inputs.items()
    fields, where = fields_of(name, ragged), entries(ragged)
    boxed: list[Boxed | None] = [
        None if one is None or entry < 0 else task.settled(one, fields.grid(int(entry)))
        for one, entry in zip(answer.boxed, where, strict=True)
    ]
    return Answer("boxes", answer.values, answer.names, boxed=tuple(boxed))


def _painted(network: nn.Module, task: Painter, name: str, fields: Fields, entry: int, device: Any) -> tuple[Painted, Array]:
    grid = fields.grid(entry)
    patch = fields.patch or grid.size
    window = Window(patch, batch=max(1, POINTS // int(np.prod(patch))))

    def score(values: Tensor) -> Tensor:
        return _chances(network, task, name, values.to(device))

    slabs = slide(mirrored(score) if task.flips else score, lambda corner: fields.crop(entry, corner, patch), grid.size, window)
    return task.painted(slabs, grid)


def _chances(network: nn.Module, task: Painter, name: str, values: Tensor) -> Tensor:
    """Probabilities "B Q *patch" of patches "B C *patch"."""
    count = len(values)
    mask = torch.ones(count, 1, dtype=torch.bool, device=values.device)
    seq = Seq(values[:, None], mask, torch.zeros(count, 1, dtype=torch.float64, device=values.device))
    return task.chances(network({name: seq}))


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """The network in eval mode, without gradients; as it was afterwards."""
    was_training = network.training
    network.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        network.train(was_training)
