"""Networks whose weights say nothing any more: an explanation that looks the same of them explains the input, not the network.

Adebayo 2018 draws weights anew. Here the weights of each tensor are put in a random order, which takes away all that was learnt
and leaves their size and spread, so that a network answers within the range that it answered in.

Parts are compared with their signs. A part is a cell's value times what the network makes of it, and the value stays: so the
absolute parts of any such method are alike, whatever the weights are (Adebayo 2018, section 5.1).
"""

from __future__ import annotations

import copy

import torch
from torch import nn

from sequela.model import Model
from sequela.seed import number

LIMIT = 0.5  # rank correlation with the explanation of the trained network, from which on a method does not see the weights


def head_shuffled(model: Model, seed: int) -> Model:
    """A copy whose head has its weights in a random order."""
    return _shuffled(model, ("head",), seed)


def all_shuffled(model: Model, seed: int) -> Model:
    """A copy with the weights of every tensor in a random order."""
    return _shuffled(model, ("head", "fuse", "encoders"), seed)


@torch.no_grad()
def _shuffled(model: Model, parts: tuple[str, ...], seed: int) -> Model:
    made = copy.deepcopy(model).eval()
    for part in parts:
        module = getattr(made, part)
        if isinstance(module, nn.Module):
            for name, weight in module.named_parameters():
                _shuffle(weight, number(seed, "shuffle", part, name))
    return made


def _shuffle(weight: nn.Parameter, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    order = torch.randperm(weight.numel(), generator=random)
    weight.copy_(weight.flatten()[order.to(weight.device)].view(weight.shape))
