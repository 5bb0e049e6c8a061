"""The linear-chain conditional random field over tags (Lafferty 2001): partition, likelihood, best path and marginals.

    score(y | x) = start[y1] + sum over t of (emission(t)[yt] + transition[y(t-1), yt]) + end[yn],    p(y | x) = exp(score) / Z

The forward and the backward recursion (Rabiner 1989, section III) run side by side: one loop over steps for both, all rows and
all tags at once. The gradient of log Z, expected counts, is made of the two, so autograd sees no loop. All is summed as
logarithms in double precision: a long text costs no digits, and a barred transition is a very small probability, never a NaN.

Letters: B row, T step, K tag; inside of a recursion "T S K B", with S the directions (1 or 2).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from sequela.nn.mask import existing, last, reverse

BARRED = -1e4  # score of what may not be: e to this power is 0, and sums of it are still numbers
PIECE = 1 << 20  # pairs of tags held at once while transitions are counted: 8 MiB


class Chain(NamedTuple):
    """Scores of tags by their neighbours."""

    transitions: Tensor  # "K K": of the second after the first
    start: Tensor  # "K"
    end: Tensor  # "K"

    def double(self) -> Chain:
        """The same in double precision."""
        return Chain(*(part.double() for part in self))


class Allowed(NamedTuple):
    """What may be."""

    follows: Tensor  # bool "K K": the second after the first
    first: Tensor  # bool "K"
    last: Tensor  # bool "K"


class CRF(nn.Module):
    """Scores of a chain, 0 at first and learnt; what is not allowed keeps BARRED. Where nothing is `learnt`, it bars alone."""

    follows: Tensor
    first: Tensor
    last: Tensor

    def __init__(self, tags: int, allowed: Allowed | None = None, *, learnt: bool = True) -> None:
        super().__init__()
        self.transitions, self.start, self.end = (
            nn.Parameter(torch.zeros(shape), requires_grad=learnt) for shape in ((tags, tags), (tags,), (tags,))
        )
        every = Allowed(*(torch.ones(score.shape, dtype=torch.bool) for score in (self.transitions, self.start, self.end)))
        for name, part in (allowed or every)._asdict().items():
            self.register_buffer(name, part, persistent=False)

    def forward(self) -> Chain:
        scores, kept = (self.transitions, self.start, self.end), (self.follows, self.first, self.last)
        return Chain(*(score.masked_fill(~keep, BARRED) for score, keep in zip(scores, kept, strict=True)))


# ------------------------------------------------------------------------------------------------------------------- likelihood


def log_partition(emissions: Tensor, chain: Chain, mask: Tensor) -> Tensor:
    """log Z of each row, float64 "B", from emissions "B T K"; 0 for a row without steps. Differentiable once."""
    found: Tensor = _LogPartition.apply(emissions.double(), *chain.double(), mask)  # type: ignore[no-untyped-call]  # torch does not type apply
    return found


def log_likelihood(emissions: Tensor, chain: Chain, tags: Tensor, mask: Tensor) -> Tensor:
    """log p of the tags "B T" of each row, "B"; a tag of -1 may be any (Tsuboi 2008), and a row that knows none has 0."""
    known = mask & (tags >= 0)
    asked = mask & known.any(1, keepdim=True)
    wide, chained = emissions.double(), chain.double()
    if torch.equal(known, asked):
        score = _score(wide, chained, tags.clamp_min(0), asked)
    else:
        score = log_partition(_held(wide, tags, known), chained, asked)
    return (score - log_partition(wide, chained, asked)).to(emissions.dtype)


def _held(emissions: Tensor, tags: Tensor, known: Tensor) -> Tensor:
    """The emissions with all tags barred but the known one."""
    other = known.unsqueeze(2) & (torch.arange(emissions.shape[2], device=tags.device) != tags.unsqueeze(2))
    return emissions.masked_fill(other, BARRED)


def _score(emissions: Tensor, chain: Chain, tags: Tensor, mask: Tensor) -> Tensor:
    """Of one path a row, "B"; 0 for a row without steps."""
    ends = last(tags.unsqueeze(2), mask).squeeze(1)
    edges = (chain.start[tags[:, 0]] + chain.end[ends]).where(mask[:, 0], 0.0)
    return existing(_steps(emissions, chain, tags), mask).sum(1) + edges


def _steps(emissions: Tensor, chain: Chain, tags: Tensor) -> Tensor:
    """What each step of a path "B T" adds to its score, the edges of the row left out: "B T"."""
    own = emissions.gather(2, tags.unsqueeze(2)).squeeze(2)
    moved = chain.transitions.flatten()[tags[:, :-1] * len(chain.start) + tags[:, 1:]]
    return own + nn.functional.pad(moved, (1, 0))


class _LogPartition(torch.autograd.Function):
    @staticmethod  # the signature is autograd's
    def forward(ctx: Any, emissions: Tensor, transitions: Tensor, start: Tensor, end: Tensor, mask: Tensor) -> Tensor:
        chain = Chain(transitions, start, end)
        if not any(ctx.needs_input_grad):
            return _total(_ahead(emissions, chain), chain, mask)
        ahead, back = _both(emissions, chain, mask)
        total = _total(ahead, chain, mask)
        ctx.save_for_backward(emissions, transitions, mask, ahead, back, total)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        emissions, transitions, mask, ahead, back, total = ctx.saved_tensors
        expected = _expected(emissions, mask, ahead, back, total) * gradient[:, None, None]
        moves = _moves(transitions, ahead, back, mask, (gradient, total))
        return expected, moves, expected[:, 0].sum(0), last(expected, mask).sum(0), None


def _expected(emissions: Tensor, mask: Tensor, ahead: Tensor, back: Tensor, total: Tensor) -> Tensor:
    """The probability of each tag at each step, "B T K"; 0 on padding."""
    return existing((ahead + back - emissions - total[:, None, None]).exp(), mask)


def _moves(transitions: Tensor, ahead: Tensor, back: Tensor, mask: Tensor, weighed: tuple[Tensor, Tensor]) -> Tensor:
    """How often each tag is expected after each, "K K": over all rows, each by its weight, given with log Z."""
    weight, total = weighed
    later, size = mask[:, 1:], max(1, PIECE // transitions.numel())
    row = later.nonzero()[:, 0]
    before, after = ahead[:, :-1][later] - total[row, None], back[:, 1:][later]
    found = torch.zeros_like(transitions)
    for first in range(0, len(row), size):
        here = slice(first, first + size)
        pairs = (before[here].unsqueeze(2) + transitions + after[here].unsqueeze(1)).exp_()  # S K K
        found += (weight[row[here]] @ pairs.flatten(1)).view_as(found)
    return found


# -------------------------------------------------------------------------------------------------------------------- recursions


def _both(emissions: Tensor, chain: Chain, mask: Tensor) -> tuple[Tensor, Tensor]:
    """log of the summed scores of all that leads up to each tag at each step, and of all that goes on from it: "B T K" each.

    Both hold the step's own emission.
    """
    turned = torch.stack([emissions, reverse(emissions, mask)])  # S B T K
    moves = torch.stack([chain.transitions, chain.transitions.t()])
    ahead, back = _swept(turned, moves, torch.stack([chain.start, chain.end]))
    return ahead, reverse(back, mask)


def _ahead(emissions: Tensor, chain: Chain) -> Tensor:
    return _swept(emissions.unsqueeze(0), chain.transitions.unsqueeze(0), chain.start.unsqueeze(0))[0]


def _swept(emissions: Tensor, moves: Tensor, start: Tensor) -> Tensor:
    """The recursion s(t)[j] = emission(t)[j] + log sum over i of exp(s(t-1)[i] + moves[i, j]), of "S B T K"."""
    steps = emissions.permute(2, 0, 3, 1).contiguous()  # T S K B: sums run over whole rows of memory
    states = torch.empty_like(steps)
    moved, state = moves.unsqueeze(3), torch.add(steps[0], start.unsqueeze(2), out=states[0])
    for step, out in zip(steps.unbind()[1:], states.unbind()[1:], strict=True):
        pairs = state.unsqueeze(2) + moved  # S K K B
        most = pairs.amax(1)
        state = torch.add(pairs.sub_(most.unsqueeze(1)).exp_().sum(1).log_().add_(most), step, out=out)
    return states.permute(1, 3, 0, 2)


def _total(ahead: Tensor, chain: Chain, mask: Tensor) -> Tensor:
    return existing((last(ahead, mask) + chain.end).logsumexp(1), mask[:, 0])


# ------------------------------------------------------------------------------------------------------------------------ answers


@torch.no_grad()
def marginals(emissions: Tensor, chain: Chain, mask: Tensor) -> Tensor:
    """The posterior probability of each tag at each step, float64 "B T K"; 0 on padding."""
    wide, chained = emissions.double(), chain.double()
    ahead, back = _both(wide, chained, mask)
    return _expected(wide, mask, ahead, back, _total(ahead, chained, mask))


class Stretches(NamedTuple):
    """Ranges of steps of some rows."""

    row: Tensor  # int64 "M"
    begin: Tensor  # int64 "M": the first step
    end: Tensor  # int64 "M": the step after the last


@torch.no_grad()
def confidence(emissions: Tensor, chain: Chain, mask: Tensor, tags: Tensor, asked: Stretches) -> Tensor:
    """The posterior probability that all steps of a stretch have just these tags, float64 "M"; whatever stands around it.

    Summed over all paths that agree there (Culotta and McCallum 2004), at no more cost than the marginals.
    """
    wide, chained = emissions.double(), chain.double()
    ahead, back = _both(wide, chained, mask)
    row, begin, final = asked.row, asked.begin, asked.end - 1
    along = _steps(wide, chained, tags.clamp_min(0)).cumsum(1)
    inside = along[row, final] - along[row, begin]
    after = (back - wide)[row, final, tags[row, final]]
    score = ahead[row, begin, tags[row, begin]] + inside + after - _total(ahead, chained, mask)[row]
    return score.exp().clamp_max(1.0)


@torch.no_grad()
def viterbi(emissions: Tensor, chain: Chain, mask: Tensor) -> tuple[Tensor, Tensor]:
    """The path of the highest score of each row, int64 "B T" with -1 on padding, and that score, float64 "B" (Viterbi 1967).

    Where a tag came from is asked on the way back, of the path alone.
    """
    wide, chained = emissions.double(), chain.double()
    states = _best(wide, chained)  # T K B
    score, tag = (last(states.permute(2, 0, 1), mask) + chained.end).max(1)
    length, path = mask.sum(1), [tag]
    for step in range(mask.shape[1] - 1, 0, -1):
        origin = (states[step - 1] + chained.transitions[:, tag]).argmax(0)
        tag = torch.where(step < length, origin, tag)
        path.append(tag)
    return torch.stack(path[::-1], 1).where(mask, -1), existing(score, mask[:, 0])


def _best(emissions: Tensor, chain: Chain) -> Tensor:
    """The best score of all that leads up to each tag, "T K B"."""
    steps = emissions.permute(1, 2, 0).contiguous()
    states = torch.empty_like(steps)
    moved, state = chain.transitions.unsqueeze(2), torch.add(steps[0], chain.start.unsqueeze(1), out=states[0])
    for step, out in zip(steps.unbind()[1:], states.unbind()[1:], strict=True):
        state = torch.add((state.unsqueeze(1) + moved).amax(0), step, out=out)
    return states
