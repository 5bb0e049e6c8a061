"""How will it go on? A quantity at several times ahead: the middle and quantiles of each, in the unit of the target.

`direct` answers all times from one vector. `recursive` foresees one step of its own input, takes the middle of that for the next
step seen, reads the whole series anew and goes on, in training as afterwards; it needs a regular series of the very quantities
that it foresees, and costs the encoder once for each time ahead. Quantiles are learnt by their pinball loss and never cross.

A number read once says where the middle lies, not how far the next one may be from it. So the head of `recursive` tells how far
quantiles of one step lie apart, and how that grows with the steps is learnt, a factor for each; `direct` learns each for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela import config as configs
from sequela.config import Study
from sequela.errors import ConfigError
from sequela.nn import head as heads
from sequela.nn import loss as losses
from sequela.nn import quantile, rollout
from sequela.nn.rollout import Encode, Series
from sequela.study import ahead
from sequela.tasks import regression
from sequela.types import Answer, Array, Encoded, Quantiles, Seq, Spec, Target

Level = Annotated[float, Meta(gt=0, lt=1)]
_HINT = 'modality = { name = "measurements", scale = "standard", clip = 0, … }'


class Config(heads.Config, frozen=True):
    mode: Literal["direct", "recursive"] = "direct"
    quantiles: tuple[Level, ...] = (0.1, 0.25, 0.5, 0.75, 0.9)  # rising, in pairs around 0.5
    from_last: bool = False  # answers begin at the last value seen: learnt is the change, and how much of the value is kept
    lags: Annotated[int, Meta(ge=1)] = 1  # of direct, with from_last: they begin at a straight line of so many last values
    conformal: bool = True  # intervals are moved on tune until they hold there what they promise


class Direct(nn.Module):
    """For each row K times Q quantiles in the unit of the target, then the K spreads by which the loss is measured.

    Mean and spread are buffers, so they are saved with the weights. They are not a number until `start`, so that a model that
    was never told its targets cannot answer.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, width: int, columns: int, config: Config, series: Series | None) -> None:
        super().__init__()
        self.shape = columns, len(config.quantiles)
        self.head = heads.Head(width, columns * len(config.quantiles), config)
        self.register_buffer("mean", torch.full((columns,), torch.nan))
        self.register_buffer("spread", torch.full((columns,), torch.nan))
        self.series = series
        self.kept = nn.Parameter(torch.eye(1, config.lags).repeat(columns, 1)) if config.from_last else None

    def forward(self, encoded: Encoded) -> Tensor:
        score = quantile.spread_out(self.head(encoded).view(-1, *self.shape))
        if self.kept is not None:
            score = score + (self.kept * self._last(encoded.seq)).sum(2, keepdim=True)
        return told(self.mean, self.spread, score)

    def _last(self, seq: Seq | None) -> Tensor:
        """The last value of each column's quantity, and those before it less it, "B K lags", as the targets are scaled.

        They are 0 where none was seen.
        """
        if seq is None or self.series is None or self.kept is None:
            raise ValueError("this head needs the series that was read")
        last, seen = rollout.last_seen(seq, self.series.columns, self.kept.shape[1])
        natural = self.series.natural(last, self.series.columns)
        scaled = ((natural - self.mean[:, None]) / self.spread[:, None]).where(seen.unsqueeze(2), 0.0)
        return torch.cat([scaled[:, :, :1], scaled[:, :, 1:] - scaled[:, :, :1]], 2)

    @torch.no_grad()
    def begin(self, mean: Tensor, spread: Tensor, quantiles: Tensor) -> None:
        """Sets mean and spread "K" of the targets, and the first answers to these quantiles "K Q" of them, scaled."""
        self.mean.copy_(mean)
        self.spread.copy_(spread)
        self.head.begin_at(quantile.raw_of(quantiles.to(self.mean)).flatten())


