"""How long each row of a batch was under observation, and what ended that."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from sequela.types import Target, Times


class Watched(NamedTuple):
    """Of B rows: days after the prediction, as tensors."""

    time: Tensor  # float "B", > 0: of the event, or of the end of observation
    cause: Tensor  # int64 "B": 0 where nothing came, k of the k-th cause
    entry: Tensor  # float "B": under observation only from then on, in [0, time)

    def take(self, rows: Tensor) -> Watched:
        return Watched(self.time[rows], self.cause[rows], self.entry[rows])

    def until(self, day: Tensor) -> Watched:
        """As if nobody had looked after that day; who came under observation later adds nothing to any likelihood."""
        beyond = self.time > day
        cause = self.cause.where(~beyond, 0)
        return Watched(self.time.minimum(day), cause, self.entry.minimum(day))


def of_target(target: Target) -> Watched:
    """Of the rows of a batch; `target.dense` is float "B 3"."""
    time, cause, entry = target.dense.unbind(1)
    return Watched(time, cause.long(), entry)


def of_times(times: Times, device: torch.device) -> Watched:
    """Of rows in NumPy, with times as a batch has them: rounded to float32, so that ties are the same."""
    laid = torch.as_tensor(times.laid(), device=device)
    return Watched(laid[:, 0], laid[:, 1].long(), laid[:, 2])
