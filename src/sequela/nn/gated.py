"""The gated recurrence whose reset comes before the matrix product (Cho 2014), with a decay of the state (Che 2018).

Everything that does not depend on the state is computed ahead for all steps at once; the loop holds two small matrix products
forward and two backward. The backward pass is written by hand: the derivatives of all gates are taken over whole tensors before
the loop, and the gradients of the weights are one product each after it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def gated(projected: Tensor, decay: Tensor | None, gates: Tensor, candidate: Tensor, initial: Tensor) -> Tensor:
    """The states "T B H" after each step, from the inputs' share of update, reset and candidate, `projected` "T B 3H".

        d = decay h(t-1)                                  (no decay: d = h(t-1))
        z, r = sigmoid(projected[zr] + d gates)           gates "H 2H"
        n = tanh(projected[n] + (r d) candidate)          candidate "H H"
        h(t) = (1 - z) d + z n                            h(0) = initial "B H"

    `decay` is "T B H" in [0, 1]. Differentiable once, in all arguments.
    """
    states: Tensor = _Gated.apply(projected, decay, gates, candidate, initial)  # type: ignore[no-untyped-call]
    return states


class _Gated(torch.autograd.Function):
    @staticmethod  # the signature is autograd's
    def forward(ctx: Any, projected: Tensor, decay: Tensor | None, gates: Tensor, candidate: Tensor, initial: Tensor) -> Tensor:
        steps, rows, width = projected.shape[0], projected.shape[1], candidate.shape[0]
        states = projected.new_empty(steps + 1, rows, width)
        decayed, update, reset, proposed = projected.new_empty(4, steps, rows, width)
        to_update, to_reset = gates[:, :width].contiguous(), gates[:, width:].contiguous()
        states[0] = initial
        # views of every step at once: taking them in the loop costs as much as a small product
        xs, d = zip(*(part.unbind() for part in projected.chunk(3, 2)), strict=True), None if decay is None else decay.unbind()
        s, h, z, r, n = (part.unbind() for part in (states, decayed, update, reset, proposed))
        for t, (xz, xr, xn) in enumerate(xs):
            now = s[t] if d is None else torch.mul(s[t], d[t], out=h[t])
            torch.addmm(xz, now, to_update, out=z[t]).sigmoid_()
            torch.addmm(xr, now, to_reset, out=r[t]).sigmoid_()
            torch.addmm(xn, r[t] * now, candidate, out=n[t]).tanh_()
            torch.lerp(now, n[t], z[t], out=s[t + 1])
        ctx.save_for_backward(states, states[:-1] if decay is None else decayed, update, reset, proposed, decay, gates, candidate)
        return states[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        states, decayed, update, reset, proposed, decay, gates, candidate = ctx.saved_tensors
        steps, rows, width = proposed.shape
        # of the gates before their sigmoid and tanh: by the state after, by the state after, by the reset state
        by_update = torch.ops.aten.sigmoid_backward(proposed - decayed, update)
        by_proposal = torch.ops.aten.tanh_backward(update, proposed)
        by_reset = torch.ops.aten.sigmoid_backward(decayed, reset)
        inward = proposed.new_empty(steps, rows, 3 * width)
        to_decayed = proposed.new_empty(steps, rows, width)
        gates_back, candidate_back = gates.t().contiguous(), candidate.t().contiguous()
        both, (dz, dr, dn) = inward[..., : 2 * width].unbind(), (part.unbind() for part in inward.chunk(3, 2))
        totals, given, z, r = (part.unbind() for part in (to_decayed, gradient, update, reset))
        by_z, by_n, by_r = (part.unbind() for part in (by_update, by_proposal, by_reset))
        d = None if decay is None else decay.unbind()
        carry = torch.zeros_like(proposed[0])
        for t in reversed(range(steps)):
            carry = carry + given[t]
            torch.mul(carry, by_z[t], out=dz[t])
            through = torch.mul(carry, by_n[t], out=dn[t]) @ candidate_back
            torch.mul(through, by_r[t], out=dr[t])
            total = torch.addcmul(carry, carry, z[t], value=-1, out=totals[t])
            total.addmm_(both[t], gates_back).addcmul_(through, r[t])
            carry = total if d is None else total * d[t]
        flat = inward.view(-1, 3 * width)
        return (
            inward,
            None if decay is None else to_decayed.mul_(states[:-1]),
            decayed.reshape(-1, width).t() @ flat[:, : 2 * width],
            reset.mul(decayed).view(-1, width).t() @ flat[:, 2 * width :],
            carry,
        )
