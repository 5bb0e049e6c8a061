"""The chance of each cause in each interval at once, and risks that rank: DeepHit (Lee, Zame, Yoon and van der Schaar 2018).

One softmax over K causes in M intervals and "later than all of them" (Lee has no such place: there everybody has the event by the
last time). The loss is minus the log-likelihood, and alpha times how badly risks rank: of a row with an event, the sum of
exp(-(F own - F other) / sigma) over the rows that were under observation and free of it then, over the rows of the batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sequela.nn.survival import edges
from sequela.nn.survival.hazards import counted, smoothed
from sequela.nn.survival.outlook import Chances
from sequela.nn.survival.watched import Watched
from sequela.types import Horizon, Times

ELEMENTS = 1 << 22  # pairs that are compared at once


@dataclass(frozen=True, slots=True)
class Masses:
    """K M + 1 logits a row, and M edges for all."""

    causes: int
    horizons: tuple[Horizon, ...]
    bins: int
    alpha: float
    sigma: float

    @property
    def joint(self) -> bool:
        return self.alpha > 0

    @property
    def size(self) -> tuple[int, int]:
        return self.causes * self.bins + 1, self.bins

    def first(self, times: Times) -> tuple[Tensor, Tensor]:
        """Edges by the event times, and the masses that the hazards of the training rows make."""
        chosen = edges.chosen(times, self.horizons, self.bins)
        events, exposed = counted(times, chosen, self.causes)
        hazard = smoothed(events, exposed)
        left = np.cumprod(1 - hazard.sum(0))
        logits = np.log(hazard * np.concatenate([[1.0], left[:-1]]))
        bias = np.pad(logits, ((0, 0), (0, self.bins - len(chosen)))).ravel()
        return torch.as_tensor(np.append(bias, np.log(left[-1]))), edges.padded(chosen, self.bins)

    def loss(self, out: Tensor, watched: Watched) -> Tensor:
        log_mass, cuts = self._apart(out)
        seen = watched.until(cuts[-1])
        place = edges.lying(seen.time, cuts).bin
        own = log_mass.gather(1, ((seen.cause - 1).clamp_min(0) * self.bins + place)[:, None])[:, 0]
        left, given = (self._log_left(log_mass, edges.lying(time, cuts)) for time in (seen.time, seen.entry))
        likelihood = given - torch.where(seen.cause > 0, own, left)
        return likelihood + self.alpha * self._misranked(log_mass, seen, place) if self.alpha else likelihood

    def chances(self, out: Tensor) -> Chances:
        log_mass, cuts = self._apart(out.double())
        width = edges.real(cuts)
        return Chances(cuts[width], self._incidence(log_mass)[:, :, width])

    def _apart(self, out: Tensor) -> tuple[Tensor, Tensor]:
        """Log-masses "B K*M+1", -inf in intervals of no width, and the edges "M"."""
        told, _ = self.size
        cuts = out[0, told:].detach()
        none = torch.cat([~edges.real(cuts).repeat(self.causes), cuts.new_zeros(1, dtype=torch.bool)])
        return out[:, :told].masked_fill(none, -torch.inf).log_softmax(1), cuts

    def _incidence(self, log_mass: Tensor) -> Tensor:
        return log_mass[:, :-1].exp().view(-1, self.causes, self.bins).cumsum(2)

    def _log_left(self, log_mass: Tensor, at: edges.Lying) -> Tensor:
        """The log-chance "B" of nothing until a time: all later masses, and what is left of its own interval's."""
        place = torch.arange(self.bins, device=log_mass.device)
        later = (place > at.bin[:, None]).to(log_mass.dtype)
        weight = torch.where(place == at.bin[:, None], 1 - at.share[:, None], later).repeat(1, self.causes)
        return (log_mass + torch.nn.functional.pad(weight, (0, 1), value=1.0).log()).logsumexp(1)

    def _misranked(self, log_mass: Tensor, seen: Watched, place: Tensor) -> Tensor:
        incidence = self._incidence(log_mass)
        found = log_mass.new_zeros(len(log_mass))
        for rows in _blocks(seen.cause > 0):
            of_all = incidence[:, seen.cause[rows] - 1, place[rows]]  # "B P": by the time of each of the events
            own = of_all[rows, torch.arange(len(rows), device=rows.device)]
            free = (seen.time[:, None] > seen.time[rows]) & (seen.entry[:, None] < seen.time[rows])
            pair = torch.exp((of_all - own) / self.sigma).where(free, 0.0)
            found = found.index_add(0, rows, pair.sum(0) / len(log_mass))
        return found


def _blocks(event: Tensor) -> Iterator[Tensor]:
    """The rows with an event, so many at a time that their pairs with all rows fit into memory."""
    rows = event.nonzero()[:, 0]
    some = max(ELEMENTS // max(len(event), 1), 1)
    for first in range(0, len(rows), some):
        yield rows[first : first + some]
