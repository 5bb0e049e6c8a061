"""DNA and RNA as the other strand reads: the steps from the last to the first, each as what pairs with it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sequela.errors import ConfigError
from sequela.residues.alphabets import BEGIN
from sequela.residues.complement import PARTNERS, reverse_complement
from sequela.types import Seq, Spec


@dataclass(frozen=True, slots=True)
class Strand:
    """The other strand of every row."""

    partner: Tensor  # int64 "V": of each token, 0 where training did not have it

    def __call__(self, seq: Seq) -> Seq:
        """The Seq with each row turned; times and padding stay."""
        return replace(seq, values=turned(seq, self.partner))


def partners(spec: Spec) -> Tensor:
    """The number of each token's partner, int64 "V". Raises ConfigError for what has no other strand."""
    if spec.kind != "residues" or spec.alphabet not in PARTNERS:
        what = f"residues of {spec.alphabet}" if spec.alphabet else spec.kind
        raise ConfigError(f"reverse_complement: {what} have no other strand", hint='only an alphabet "dna" or "rna" has')
    if BEGIN in spec.names:
        raise ConfigError("reverse_complement: marks would stand on the wrong sides of the other strand", hint="marks = false")
    number = {name: place for place, name in enumerate(spec.names) if place}
    return torch.tensor([0, *(number.get(reverse_complement(name, spec.alphabet), 0) for name in spec.names[1:])])


def turned(seq: Seq, partner: Tensor) -> Tensor:
    """The values "B T" of the other strand, 0 on padding."""
    length = seq.mask.sum(1, keepdim=True)
    place = (length - 1 - torch.arange(seq.mask.shape[1], device=seq.mask.device)).clamp(min=0)
    return partner.to(seq.values.device)[seq.values.gather(1, place)].where(seq.mask, 0)
