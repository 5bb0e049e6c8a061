"""When will it come, and which of several comes first? Curves of the chance of each cause by each day up to the last horizon.

by = "hazards"   hazards of intervals, a softmax over the causes in each (nn/survival/hazards.py): makes no assumption of shape
by = "cox"       hazards in proportion to a common one, taught by the partial likelihood (nn/survival/proportional.py)
by = "deephit"   the chance of each cause in each interval, taught to rank besides (nn/survival/masses.py)
by = "weibull"   a mixture of Weibull distributions for each cause (nn/survival/weibull.py): few numbers, smooth

The first event counts; a row that is censored says that nothing came until then, one that came under observation late says
nothing of the time before. The loss of a row is its own, but with "cox" and "deephit" it is told against the rows of its batch
(take large ones, train.batch = 256 or so), and tune is judged as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.nn import functional

from sequela.config import Study
from sequela.errors import ConfigError, DataError
from sequela.nn import head as heads
from sequela.nn.survival import watched
from sequela.nn.survival.hazards import Hazards
from sequela.nn.survival.masses import Masses
from sequela.nn.survival.outlook import Manner, Outlook
from sequela.nn.survival.proportional import Proportional
from sequela.nn.survival.weibull import Weibulls
from sequela.study import follow_up
from sequela.types import Answer, Array, Curves, Horizon, Spec, Target, Times

_CURABLE = ("hazards", "weibull")


class Config(heads.Config, frozen=True):
    by: Literal["hazards", "cox", "deephit", "weibull"] = "hazards"
    bins: Annotated[int, Meta(ge=1)] = 20  # of hazards, deephit: intervals up to the last horizon, fewer where events are few
    mixture: Annotated[int, Meta(ge=1)] = 3  # of weibull: components of each cause
    alpha: Annotated[float, Meta(ge=0)] = 0.2  # of deephit: weight of ranking beside the likelihood
    sigma: Annotated[float, Meta(gt=0)] = 0.1  # of deephit: how far apart risks should be; smaller is sharper
    cure: bool = False  # of hazards and weibull, with one cause: a share of each row's like never has the event


@dataclass(frozen=True, slots=True)
class Survival:
    """Curves of K causes a row."""

    config: Config
    names: tuple[str, ...]
    horizons: tuple[Horizon, ...] = ()  # of the outcome, once the study is known
    needs: ClassVar[Literal["pooled"]] = "pooled"
    kind: ClassVar[Literal["survival"]] = "survival"

    @property
    def joint(self) -> bool:
        """Whether the loss of a row depends on the rows beside it."""
        return self._manner.joint

    @property
    def _manner(self) -> Manner:
        if not self.horizons:
            raise ValueError("the task was not told of the study's horizons")
        causes, config = len(self.names), self.config
        if config.by == "cox":
            return Proportional(causes, self.horizons)
        if config.by == "deephit":
            return Masses(causes, self.horizons, config.bins, config.alpha, config.sigma)
        if config.by == "weibull":
            return Weibulls(causes, self.horizons, config.mixture, config.cure)
        return Hazards(causes, self.horizons, config.bins, config.cure)

    def check(self, target: Target) -> None:
        """Raises DataError where a time or a cause cannot be, nothing came to any row, or a cause to none by the last horizon."""
        known = target.known[:, 0]
        if not known.any():
            raise DataError(f"none of {len(known)} training rows has a time to {' or '.join(map(repr, self.names))}")
        times = _times(target)
        _refuse_odd(times, len(self.names))
        if not (times.cause > 0).any():
            raise DataError(
                f"all {len(times)} training rows are censored: nothing was seen to come to any",
                hint="look at the codes of the outcome, at follow_up and at the split",
            )
        last = self.horizons[-1] if self.horizons else Horizon("the end", float(times.time.max()))
        _refuse_unseen(times, last)
        for number, name in enumerate(self.names, 1):
            if not ((times.cause == number) & (times.time <= last.days)).any():
                raise DataError(
                    f"{name!r} came to none of {len(times)} training rows by {last.label}",
                    hint="gather it with another cause in outcome.classes, ask for a later horizon, or look at the split",
                )

    def head(self, width: int) -> nn.Module:
        return Outlook(width, *self._manner.size, self.config)

    def start(self, head: nn.Module, target: Target) -> None:
        """Sets the edges or the grid by the event times, and the first answers to what came to the training rows."""
        assert isinstance(head, Outlook)
        head.begin(*self._manner.first(_times(target)))

    def settle(self, head: nn.Module, out: Tensor, target: Target) -> None:
        """With by = "cox", tells the head the hazards that are common to all rows; the others have nothing to be told."""
        assert isinstance(head, Outlook)
        if isinstance(manner := self._manner, Proportional):
            known = torch.as_tensor(target.known[:, 0], device=out.device)
            manner.settle(head, out[known], _times(target))

    def loss(self, out: Tensor, target: Target) -> Tensor:
        """Minus the log-likelihood of each row, 0 where it is not known; with cox and deephit, beside the rows of the batch."""
        rows = target.known[:, 0].nonzero()[:, 0]
        found = out[:, 0].where(torch.zeros_like(target.known[:, 0]), 0.0)  # a batch without a label has a gradient, of 0
        if not len(rows):
            return found
        return found.index_add(0, rows, self._manner.loss(out[rows], watched.of_target(target).take(rows)))

    def balance(self, target: Target) -> Array:
        """Raises ConfigError: who is censored is of no class."""
        raise ConfigError("times to events have no classes to balance", hint='take train.balance = "none"')

    def by_last_horizon(self, out: Tensor) -> Tensor:
        """The chance of each cause by the last horizon, float64 "B K": what `answer` tells first, with a gradient."""
        times, incidence = self._manner.chances(out)
        grid, told = functional.pad(times, (1, 0)), functional.pad(incidence, (1, 0))
        asked = times.new_tensor(self.horizons[-1].days).clamp(max=times[-1])
        right = int(torch.searchsorted(grid, asked).clamp(1, len(times)))
        share = (asked - grid[right - 1]) / (grid[right] - grid[right - 1])
        return torch.lerp(told[..., right - 1], told[..., right], share)

    def answer(self, out: Tensor) -> Answer:
        times, incidence = self._manner.chances(out.detach())
        curves = Curves(times.cpu().numpy(), incidence.cpu().numpy())
        return Answer("curves", curves.at(self.horizons[-1].days), self.names, curves=curves)


def _times(target: Target) -> Times:
    """Of the known rows."""
    assert isinstance(target.dense, Times)
    return target.dense.take(target.known[:, 0])


def _refuse_odd(times: Times, causes: int) -> None:
    """Raises DataError for a time that is no time after the prediction, or a cause that has no name."""
    timed = np.isfinite(times.time) & (times.entry >= 0) & (times.entry < times.time)
    if odd := int((~timed).sum()):
        raise DataError(f"{odd} of {len(times)} times are not after the prediction and the begin of observation")
    if odd := int((~np.isin(times.cause, np.arange(causes + 1))).sum()):
        raise DataError(f"{odd} of {len(times)} labels are none of the causes 0 to {causes}", hint="0 is: none was seen")


def _refuse_unseen(times: Times, last: Horizon) -> None:
    """Raises DataError where nobody was watched until the last horizon, and not all had had an event by then."""
    longest = float(times.time.max())
    if longest < last.days and (times.cause[times.time == longest] == 0).any():
        raise DataError(
            f"none of {len(times)} training rows was watched until {last.label}: the longest for {longest:.0f} days",
            hint="outcome.horizons end where the follow-up of the training rows does, or before",
        )


def build(config: Config, names: tuple[str, ...]) -> Survival:
    """Raises ConfigError without a cause, and for a cure where there cannot be one."""
    if not names:
        raise ConfigError("survival needs one cause or more", hint='outcome.code = ["EVENT//death"]')
    if config.cure and config.by not in _CURABLE:
        raise ConfigError(f"task.cure is not for by = {config.by!r}", hint=f"only for {', '.join(_CURABLE)}")
    if config.cure and len(names) > 1:
        raise ConfigError(
            f"task.cure is of one cause, the outcome has {len(names)}: {', '.join(names)}",
            hint="who has one of them never has the others: several causes need no cure to stay below 1",
        )
    return Survival(config, names)


def placed(task: Survival, study: Study, specs: Mapping[str, Spec]) -> Survival:
    """The task with the horizons of the outcome.

    Raises ConfigError where there are none, more of them than intervals, or rows with nothing beside them to be told against.
    """
    horizons = follow_up.horizons_of(study.outcome)
    if task.config.by == "cox" and study.train.batch < 2:
        raise ConfigError(
            "train.batch = 1 teaches nothing by Cox: a row is told against those beside it", hint="train.batch = 256"
        )
    if task.config.by in ("hazards", "deephit") and task.config.bins < len(horizons):
        raise ConfigError(
            f"task.bins = {task.config.bins} intervals cannot end at each of {len(horizons)} horizons",
            hint=f"bins = {5 * len(horizons)}, or fewer horizons",
        )
    return replace(task, horizons=horizons)
