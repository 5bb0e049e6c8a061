"""Networks that go on from a state: where that is exact, rows that see all that is known cost what is new since the row before.

It is exact where each row's steps are those of the row before and some more: windows of fixed length whose stride divides the
time between predictions, one signal, every row asked; and where the network is `Stateful`. Elsewhere rows are read anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from sequela import config
from sequela.bundle.predictor import Predictor
from sequela.config import Study
from sequela.contracts import Fitted, Stateful
from sequela.modalities.waveform import WaveformInput
from sequela.model import Model
from sequela.monitoring import needs
from sequela.monitoring.recording import SECOND, Signal
from sequela.study import cut
from sequela.types import Cohort, Seq

FINEST = 4  # samples: a shorter stride leaves no room for the rounding of stamps


class Carried(nn.Module):
    """A model of one input whose rows, in order, each bring only the steps that the row before did not have."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model
        self.state: Any = None

    def seen(self, inputs: Mapping[str, Seq]) -> list[dict[str, Seq]]:
        """As Model.seen."""
        return self.model.seen(inputs)

    def forward(self, inputs: Mapping[str, Seq]) -> Tensor:
        """As Model.forward."""
        ((name, rows),) = inputs.items()
        ends = rows.mask.sum(1).cumsum(0) - 1
        encoder = cast(Stateful, self.model.encoders[f"input_{name}"])
        encoded, self.state = encoder.carry(_one(rows), self.state, ends)
        found: Tensor = self.model.head(replace(encoded, mask=rows.mask, seq=rows))
        return found


def _one(rows: Seq) -> Seq:
    """The steps of all rows as those of one."""
    mask = rows.mask
    parts = {name: getattr(rows, name) for name in ("values", "position", "seen", "side")}
    laid = {name: None if part is None else part[mask].unsqueeze(0) for name, part in parts.items()}
    context = None if rows.context is None else rows.context[:1]
    return Seq(mask=torch.ones(1, int(mask.sum()), dtype=torch.bool, device=mask.device), context=context, **laid)


@dataclass
class Carrier:
    """The predictor whose networks keep their state, and how far back a row is read for the steps that are new."""

    predictor: Predictor
    look: int  # microseconds
    start: int  # of the signal
    begun: bool = False

    @property
    def reach(self) -> int | None:
        """Microseconds before a prediction that are still read; None: as long as none was made, all of them."""
        return self.look if self.begun else None

    def lots(self, rows: Cohort) -> Iterator[tuple[Cohort, int | None]]:
        """The rows in order, with the history that is read: all that is known, from no state, as long as a record is short."""
        time = cut.microseconds_of(rows.time)
        early = time - self.look <= self.start
        early[0] |= not self.begun
        self.begun = True
        for i in np.flatnonzero(early):
            for member in self.predictor.members:
                cast(Carried, member).state = None
            yield rows.take(np.array([i])), None
        if not early.all():
            yield rows.take(np.flatnonzero(~early)), self.look


def carrier(predictor: Predictor, study: Study, signals: tuple[Signal, ...]) -> Carrier | None:
    """None where states would not be exact."""
    if not _simple(predictor, study):
        return None
    (fitted,) = predictor.fitted.values()
    stride = _stride(fitted, study, signals)
    if stride is None:
        return None
    look, signal = stride
    members = [cast(Model, Carried(member)) for member in predictor.members]
    return Carrier(replace(predictor, members=members), look, signal.start)


def _simple(predictor: Predictor, study: Study) -> bool:
    """One input, one row after another with all that is known, networks that go on."""
    plan = study.cohort
    asked = plan.exclude or any(window.has or window.same_visit for window in plan.windows.values()) or plan.at_end
    if len(predictor.fitted) > 1 or predictor.partners or predictor.task.needs != "pooled" or needs.tags(study):
        return False
    if plan.history is not None or not plan.every or asked:
        return False
    encoders = [encoder for member in predictor.members for encoder in member.encoders.values()]
    return all(isinstance(one, Stateful) and one.carries for one in encoders) and not any(one.views for one in predictor.members)


def _stride(fitted: Fitted, study: Study, signals: tuple[Signal, ...]) -> tuple[int, Signal] | None:
    """How far back the steps that are new at each prediction are read, in microseconds, and the signal that they are cut from."""
    modality = fitted.modality
    if not isinstance(modality, WaveformInput):
        return None
    options, own = modality.config, [signal for signal in signals if signal.code == modality.config.code]
    if options.window != "fixed" or options.most is not None or options.least_quality or len(own) != 1:
        return None
    rate = own[0].rate_hz
    shape = modality.shape(fitted.state.rate_hz)
    exact = config.microseconds(options.stride or options.length) / SECOND * rate
    between, stride = needs.every(study) / SECOND * rate, round(exact)
    if stride < FINEST or stride != exact or between != round(between) or round(between) % stride:
        return None
    new = round(between) // stride
    samples = shape.context(rate) + shape.read_from(rate) + (new - 1) * stride + stride // 2
    return round(samples / rate * SECOND), own[0]
