"""Mixtures of Weibull distributions for each cause, in the manner of deep survival machines (Nagpal, Li and Dubrawski 2021).

Survival of a cause is a mean of exp(-(t / scale)^shape) over its components; scale, shape and weight of each are the row's own.
What is told of a cause is what would come if there were no other: the causes are taken to race, so the density of one is
multiplied by the survival of the others, and incidence is made of their hazards on a grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sequela.nn.survival import cured, incidence
from sequela.nn.survival.outlook import Chances
from sequela.nn.survival.watched import Watched
from sequela.types import Array, Horizon, Times

EVEN, EARLY = 120, 40  # points of the grid: evenly spaced, and ever closer to 0
EARLIEST = 1e-4  # of the last horizon: the first point
STEEPEST = 2.0  # the shape lies between exp(-2) and exp(2)
SPREAD = 1.0  # how far apart the logs of the scales of the components begin, all in all
LARGEST = 20.0  # the log of a cumulative hazard beyond which it grows straight, so that no row's loss is infinite


@dataclass(frozen=True, slots=True)
class Weibulls:
    """For each cause and component a log-scale, a raw shape and a raw weight; with `cure` the log-odds of being cured besides."""

    causes: int
    horizons: tuple[Horizon, ...]
    mixture: int
    cure: bool = False

    @property
    def joint(self) -> bool:
        return False

    @property
    def size(self) -> tuple[int, int]:
        return 3 * self.causes * self.mixture + self.cure, 0

    def first(self, times: Times) -> tuple[Tensor, Tensor]:
        """Constant hazards: scales around the time under observation for each event of the cause.

        With `cure` half of those to whom it did not come are taken to be cured.
        """
        watched = (times.time - times.entry).sum()
        events = np.array([(times.cause == k).sum() for k in range(1, self.causes + 1)])
        share = 0.5 * (times.cause == 0).mean() if self.cure else 0.0
        apart = np.linspace(-0.5, 0.5, self.mixture) * SPREAD if self.mixture > 1 else np.zeros(1)
        scale = np.log((1 - share) * watched / (events + 0.5))[:, None] + apart
        bias = np.stack([scale, np.zeros_like(scale), np.zeros_like(scale)])
        odds = [np.log((share + 0.01) / (1 - share))] if self.cure else []
        return torch.as_tensor(np.concatenate([bias.ravel(), odds])), torch.zeros(0)

    def loss(self, out: Tensor, watched: Watched) -> Tensor:
        told, odds = self._apart(out)
        density, survival = _weibull(told, watched.time[:, None])
        given = _weibull(told, watched.entry.clamp_min(watched.time * 1e-12)[:, None])[1][:, :, 0].where(
            watched.entry[:, None] > 0, 0.0
        )
        left, before = survival[:, :, 0].sum(1), given.sum(1)
        own = (watched.cause - 1).clamp_min(0)[:, None]
        hazard = (density - survival)[:, :, 0].gather(1, own)[:, 0]
        came = left + hazard
        if odds is not None:
            came, left, before = cured.log_event(came, odds), cured.log_survival(left, odds), cured.log_survival(before, odds)
        return before - torch.where(watched.cause > 0, came, left)

    def chances(self, out: Tensor) -> Chances:
        told, odds = self._apart(out.double())
        grid = torch.as_tensor(self.grid(), device=out.device)
        _, survival = _weibull(told, grid.expand(len(out), -1))
        if odds is not None:
            survival = cured.log_survival(survival, odds[:, None, None])
        return Chances(grid, incidence.of_hazards(-survival))

    def grid(self) -> Array:
        """Days, float64, rising to the last horizon, with every horizon among them."""
        last = self.horizons[-1].days
        early = np.geomspace(EARLIEST, 1 / EVEN, EARLY, endpoint=False)
        points = np.concatenate([early, np.linspace(0, 1, EVEN + 1)[1:]]) * last
        return np.unique(np.concatenate([points, [horizon.days for horizon in self.horizons]]))

    def _apart(self, out: Tensor) -> tuple[Tensor, Tensor | None]:
        """Log-scale, log-shape and log-weight of each component, "B 3 K J"; the log-odds of being cured, "B"."""
        told, _ = self.size
        scale, raw, weight = out[:, : told - self.cure].view(-1, 3, self.causes, self.mixture).unbind(1)
        shape = STEEPEST * torch.tanh(raw / STEEPEST)
        return torch.stack([scale, shape, weight.log_softmax(2)], 1), out[:, told - 1] if self.cure else None


def _weibull(told: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Of what is told "B 3 K J", the log-density a day and the log-survival of each cause at times "B G", both "B K G"."""
    scale, shape, weight = told.unsqueeze(4).unbind(1)  # "B K J 1"
    log_time = time.log()[:, None, None, :]
    power = shape.exp() * (log_time - scale)
    hazard = power.clamp_max(LARGEST).exp() + math.exp(LARGEST) * functional.relu(power - LARGEST)
    density = shape + power - log_time - hazard
    return (weight + density).logsumexp(2), (weight - hazard).logsumexp(2)
