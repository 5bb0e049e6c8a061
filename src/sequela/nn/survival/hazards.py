"""Hazards of intervals: of who is left at the start of one, how many does each cause take within it.

A softmax over the K causes and "none of them" for each interval (Tutz 1995, competing risks; Lee 2018 calls the likelihood by its
name; Gensheimer and Narasimhan 2019 teach it to nets). Survival is the product of what is left, so curves are proper whatever
the net says. Incidence is straight within an interval: of one who is seen for the share f of it, survival is multiplied by
1 - f h; of one who comes under observation at the share f, all is given that, so intervals before it add nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sequela.nn.survival import cured, edges
from sequela.nn.survival.edges import Lying
from sequela.nn.survival.outlook import Chances
from sequela.nn.survival.watched import Watched
from sequela.types import Array, Horizon, Times

NEAR_ALL = 1 - 1e-6  # shares of an interval above this are all of it
OVER = 20.0  # log-odds of the last interval of those who are not cured: none of them outlives it


@dataclass(frozen=True, slots=True)
class Hazards:
    """K M logits a row, K that are added in every interval, and M edges for all; with `cure` the log-odds of being cured besides.

    What raises the hazard throughout is so learnt at once, as in Cox, and each interval learns how it differs.
    """

    causes: int
    horizons: tuple[Horizon, ...]
    bins: int
    cure: bool = False

    @property
    def joint(self) -> bool:
        return False

    @property
    def size(self) -> tuple[int, int]:
        return self.causes * (self.bins + 1) + self.cure, self.bins

    def first(self, times: Times) -> tuple[Tensor, Tensor]:
        """Edges by the event times, and the hazards of the training rows, with half an event more in each interval."""
        chosen = edges.chosen(times, self.horizons, self.bins)
        events, exposed = counted(times, chosen, self.causes)
        hazard, odds = smoothed(events, exposed), np.zeros(0)
        if self.cure:
            hazard, odds = _of_others(hazard)
        logits = np.log(hazard) - np.log1p(-hazard.sum(0))
        bias = np.pad(logits, ((0, 0), (0, self.bins - len(chosen)))).ravel()
        return torch.as_tensor(np.concatenate([bias, np.zeros(self.causes), odds])), edges.padded(chosen, self.bins)

    def loss(self, out: Tensor, watched: Watched) -> Tensor:
        logits, odds, cuts = self._apart(out)
        seen = watched.until(cuts[-1])
        causes = logits.logsumexp(1)
        ends, begins = edges.lying(seen.time, cuts), edges.lying(seen.entry, cuts)
        came = _log_event(logits, causes, ends.bin, seen.cause)
        left, given = _log_left(causes, ends), _log_left(causes, begins)
        if odds is not None:
            came, left, given = cured.log_event(came, odds), cured.log_survival(left, odds), cured.log_survival(given, odds)
        return given - torch.where(seen.cause > 0, came, left)

    def chances(self, out: Tensor) -> Chances:
        logits, odds, cuts = self._apart(out.double())
        causes = logits.logsumexp(1)
        stays = functional.logsigmoid(-causes)
        before = (stays.cumsum(1) - stays).unsqueeze(1)
        mass = (before + logits + stays.unsqueeze(1)).exp()
        if odds is not None:
            mass = mass * torch.sigmoid(-odds)[:, None, None]
        width = edges.real(cuts)
        return Chances(cuts[width], mass.cumsum(2)[:, :, width])

    def _apart(self, out: Tensor) -> tuple[Tensor, Tensor | None, Tensor]:
        """Logits "B K M", the log-odds of being cured "B", and the edges "M"."""
        told, _ = self.size
        own = out[:, : self.causes * (self.bins + 1)]
        logits = own[:, : -self.causes].view(-1, self.causes, self.bins) + own[:, -self.causes :].unsqueeze(2)
        cuts = out[0, told:].detach()
        if not self.cure:
            return logits, None, cuts
        last = torch.arange(self.bins, device=out.device) == int(edges.real(cuts).sum()) - 1
        return logits.masked_fill(last, OVER), out[:, told - 1], cuts


def _log_event(logits: Tensor, causes: Tensor, place: Tensor, cause: Tensor) -> Tensor:
    """The log-chance "B" of the event of that cause in that interval; of no cause, that of the first, which nobody asks for."""
    stays = functional.logsigmoid(-causes)
    row = torch.arange(len(logits), device=logits.device)
    own = logits[row, (cause - 1).clamp_min(0), place] + stays[row, place]
    return _before(stays, place) + own


def _log_left(causes: Tensor, at: Lying) -> Tensor:
    """The log-chance "B" of nothing until a time: the intervals before, and the share of its own."""
    stays = functional.logsigmoid(-causes)
    own = stays.gather(1, at.bin[:, None])[:, 0]
    hazard = causes.gather(1, at.bin[:, None])[:, 0].sigmoid()
    part = torch.log1p(-at.share.clamp_max(NEAR_ALL) * hazard)
    return _before(stays, at.bin) + torch.where(at.share > NEAR_ALL, own, part)


def _before(stays: Tensor, place: Tensor) -> Tensor:
    """The sum "B" of "B M" over the intervals before that place."""
    earlier = torch.arange(stays.shape[1], device=stays.device) < place[:, None]
    return stays.where(earlier, 0.0).sum(1)


def counted(times: Times, cuts: Array, causes: int) -> tuple[Array, Array]:
    """The events of each cause in each interval "K M", and the rows left in it "M", by the share of it that they were seen."""
    start = np.concatenate([[0.0], cuts[:-1]])
    time, entry = times.time[:, None], times.entry[:, None]
    inside = (time > start) & (time <= cuts)
    event = inside & (times.cause > 0)[:, None]
    seen = np.where(event, cuts, np.minimum(time, cuts)) - np.maximum(entry, start)
    exposed = np.clip(seen / (cuts - start), 0, 1).sum(0)
    events = np.stack([(event & (times.cause == k)[:, None]).sum(0) for k in range(1, causes + 1)])
    return events.astype(np.float64), exposed


def smoothed(events: Array, exposed: Array) -> Array:
    """The hazard of each cause in each interval, "K M", with half a row added for each cause and for none."""
    half = 0.5 * (len(events) + 1)
    found: Array = (events + 0.5) / (np.maximum(exposed, events.sum(0)) + half)
    return found


def _of_others(hazard: Array) -> tuple[Array, Array]:
    """The hazards "1 M" of the others where whoever outlasts the last interval is cured, and the log-odds of being cured "1"."""
    left = np.cumprod(1 - hazard[0])
    mass = hazard[0] * np.concatenate([[1.0], left[:-1]])
    others = mass / mass[::-1].cumsum()[::-1]
    return np.minimum(others, NEAR_ALL)[None], np.log(left[-1:] / (1 - left[-1:]))
