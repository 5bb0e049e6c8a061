"""Mixup: a network is trained on mixtures of two rows, and is to answer for each in proportion (Zhang 2018, mixup).

A row keeps the share s of itself and takes 1 - s of a partner; its loss is s of that with its own label and 1 - s of that with
the partner's. For a cross-entropy, and for the gradient of a squared error, that is the loss with the mixed label.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from sequela.errors import ConfigError
from sequela.types import Seq, Spec, Target

KINDS = ("image", "slices", "tiles", "waveform", "static")  # of which the mean of two is like one
TASKS = ("binary", "multiclass", "multilabel", "regression")


@dataclass(frozen=True, slots=True)
class Mixture:
    """With which row of the batch each is mixed, int64 "B", and how much it keeps of itself, float32 "B"."""

    partner: Tensor
    share: Tensor

    def of(self, numbers: Tensor) -> Tensor:
        """Numbers "B …" of the rows, mixed."""
        share = self.share.reshape(-1, *[1] * (numbers.ndim - 1))
        return numbers * share + numbers[self.partner] * (1 - share)


def check(kind: str, specs: Mapping[str, Spec]) -> None:
    """Raises ConfigError where a mixture of two rows means nothing: for the task, or for one of the inputs."""
    if kind not in TASKS:
        raise ConfigError(f"train.mixup is not for a task of the kind {kind!r}", hint=f"only for {', '.join(TASKS)}")
    for name, spec in specs.items():
        if spec.kind not in KINDS:
            raise ConfigError(
                f"train.mixup: two rows of inputs.{name} ({spec.kind}) cannot be mixed", hint=f"only {', '.join(KINDS)}"
            )


def drawn(inputs: Mapping[str, Seq], alpha: float, random: np.random.Generator) -> Mixture:
    """Partners by a permutation, and shares of the Beta distribution (alpha, alpha).

    Two rows that do not have the same steps, or of which not the same was seen, are not mixed: each keeps all of itself.
    """
    first = next(iter(inputs.values())).mask
    partner = torch.as_tensor(random.permutation(len(first)), device=first.device)
    share = torch.as_tensor(random.beta(alpha, alpha, len(first)), dtype=torch.float32, device=first.device)
    for seq in inputs.values():
        for there in (seq.mask, seq.seen):
            if there is not None:
                share = share.where((there == there[partner]).flatten(1).all(1), 1.0)
    return Mixture(partner, share)


def mixed(seq: Seq, mixture: Mixture) -> Seq:
    """The batch with each row's numbers mixed with its partner's; times and what is there stay its own."""
    side, context = (None if part is None else mixture.of(part) for part in (seq.side, seq.context))
    return replace(seq, values=mixture.of(seq.values), side=side, context=context)


def partners(target: Target, mixture: Mixture) -> Target:
    """The labels (tensors) of each row's partner."""
    return Target(target.values[mixture.partner], target.known[mixture.partner], target.names)
