"""The network of a study: an encoder for each input, what joins them, and the task's head."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from sequela.contracts import Agreeing
from sequela.nn import fuse as fuses
from sequela.prep.augment.views import Seen
from sequela.types import Encoded, Seq


class Model(nn.Module):
    """One encoder for each input, their fusion, and the task's head."""

    def __init__(self, encoders: Mapping[str, nn.Module], fuse: fuses.Fuse, head: nn.Module, *, causal: bool = False) -> None:
        super().__init__()
        self.causal = causal
        self.rolls = False  # the head foresees one step, and asks the encoder again about the series with it
        self.names = tuple(encoders)
        # a prefix, since a module may not be called "values" or "type", and an input may
        self.encoders = nn.ModuleDict({f"input_{name}": encoder for name, encoder in encoders.items()})
        self.fuse = fuse
        self.head = head
        self.views: Mapping[str, tuple[Seen, ...]] = {}  # of the inputs that are answered for from several sides

    def seen(self, inputs: Mapping[str, Seq]) -> list[dict[str, Seq]]:
        """The inputs from each combination of sides that an answer is the mean over."""
        each = product(*[[(name, view) for view in of] for name, of in self.views.items()])
        return [{**inputs, **{name: view(inputs[name]) for name, view in chosen}} for chosen in each]

    def forward(self, inputs: Mapping[str, Seq]) -> Tensor:
        """The task's output for a batch of tensors."""
        if len(self.names) == 1:
            seq = since_first(inputs[self.names[0]]) if self.causal else inputs[self.names[0]]
            if self.rolls:
                return self.head.rolled(partial(self.encode, self.names[0]), seq)  # type: ignore[operator, no-any-return]
            return self.head(dataclasses.replace(self.encode(self.names[0], seq), seq=seq))  # type: ignore[no-any-return]
        return self.head(self.joined(inputs))  # type: ignore[no-any-return]

    def joined(self, inputs: Mapping[str, Seq]) -> Encoded:
        """What the head is given of several inputs: their fusion; of one, what its encoder gives."""
        if len(self.names) == 1:
            return self.encode(self.names[0], inputs[self.names[0]])
        encoded = [_of_rows(self.encode(name, inputs[name]), inputs[name].take) for name in self.names]
        mask = torch.stack([one.mask.any(1) for one in encoded], 1)
        return Encoded(None, mask, self.fuse(encoded))

    def encode(self, name: str, seq: Seq) -> Encoded:
        """What the encoder of one input gives."""
        return self.encoders[f"input_{name}"](seq)  # type: ignore[no-any-return]


def _of_rows(encoded: Encoded, take: Tensor | None) -> Encoded:
    """What is said of each row, where rows share sequences that were encoded once."""
    if take is None or encoded.pooled is None:
        return encoded
    return Encoded(None, encoded.mask[take], encoded.pooled[take])


class Committee(nn.Module):
    """Networks of one study whose outputs become one before they are answered from, since their answers have no mean."""

    def __init__(self, members: Sequence[Model], task: Agreeing) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.task = task

    def seen(self, inputs: Mapping[str, Seq]) -> list[dict[str, Seq]]:
        """The inputs as they are."""
        return [dict(inputs)]

    def forward(self, inputs: Mapping[str, Seq]) -> Any:
        return self.task.agreed([member(inputs) for member in self.members])


def since_first(seq: Seq) -> Seq:
    """The Seq with its times counted from each row's first step: those before a prediction would tell how much is yet to come."""
    return dataclasses.replace(seq, position=(seq.position - seq.position[:, :1]).where(seq.mask, 0.0))
