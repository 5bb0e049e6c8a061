"""The cells of a batch as a few tensors, along which an answer can be followed: what Captum and shap can take.

A batch has several inputs, ragged, masked, of numbers or of codes. Here it becomes

    numbers of an input   "B T *F"    from what they are to the training mean (0), or to another row's
    codes, words          "B T (N)"   how much each says: from 1 to 0, as if its vector were nothing (explain/tokens/dimming.py)
    numbers beside steps  "B T E"
    numbers of rows       "B C"

and `told(*tensors, row)` gives the number that is explained of any rows made of them: the last tensor says of which row each is,
so that a library may repeat, shuffle or cut the batch as it likes. Masks, times and what was seen stay as they are. What was not
seen, and padding, never moves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from sequela.explain.question import Question, evaluating
from sequela.explain.tokens.dimming import dimmed
from sequela.nn.mask import existing
from sequela.types import Seq, Spec

Part: TypeAlias = Literal["values", "side", "context"]


@dataclass(frozen=True, slots=True)
class Key:
    """Which tensor of a batch."""

    name: str  # of the input
    part: Part


@dataclass(frozen=True, slots=True)
class Cells:
    """B rows as tensors that may be moved, and what answers about them."""

    question: Question
    inputs: Mapping[str, Seq]
    specs: Mapping[str, Spec]
    column: Tensor  # int64 "B"
    keys: tuple[Key, ...]
    tensors: tuple[Tensor, ...]  # float, by key
    there: tuple[Tensor, ...]  # bool, like tensors: what was seen

    @property
    def row(self) -> Tensor:
        """The number of each row, int64 "B"."""
        return torch.arange(len(self.column), device=self.column.device)

    @property
    def rest(self) -> tuple[Tensor, ...]:
        """What the rows are compared with: 0 wherever something was seen, which of numbers is the training mean."""
        return tuple(given.masked_fill(there, 0.0) for given, there in zip(self.tensors, self.there, strict=True))

    def told(self, *given: Tensor) -> Tensor:
        """The number that is explained of rows made of these tensors, float64 "R"; the last is int64 "R", which row each is."""
        *parts, row = given
        inputs = {name: _of(seq, row) for name, seq in self.inputs.items()}
        with ExitStack() as dimming:
            for key, tensor in zip(self.keys, parts, strict=True):
                if key.part == "values" and self.specs[key.name].vocabulary:
                    for member in self.question.members:
                        dimming.enter_context(dimmed(member.encoders[f"input_{key.name}"], tensor))
                else:
                    inputs[key.name] = replace(inputs[key.name], **{key.part: tensor})
            return self.question.told(inputs, self.column[row])

    def of_member(self, turn: int) -> Cells:
        """The same of one of the networks, which take turns."""
        members = self.question.members
        return replace(self, question=replace(self.question, members=[members[turn % len(members)]]))

    def asked(self, *given: Tensor) -> Tensor:
        """As `told`, where no gradient is wanted."""
        with torch.no_grad():
            return self.told(*given)

    def slopes(self, given: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """How fast the number of each row rises with each of its cells there, like the tensors; 0 for what takes no part."""
        leaves = [tensor.detach().requires_grad_(True) for tensor in given]
        with torch.enable_grad():
            told = self.told(*leaves, self.row).sum()
            found = torch.autograd.grad(told, leaves, allow_unused=True)
        return tuple(torch.zeros_like(leaf) if slope is None else slope for leaf, slope in zip(leaves, found, strict=True))


def opened(question: Question, inputs: Mapping[str, Seq], specs: Mapping[str, Spec], column: Tensor | None = None) -> Cells:
    """The cells of a batch of tensors; without columns, of those that the answer would be read off."""
    keys = [Key(name, part) for name, seq in inputs.items() for part in _parts(seq)]
    pairs = [_opened(inputs[key.name], specs[key.name], key.part) for key in keys]
    chosen = question.column(inputs) if column is None else column
    given, there = zip(*pairs, strict=True)
    return Cells(question, inputs, specs, chosen, tuple(keys), given, there)


@contextmanager
def followed(question: Question) -> Iterator[None]:
    """Within, gradients by cells can be taken of networks as they answer after training, and none by weights.

    cuDNN's recurrent layers have no gradient then, so they are left aside: within this alone.
    """
    with ExitStack() as modes, torch.backends.cudnn.flags(enabled=False):
        for member in question.members:
            modes.enter_context(evaluating(member))
            modes.enter_context(_frozen(member))
        yield


@contextmanager
def _frozen(network: nn.Module) -> Iterator[None]:
    """Within, no gradient is taken by the weights, which nobody asks for here."""
    learnt = [weight for weight in network.parameters() if weight.requires_grad]
    for weight in learnt:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in learnt:
            weight.requires_grad_(True)


def _parts(seq: Seq) -> Iterator[Part]:
    yield "values"
    if seq.side is not None:
        yield "side"
    if seq.context is not None:
        yield "context"


def _opened(seq: Seq, spec: Spec, part: Part) -> tuple[Tensor, Tensor]:
    """A tensor that may be moved, and which of it is there."""
    if part == "values":
        return _values(seq, spec)
    if part == "side":
        return existing(seq.side, seq.mask), seq.mask.unsqueeze(2).expand(seq.side.shape)
    return seq.context, seq.mask.any(1, keepdim=True).expand(seq.context.shape)


def _values(seq: Seq, spec: Spec) -> tuple[Tensor, Tensor]:
    if spec.words is not None:
        return seq.mask.float(), seq.mask
    mask = seq.mask.view(seq.mask.shape + (1,) * (seq.values.dim() - 2)).expand(seq.values.shape)
    there = mask if seq.seen is None else mask & seq.seen
    return (there.float() if spec.vocabulary else existing(seq.values, seq.mask)), there


def _of(seq: Seq, row: Tensor) -> Seq:
    """The Seq of these rows, in this order."""
    parts = {name: getattr(seq, name) for name in ("values", "mask", "position", "seen", "side", "context")}
    return Seq(**{name: None if part is None else part[row] for name, part in parts.items()})
