"""One vector of numbers for each step, whatever a step is: the first thing that every recurrent encoder and the MLP does.

codes () or visits (N,)         an embedding; a visit is the mean of those of its codes that are seen
numbers () or (F,)              the values, then for each whether it was seen (1 or 0), so that absent is not zero
windows (C, L), images (C, H, W)   laid flat
side (E,)                       appended to any of them
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from sequela.errors import ConfigError
from sequela.nn.mask import existing
from sequela.types import Seq, Spec

LARGEST = 16_384  # numbers in a step laid flat: a 128 x 128 image; above it the input matrix dwarfs the recurrence


class Flat(nn.Module):
    """Vectors "B T D" of the steps of a Seq, with D as `width`; 0 on padding.

    Raises ConfigError where a step is too large to be laid flat.
    """

    def __init__(self, spec: Spec, embedding: int) -> None:
        super().__init__()
        _check(spec)
        self.coded = spec.vocabulary > 0
        self.marked = not self.coded and len(spec.shape) <= 1
        self.codes = nn.Embedding(spec.vocabulary, embedding) if self.coded else None
        numbers = embedding if self.coded else math.prod(spec.shape) * (2 if self.marked else 1)
        self.width = numbers + spec.side

    def forward(self, seq: Seq) -> Tensor:
        parts = [self._coded(seq)] if self.codes is not None else self._numbers(seq)
        if seq.side is not None:
            parts.append(seq.side)
        return existing(torch.cat(parts, 2) if len(parts) > 1 else parts[0], seq.mask)

    def _coded(self, seq: Seq) -> Tensor:
        assert self.codes is not None
        vectors: Tensor = self.codes(existing(seq.values, seq.mask))
        if vectors.dim() == 3:  # B T D: one code a step
            return vectors
        seen = torch.ones_like(seq.values, dtype=torch.bool) if seq.seen is None else seq.seen
        counted = existing(vectors, seen).sum(2)  # B T N D
        return counted / seen.sum(2, keepdim=True).clamp(min=1)

    def _numbers(self, seq: Seq) -> list[Tensor]:
        values = seq.values.flatten(2) if seq.values.dim() > 2 else seq.values.unsqueeze(2)
        if not self.marked:
            return [values]
        seen = torch.ones_like(values) if seq.seen is None else seq.seen.view(values.shape).to(values.dtype)
        return [values, seen]


def _check(spec: Spec) -> None:
    size = math.prod(spec.shape)
    if spec.vocabulary == 0 and size > LARGEST:
        raise ConfigError(
            f"a step of {spec.kind!r} holds {size:,} numbers, and this encoder lays steps of at most {LARGEST:,} flat",
            hint="use an encoder with convolutions (cnn, resnet, resnet1d), or smaller steps",
        )
    if spec.vocabulary > 0 and len(spec.shape) > 1:
        raise ConfigError(f"a step of {spec.kind!r} holds codes of shape {spec.shape}; expected () or (N,)")