class Recursive(nn.Module):
    """The same, of a head that foresees one step; `rolled` takes it as far as is asked."""

    mean: Tensor
    spread: Tensor

    def __init__(self, width: int, config: Config, series: Series) -> None:
        super().__init__()
        self.shape = len(series.codes), len(config.quantiles)
        self.head = heads.Head(width, self.shape[0] * self.shape[1], config)
        self.register_buffer("mean", torch.full((len(series.columns),), torch.nan))
        self.register_buffer("spread", torch.full((len(series.columns),), torch.nan))
        self.series = series
        self.from_last = config.from_last
        self.growth = nn.Parameter(0.5 * torch.arange(1, series.steps + 1).log())  # of a random walk, until it is learnt

    def rolled(self, encode: Encode, seq: Seq) -> Tensor:
        """All times ahead, by reading the series anew after each."""
        series, foreseen = self.series, []
        for step in range(series.steps):
            score = quantile.spread_out(self.head(encode(seq)).view(-1, *self.shape))
            if self.from_last:
                score = score + self._scaled(*rollout.last_seen(seq, series.codes))
            middle = score[..., self.shape[1] // 2]
            foreseen.append(middle.unsqueeze(2) + (score - middle.unsqueeze(2)) * self.growth[step].exp())
            seq = rollout.grown(seq, series, self._read(middle), step + 1)
        return told(self.mean, self.spread, torch.stack(foreseen, 2).flatten(1, 2))

    def _of_codes(self, of_columns: Tensor) -> Tensor:
        return of_columns[:: self.series.steps]

    def _scaled(self, last: Tensor, seen: Tensor) -> Tensor:
        natural = self.series.natural(last, self.series.codes)
        mean, spread = self._of_codes(self.mean)[:, None], self._of_codes(self.spread)[:, None]
        return ((natural - mean) / spread).where(seen.unsqueeze(2), 0.0)

    def _read(self, middle: Tensor) -> Tensor:
        """What was foreseen "B C", as the input has it."""
        return self.series.read(self._of_codes(self.mean) + self._of_codes(self.spread) * middle)

    @torch.no_grad()
    def begin(self, mean: Tensor, spread: Tensor, quantiles: Tensor) -> None:
        """As of `Direct`, but one mean, spread and set of quantiles for all times of a quantity."""
        steps = self.series.steps
        for buffer, given in ((self.mean, mean), (self.spread, spread)):
            buffer.copy_(given.view(-1, steps).mean(1).repeat_interleave(steps))
        one = quantiles.view(-1, steps, quantiles.shape[1]).mean(1)
        self.head.begin_at(quantile.raw_of(one.to(self.mean)).flatten())


def told(mean: Tensor, spread: Tensor, score: Tensor) -> Tensor:
    """Scores "B K Q" in the unit of the target and flat, with the spreads after them: "B K*Q+K"."""
    natural = mean[:, None] + spread[:, None] * score
    return torch.cat([natural.flatten(1), spread.expand(len(score), -1)], 1)


@dataclass(frozen=True, slots=True)
class Forecast:
    """K columns a row, each at Q levels."""

    config: Config
    names: tuple[str, ...]
    series: Series | None = None  # the input that the columns go on, where the head looks at it
    needs: ClassVar[Literal["pooled"]] = "pooled"
    kind: ClassVar[Literal["forecast"]] = "forecast"

    @property
    def rolls(self) -> bool:
        """Whether the head foresees one step, and the model is asked again and again."""
        return self.config.mode == "recursive"

    @property
    def conformal(self) -> bool:
        return self.config.conformal

    def check(self, target: Target) -> None:
        """Raises DataError where a column is known of no row, is not finite, or is the same in all rows."""
        regression.Regression(regression.Config(), self.names).check(target)

    def head(self, width: int) -> nn.Module:
        if self.rolls and self.series is not None:
            return Recursive(width, self.config, self.series)
        return Direct(width, len(self.names), self.config, self.series)

    def start(self, head: nn.Module, target: Target) -> None:
        """Sets mean and spread to those of the training targets, and first quantiles: theirs, or half as far around no change."""
        assert isinstance(head, Direct | Recursive)
        values = np.where(target.known, target.values, np.nan)
        mean, spread = np.nanmean(values, 0), np.nanstd(values, 0)
        quantiles = np.nanquantile((values - mean) / spread, self.config.quantiles, axis=0).T
        if self.config.from_last:
            quantiles = (quantiles - quantiles[:, [len(self.config.quantiles) // 2]]) / 2
        head.begin(*(torch.as_tensor(one, dtype=torch.float32) for one in (mean, spread, quantiles)))

    def loss(self, out: Tensor, target: Target) -> Tensor:
        quantiles, spread = self._apart(out)
        truth = losses.filled(target.values, target.known)
        each = quantile.pinball(quantiles / spread.unsqueeze(2), self.config.quantiles, truth / spread)
        return losses.mean_known(each, target.known)

    def _apart(self, out: Tensor) -> tuple[Tensor, Tensor]:
        columns = len(self.names)
        return out[:, :-columns].reshape(len(out), columns, -1), out[:, -columns:]

    def balance(self, target: Target) -> Array:
        """Raises ConfigError: quantities have no classes."""
        raise ConfigError("there are no classes to balance in a forecast", hint='take train.balance = "none"')

    def answer(self, out: Tensor) -> Answer:
        quantiles = self._apart(out)[0].detach().double().cpu().numpy()
        middle = quantiles[:, :, len(self.config.quantiles) // 2]
        return Answer("values", middle, self.names, quantiles=Quantiles(self.config.quantiles, quantiles))


def build(config: Config, names: tuple[str, ...]) -> Forecast:
    """Raises ConfigError for levels that do not rise, or do not lie in pairs around 0.5."""
    levels = config.quantiles
    rising = all(low < high for low, high in pairwise(levels))
    paired = all(abs(low + high - 1) < 1e-9 for low, high in zip(levels, reversed(levels), strict=True))
    if len(levels) < 3 or len(levels) % 2 == 0 or not rising or not paired:
        raise ConfigError(
            f"task.quantiles = {list(levels)} are not rising levels in pairs around 0.5", hint="such as [0.1, 0.5, 0.9]"
        )
    if config.lags > 1 and (config.mode == "recursive" or not config.from_last):
        raise ConfigError("task.lags are of a direct forecast that begins at the last value", hint="from_last = true")
    return Forecast(config, names)


def placed(task: Forecast, study: Study, specs: Mapping[str, Spec]) -> Forecast:
    """The task with the series that it goes on, where it needs one.

    Raises ConfigError where no single input is a series of the quantity in known units, or, of `recursive`, where it is not the
    regular series of those quantities alone.
    """
    if not task.rolls and not task.config.from_last:
        return task
    asked = "recursive" if task.rolls else "from_last"
    if len(specs) != 1:
        raise ConfigError(f"a {asked} forecast goes on one input, and the study has {len(specs)}: {', '.join(specs)}")
    ((name, spec),) = specs.items()
    codes = [ahead.taken_apart(column)[0] for column in task.names]
    missing = [code for code in codes if code not in spec.names]
    if missing:
        raise ConfigError(f"a {asked} forecast needs a series of {missing[0]!r}, which inputs.{name} is not", hint=_HINT)
    if not spec.lines:
        raise ConfigError(f"a {asked} forecast needs the values of inputs.{name} scaled by a straight line", hint=_HINT)
    if task.rolls:
        _refuse_irregular(study, name, spec, codes)
    return replace(task, series=_series(study, name, spec, codes))


def _series(study: Study, name: str, spec: Spec, codes: list[str]) -> Series:
    own = list(dict.fromkeys(codes))
    options = configs.options("modalities", study.inputs[name].modality, f"inputs.{name}.modality")[1]
    return Series(
        lines=spec.lines,
        columns=tuple(spec.names.index(code) for code in codes),
        codes=tuple(spec.names.index(code) for code in own),
        hours=configs.microseconds(study.outcome.every or "0s") / 3.6e9,
        logarithm=getattr(options, "elapsed", "hours") == "log_hours",
    )


def _refuse_irregular(study: Study, name: str, spec: Spec, codes: list[str]) -> None:
    """Raises ConfigError where what is foreseen could not be the next step of the input."""
    where, outcome = f"inputs.{name}", study.outcome
    chosen, options = configs.options("modalities", study.inputs[name].modality, f"{where}.modality")
    if chosen != "measurements" or not options.grid or not options.steps:
        raise ConfigError(
            f"a recursive forecast needs a regular series, and {where} is none",
            hint=f'modality = {{ name = "measurements", grid = "{outcome.every}", steps = 60, … }}; or task.mode = "direct"',
        )
    if configs.microseconds(options.grid) != configs.microseconds(outcome.every or "0s") or configs.microseconds(outcome.gap):
        raise ConfigError(
            f"a recursive forecast goes on step by step: {where} has steps of {options.grid}, the outcome of {outcome.every} "
            f"after a gap of {outcome.gap}",
            hint='make both widths equal and leave out the gap; or task.mode = "direct"',
        )
    if options.aggregate != outcome.value:
        raise ConfigError(
            f"a recursive forecast reads what it foresees: {where} has the {options.aggregate} of a step, the outcome its "
            f"{outcome.value}",
            hint='make outcome.value and aggregate equal; or task.mode = "direct"',
        )
    if others := [code for code in spec.names if code not in codes]:
        raise ConfigError(
            f"a recursive forecast foresees all of its input, and nothing foresees {others[0]!r} of {where}",
            hint='codes = […] of the input; or task.mode = "direct"',
        )
    if list(dict.fromkeys(codes)) != list(spec.names) or spec.context:
        raise ConfigError(
            f"a recursive forecast needs {where} to hold its codes in the order of the outcome, and no context",
            hint=f"codes = {list(dict.fromkeys(codes))}",
        )
