"""Hazards in proportion (Cox 1972): a score for each cause that multiplies a hazard which is common to all rows.

Nets are taught by the partial likelihood of each cause over the risk sets of the batch (Katzman 2018, DeepSurv).
Ties are Efron's. The common hazards are told from the training rows once the weights are what they are. They are kept on a grid
of quantiles of the event times and the horizons, several events between two points, and incidence is straight between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sequela.nn.survival import edges, efron, incidence
from sequela.nn.survival import watched as seen
from sequela.nn.survival.outlook import Chances, Outlook
from sequela.nn.survival.watched import Watched
from sequela.types import Horizon, Times

POINTS = 100  # of the grid, besides the horizons
SMALLEST = 1e-30  # a cumulative hazard of 0 is this, so that it has a logarithm


@dataclass(frozen=True, slots=True)
class Proportional:
    """K scores a row; for all, the times of the grid and the log of the common cumulative hazard of each cause there."""

    causes: int
    horizons: tuple[Horizon, ...]

    @property
    def joint(self) -> bool:
        return True

    @property
    def points(self) -> int:
        return POINTS + len(self.horizons)

    @property
    def size(self) -> tuple[int, int]:
        return self.causes, self.points * (1 + self.causes)

    def first(self, times: Times) -> tuple[Tensor, Tensor]:
        """Scores of 0, and the hazards of the training rows as they are."""
        rows = seen.of_times(times, torch.device("cpu"))
        nothing = torch.zeros(len(times), self.causes, dtype=torch.float64)
        return torch.zeros(self.causes), self._knots(nothing, times, rows)

    @torch.no_grad()
    def settle(self, head: Outlook, out: Tensor, times: Times) -> None:
        """Tells the head the common hazards, by its output of the rows that it learnt from."""
        head.knots.copy_(self._knots(out[:, : self.causes].double(), times, seen.of_times(times, out.device)))

    def loss(self, out: Tensor, watched: Watched) -> Tensor:
        """Of each row its part of the partial likelihood of the rows given; one without an event has 0, and is in risk sets."""
        each = [efron.partial(out[:, k], watched, k + 1) for k in range(self.causes)]
        return torch.stack(each).sum(0)

    def chances(self, out: Tensor) -> Chances:
        numbers = out.double()
        knots = numbers[0, self.causes :]
        grid, log_hazard = knots[: self.points], knots[self.points :]
        width = edges.real(grid)
        common = log_hazard.view(self.causes, self.points)[:, width]
        return Chances(grid[width], incidence.of_hazards((numbers[:, : self.causes, None] + common).exp()))

    def _knots(self, score: Tensor, times: Times, rows: Watched) -> Tensor:
        """The grid and the log of the common cumulative hazards there, float "points (1 + K)"."""
        grid = edges.padded(edges.chosen(times, self.horizons, self.points), self.points).to(score.device)
        each = [_on_grid(*efron.baseline(score[:, k], rows, k + 1), grid) for k in range(self.causes)]
        return torch.cat([grid, *(hazard.clamp_min(SMALLEST).log().to(grid.dtype) for hazard in each)])


def _on_grid(time: Tensor, hazard: Tensor, grid: Tensor) -> Tensor:
    """The cumulative hazard "P" of event times "P" at the times of the grid: a step at each event."""
    place = torch.searchsorted(time, grid, right=True)
    return torch.cat([hazard.new_zeros(1), hazard])[place]
