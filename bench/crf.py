"""The linear-chain CRF beside a loop over rows and steps in plain PyTorch: log-likelihood forward and backward, and Viterbi.

    python bench/crf.py

32 rows of 60 steps and 9 tags (four types of entities in BIO and outside), lengths between half of that and all, one thread. The
loop is the textbook's: for each row, for each step, one log-sum-exp over the tags before; autograd goes through it. Both sides
compute the same numbers, which is asserted, in the same run, turn by turn.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ["OMP_WAIT_POLICY"], os.environ["OMP_NUM_THREADS"] = "PASSIVE", "1"

import torch
from harness import PACKAGES, measure, record
from torch import Tensor

from sequela import threads
from sequela.nn import crf
from sequela.nn.crf import Chain

ROWS, STEPS, TAGS = 32, 60, 9
OURS, LOOPS, TURNS = 200, 6, 3  # calls of each in a turn; turns


def drawn() -> tuple[Tensor, Chain, Tensor, Tensor]:
    """Emissions, a chain, tags and a mask."""
    random = torch.Generator().manual_seed(0)
    emissions = torch.randn(ROWS, STEPS, TAGS, generator=random)
    chain = Chain(*(torch.randn(shape, generator=random) for shape in ((TAGS, TAGS), (TAGS,), (TAGS,))))
    length = torch.randint(STEPS // 2, STEPS + 1, (ROWS, 1), generator=random)
    length[0] = STEPS
    return emissions, chain, torch.randint(TAGS, (ROWS, STEPS), generator=random), torch.arange(STEPS) < length


def looped(emissions: Tensor, chain: Chain, tags: Tensor, mask: Tensor) -> Tensor:
    """The log-likelihood of each row by the textbook, "B"."""
    found = []
    for steps, told, length in zip(emissions, tags, mask.sum(1).tolist(), strict=True):
        state, score = chain.start + steps[0], chain.start[told[0]] + steps[0, told[0]]
        for t in range(1, length):
            state = torch.logsumexp(state.unsqueeze(1) + chain.transitions, 0) + steps[t]
            score = score + chain.transitions[told[t - 1], told[t]] + steps[t, told[t]]
        found.append(score + chain.end[told[length - 1]] - torch.logsumexp(state + chain.end, 0))
    return torch.stack(found)


def looped_path(emissions: Tensor, chain: Chain, mask: Tensor) -> list[list[int]]:
    """The best path of each row by the textbook."""
    paths = []
    for steps, length in zip(emissions, mask.sum(1).tolist(), strict=True):
        state, origins = chain.start + steps[0], []
        for t in range(1, length):
            best, origin = (state.unsqueeze(1) + chain.transitions).max(0)
            state = best + steps[t]
            origins.append(origin)
        path = [int((state + chain.end).argmax())]
        for origin in reversed(origins):
            path.append(int(origin[path[-1]]))
        paths.append(path[::-1])
    return paths


def trained(likelihood: Callable[[Tensor, Chain, Tensor, Tensor], Tensor]) -> Callable[[], list[Tensor]]:
    """A call that makes the gradient of a loss by this likelihood."""
    emissions, chain, tags, mask = drawn()
    leaves = [part.requires_grad_() for part in (emissions, *chain)]

    def call() -> list[Tensor]:
        loss = -likelihood(leaves[0], Chain(*leaves[1:]), tags, mask).sum()
        return [loss.detach(), *torch.autograd.grad(loss, leaves)]

    return call


def found_paths(best: Callable[[Tensor, Chain, Tensor], Any]) -> Callable[[], Any]:
    emissions, chain, _, mask = drawn()
    return lambda: best(emissions, chain, mask)


def compared(ours: Callable[[], Any], loop: Callable[[], Any]) -> dict[str, float]:
    """CPU-milliseconds of a call of each: the least of the turns, and how many times faster ours is."""
    ours(), loop()
    each = [(_milliseconds(ours, OURS), _milliseconds(loop, LOOPS)) for _ in range(TURNS)]
    fast, slow = (min(part) for part in zip(*each, strict=True))
    return {"ours_cpu_ms": round(fast, 3), "loop_cpu_ms": round(slow, 3), "times": round(slow / fast, 1)}


def _milliseconds(call: Callable[[], Any], times: int) -> float:
    with measure() as spent:
        for _ in range(times):
            call()
    return 1000 * spent.cpu_seconds / times


def agree() -> float:
    """The largest difference of any number of ours from the loop's, relative to the largest of its kind."""
    pairs = zip(trained(crf.log_likelihood)(), trained(looped)(), strict=True)
    emissions, chain, _, mask = drawn()
    paths = [row[row >= 0].tolist() for row in crf.viterbi(emissions, chain, mask)[0]]
    if paths != looped_path(emissions, chain, mask):
        raise SystemExit("the best paths differ")
    return max(float((one - other).abs().max() / other.abs().max()) for one, other in pairs)


def main() -> None:
    threads.prepare(1)
    difference = agree()
    if difference > 1e-4:
        raise SystemExit(f"ours and the loop differ by {difference:.1e}")
    found = {
        "shape": {"rows": ROWS, "steps": STEPS, "tags": TAGS},
        "forward_and_backward": compared(trained(crf.log_likelihood), trained(looped)),
        "viterbi": compared(found_paths(crf.viterbi), found_paths(looped_path)),
        "largest_relative_difference": float(f"{difference:.1e}"),
        "goal": {"times": 10},
    }
    record("crf", found, PACKAGES)


if __name__ == "__main__":
    main()
