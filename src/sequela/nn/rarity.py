"""How rare an error is among those of the rows that a model has learnt from."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

LEVELS = tuple(k / 100 for k in range(1, 100))  # of the errors that are kept
SMALLEST = 1e-12  # an error below this one counts as this one, so that it has a logarithm
STEEPEST = 1e-3  # a tail is no shorter than this: errors that are all alike have none
THINNEST = 0.25  # a share falls by the fourth power at most: faster, it would soon be below what a number next to 1 can tell


class Rarity(nn.Module):
    """The log-odds "B" of the share of errors that are smaller than each of "B", as it was among those told to `settle`.

    Between the hundredths the log-odds run straight over the logarithm of the error. Beyond the last hundredth the share that is
    larger falls as a power of the error, and below the first so does the share that is smaller, each by the mean logarithm of the
    excess (Hill 1975), the fourth at most for large errors: so a larger one is rarer, however large. Until `settle` it is the
    logarithm of the error.
    """

    knots: Tensor
    tails: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("knots", torch.zeros(len(LEVELS), dtype=torch.float64))
        self.register_buffer("tails", torch.zeros(2, dtype=torch.float64))

    @torch.no_grad()
    def settle(self, error: Tensor) -> None:
        """Takes over the errors "n" of rows that were learnt from, each >= 0. Raises ValueError where there is none."""
        if not len(error):
            raise ValueError("no errors to tell rare ones by")
        logs = _log(error).sort().values
        knots = torch.quantile(logs, torch.tensor(LEVELS, dtype=torch.float64, device=logs.device))
        self.knots.copy_(knots)
        self.tails.copy_(torch.stack([_excess(knots[0] - logs, STEEPEST), _excess(logs - knots[-1], THINNEST)]))

    def forward(self, error: Tensor) -> Tensor:
        logs = _log(error)
        if not self.tails.any():
            return logs.to(error.dtype)
        levels = torch.tensor(LEVELS, dtype=torch.float64, device=error.device)
        place = torch.searchsorted(self.knots, logs).clamp(1, len(LEVELS) - 1)
        low, high = self.knots[place - 1], self.knots[place]
        odds = levels.logit()
        inside = torch.lerp(odds[place - 1], odds[place], ((logs - low) / (high - low).clamp_min(SMALLEST)).clamp(0, 1))
        first = math.log(LEVELS[0])
        below = _log_odds(first - (self.knots[0] - logs).clamp_min(0) / self.tails[0])
        above = -_log_odds(first - (logs - self.knots[-1]).clamp_min(0) / self.tails[1])
        found = torch.where(logs < self.knots[0], below, torch.where(logs > self.knots[-1], above, inside))
        return found.to(error.dtype)


def _log(error: Tensor) -> Tensor:
    return error.double().clamp_min(SMALLEST).log()


def _excess(beyond: Tensor, least: float) -> Tensor:
    """The mean of what lies beyond 0."""
    some = beyond[beyond > 0]
    return some.mean().clamp_min(least) if len(some) else beyond.new_tensor(least)


def _log_odds(log_share: Tensor) -> Tensor:
    return log_share - torch.log1p(-log_share.exp())
