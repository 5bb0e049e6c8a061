"""Words made fainter one by one: the vector of each word times a number between 0, as if it said nothing, and 1.

Vectors of words come out of few modules, whatever the encoder: nn/steps.Codes, nn/words.Words, the words of han. They are changed
there, so that no encoder knows of it. The numbers beside a word (`side`) stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.hooks import RemovableHandle

from sequela.encoders.han import Sentences
from sequela.errors import UsageError
from sequela.nn.steps import Codes, counted
from sequela.nn.words import Words
from sequela.types import Seq, Spec


def light(seq: Seq, spec: Spec, of: float) -> Tensor:
    """As much for every word of a Seq: "B T", or "B T N" of steps that hold several words."""
    several = spec.words is None and len(spec.shape) == 1
    return torch.full(seq.values.shape if several else seq.mask.shape, of, device=seq.mask.device)


@contextmanager
def dimmed(encoder: nn.Module, given: Tensor) -> Iterator[None]:
    """Within, the encoder reads every word times its number in `given`, as `light` lays them out.

    Raises UsageError where no part of the encoder makes vectors of words.
    """
    hooks = [hook for module in encoder.modules() for hook in _hooked(module, given)]
    if not hooks:
        raise UsageError(
            "this encoder makes the vectors of its words in a way along which no gradient is followed",
            hint="explain it by leaving words out: method lime",
        )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _hooked(module: nn.Module, given: Tensor) -> list[RemovableHandle]:
    if isinstance(module, Sentences):
        return _regrouped(module, given)
    if isinstance(module, Codes) and given.dim() == 3:
        return [module.register_forward_hook(lambda made, args, _out: _summed(made, args[0], given))]
    if isinstance(module, Codes | Words):
        return [module.register_forward_hook(lambda _made, _args, out: out * given.unsqueeze(2))]
    return []


def _summed(codes: Codes, seq: Seq, given: Tensor) -> Tensor:
    """The vectors "B T D" of steps of several words, each times its number."""
    seen = counted(seq)
    counts = seen.sum(2).flatten()
    vectors = functional.embedding_bag(
        seq.values[seen], codes.weight, counts.cumsum(0) - counts, mode="sum", per_sample_weights=given[seen]
    )
    if codes.visit == "mean":
        vectors = vectors / counts.clamp(min=1).unsqueeze(1)
    return vectors.view(*seq.mask.shape, -1)


def _regrouped(sentences: Sentences, given: Tensor) -> list[RemovableHandle]:
    """Of a module that lays words out anew before it looks them up: it is given their places, so that each is found again."""
    word, number, place = list[Tensor](), given.flatten(), list[Tensor]()

    def by_place(_made: nn.Module, args: tuple[Seq]) -> tuple[Seq]:
        (seq,) = args
        word[:] = [seq.values.flatten()]
        return (replace(seq, values=torch.arange(len(number), device=number.device).view(seq.values.shape)),)

    def by_word(_made: nn.Module, args: tuple[Tensor]) -> Tensor:
        place[:] = args
        return word[0][args[0]]

    def dim(_made: nn.Module, _args: object, vectors: Tensor) -> Tensor:
        return vectors * number[place[0]].unsqueeze(-1)

    table = sentences.embedding
    return [
        sentences.register_forward_pre_hook(by_place),
        table.register_forward_pre_hook(by_word),
        table.register_forward_hook(dim),
    ]
