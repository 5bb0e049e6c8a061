"""A linear recurrence over all steps at once, without a loop over time (Blelloch 1990, section 1.4).

Two neighbouring steps are one step of the same kind, so half as many steps are scanned first, and the others follow from them:
about 3 T products in 2 log2 T stages. How the states of a step are summed hangs on its index alone, so later steps and padding
change nothing, to the bit. Decays in [0, 1] only shrink products: nothing overflows, and no logarithms are needed.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def scan(decay: Tensor, inputs: Tensor, initial: Tensor) -> Tensor:
    """The states "B T D" of h(t) = decay(t) h(t-1) + inputs(t), with h(0) = `initial` "B D".

    `decay` is "B T D" in [0, 1]. Differentiable once, in all arguments.

    >>> scan(torch.full((1, 3, 1), 0.5), torch.ones(1, 3, 1), torch.zeros(1, 1)).flatten()
    tensor([1.0000, 1.5000, 1.7500])
    """
    states: Tensor = _Scan.apply(decay, inputs, initial)  # type: ignore[no-untyped-call]
    return states


class _Scan(torch.autograd.Function):
    @staticmethod  # the signature is autograd's
    def forward(ctx: Any, decay: Tensor, inputs: Tensor, initial: Tensor) -> Tensor:
        first = torch.addcmul(inputs[:, :1], decay[:, :1], initial.unsqueeze(1))
        states = _states(decay, torch.cat([first, inputs[:, 1:]], 1))
        ctx.save_for_backward(decay, states, initial)
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        decay, states, initial = ctx.saved_tensors
        after = torch.cat([decay[:, 1:], torch.zeros_like(decay[:, :1])], 1)  # the gradient is the same recurrence, backwards
        to_inputs = _states(after.flip(1), gradient.flip(1)).flip(1)
        before = torch.cat([initial.unsqueeze(1), states[:, :-1]], 1)
        return to_inputs * before, to_inputs, to_inputs[:, 0] * decay[:, 0]


def _states(decay: Tensor, inputs: Tensor) -> Tensor:
    """The states from 0: those of every second step by a scan over pairs, those between from the state before."""
    if inputs.shape[1] < 2:
        return inputs
    pairs = inputs.shape[1] // 2
    a, b = decay[:, 1::2], inputs[:, 1::2]
    second = _states(a * decay[:, ::2][:, :pairs], torch.addcmul(b, a, inputs[:, ::2][:, :pairs]))
    states = torch.empty_like(inputs)
    states[:, 0], states[:, 1::2] = inputs[:, 0], second
    between = inputs[:, 2::2]
    states[:, 2::2] = torch.addcmul(between, decay[:, 2::2], second[:, : between.shape[1]])
    return states
