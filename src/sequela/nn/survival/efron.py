"""The partial likelihood of Cox (1972) with ties after Efron (1977), and the baseline hazard that goes with it (Breslow 1974).

At each time of an event the rows at risk are those under observation just before it: entered before, and not gone. Of d events at
one time the l-th is told against the risks of all but l / d of theirs. Logarithms throughout, so no risk is too large.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from sequela.nn.survival.watched import Watched

ELEMENTS = 1 << 22  # of a block of risk sets, where rows enter late


class Told(NamedTuple):
    """Of P rows with an event, by rising time."""

    row: Tensor  # int64 "P"
    time: Tensor  # float "P"
    group: Tensor  # int64 "P": which time, counted from 0
    log_risk: Tensor  # float "P": the log of the risks that each is told against


def told(score: Tensor, watched: Watched, cause: int) -> Told:
    """The events of a cause; `score` "B" is the log of each row's risk. Events of other causes leave the risk sets."""
    rows = (watched.cause == cause).nonzero()[:, 0]
    rows = rows[watched.time[rows].argsort(stable=True)]
    times, group, count = torch.unique_consecutive(watched.time[rows], return_inverse=True, return_counts=True)
    at_risk = log_at_risk(score, watched, times)
    ratio = torch.zeros_like(at_risk).index_add(0, group, (score[rows] - at_risk[group]).exp())
    first = (count.cumsum(0) - count)[group]
    done = (torch.arange(len(rows), device=rows.device) - first) / count[group]
    return Told(rows, watched.time[rows], group, at_risk[group] + torch.log1p(-done * ratio[group]))


def partial(score: Tensor, watched: Watched, cause: int) -> Tensor:
    """Minus the log partial likelihood, "B": of each row its own part, 0 of one without that event.

    Those who share a time share evenly what their risks are told against. The sum is that of Efron.
    """
    none = score.where(torch.zeros_like(watched.cause, dtype=torch.bool), 0.0)
    if not bool((watched.cause == cause).any()):
        return none
    found = told(score, watched, cause)
    count = torch.bincount(found.group)
    shared = torch.zeros(len(count), dtype=score.dtype, device=score.device).index_add(0, found.group, found.log_risk) / count
    return none.index_add(0, found.row, shared[found.group] - score[found.row])


def baseline(score: Tensor, watched: Watched, cause: int) -> tuple[Tensor, Tensor]:
    """The times of the events, rising, "P", and the cumulative hazard of a row of score 0 at each, "P"."""
    found = told(score, watched, cause)
    return found.time, (-found.log_risk).exp().cumsum(0)


def log_at_risk(score: Tensor, watched: Watched, times: Tensor) -> Tensor:
    """The log of the sum of the risks of who is at risk at each of these times, "G"; somebody is at each."""
    if bool((watched.entry > 0).any()):
        some = max(ELEMENTS // max(len(score), 1), 1)
        blocks = [times[first : first + some] for first in range(0, max(len(times), 1), some)]
        return torch.cat([_log_at_risk_late(score, watched, block) for block in blocks])
    by_time = watched.time.sort(stable=True)
    sums = score[by_time.indices].flip(0).logcumsumexp(0).flip(0)
    return sums[torch.searchsorted(by_time.values, times)]


def _log_at_risk_late(score: Tensor, watched: Watched, times: Tensor) -> Tensor:
    """The same, where rows come under observation late."""
    there = (watched.time >= times[:, None]) & (watched.entry < times[:, None])
    return score.expand(len(times), -1).masked_fill(~there, -torch.inf).logsumexp(1)
