"""An exponential average of the weights over the steps, often better than the last weights (Polyak & Juditsky 1992)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

from sequela.train.state import State


class Average:
    """The average that a state keeps, with its decay; a decay of 0 keeps none, and the weights are the model's own.

    Early on the decay is (1 + t) / (10 + t) at most, so that the first weights are soon forgotten (as TensorFlow's average does).
    Counters (whole numbers) are taken over as they are.
    """

    def __init__(self, state: State, decay: float) -> None:
        self.state, self.decay = state, decay

    def weights(self) -> Mapping[str, Tensor]:
        """Those to judge and to keep."""
        return self.state.average or self.state.model.state_dict()

    def update(self, step: int) -> None:
        """Moves the average towards the weights after a step, counted from 0."""
        if not self.decay:
            return
        live = {name: value.detach() for name, value in self.state.model.state_dict().items()}
        if not self.state.average:
            self.state.average = {name: value.clone() for name, value in live.items()}
            return
        moving = [name for name, value in live.items() if value.is_floating_point()]
        share = 1 - min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_([self.state.average[name] for name in moving], [live[name] for name in moving], share)
        for name in live.keys() - set(moving):
            self.state.average[name].copy_(live[name])

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model with the averaged weights; afterwards with its own again, to the bit."""
        if not self.state.average:
            yield
            return
        own = {name: value.clone() for name, value in self.state.model.state_dict().items()}
        self.state.model.load_state_dict(self.state.average)
        try:
            yield
        finally:
            self.state.model.load_state_dict(own)
