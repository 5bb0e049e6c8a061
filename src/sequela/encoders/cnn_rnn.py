"""A network over each step (a heartbeat window, a slice, a tile), then an LSTM, GRU or any other encoder over the steps.

`over` names the second network, any that reads a series of vectors, with its options: a transformer sees how far apart slices lie
in millimetres. Left out, it is the LSTM or GRU that `cell`, `width` and the other keys describe.

Where the label belongs to one step of several (a beat among its neighbours), pool = "focus" reads the state at that step: the one
whose position is nearest to `focus` before the prediction.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela import config as configs
from sequela import registry
from sequela.config import Duration, Named, Strict
from sequela.errors import ConfigError
from sequela.nn import recurrent
from sequela.nn.mask import existing
from sequela.nn.pool import Pool, named
from sequela.types import Encoded, Seq, Spec

MICROSECONDS = {"days": 86_400e6, "seconds": 1e6}  # of the units of position that are times
OWN = ("cell", "width", "layers", "bidirectional", "dropout")  # of the network over the steps, where `over` names no other


class Config(Strict, frozen=True):
    step: Named = "resnet1d"  # the encoder of each step, with its options
    over: Named | None = None  # the encoder over the steps, with its options; then only pool = "focus" stands beside it
    cell: Literal["lstm", "gru"] = "gru"
    width: Annotated[int, Meta(ge=1)] = 64  # of the state, in each direction
    layers: Annotated[int, Meta(ge=1)] = 1
    bidirectional: bool = False
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # between layers, and of the pooled vector
    pool: str | list[str] = "last"  # last, mean, max, attention, focus, or several side by side ("focus+mean")
    focus: Duration = "0s"  # of pool = "focus": how long before the prediction the step that is judged lies


class StepsThenStates(nn.Module):
    """Steps "B T D" with D the state's width, and a pooled vector; numbers of the row (`context`) follow it."""

    def __init__(self, each: nn.Module, stack: recurrent.Stack, pool: nn.Module, spec: Spec, config: Config) -> None:
        super().__init__()
        self.each = each
        self.stack = stack
        self.pool = pool
        self.dropout = nn.Dropout(config.dropout)
        self.context = spec.context
        self.steps_width = stack.width
        self.width = int(pool.width) + spec.context  # type: ignore[arg-type]  # attributes of a module are not typed
        self.gives = frozenset({"pooled", "steps"})
        self.causal = not config.bidirectional

    def forward(self, seq: Seq) -> Encoded:
        vectors = self.each(seq).steps
        initial = vectors.new_zeros(len(vectors), self.stack.states * self.stack.state)
        steps = self.stack(vectors, seq.mask, initial)
        pooled = self.dropout(self.pool(steps, seq))
        if self.context:
            pooled = torch.cat([pooled, seq.context], 1)
        return Encoded(steps, seq.mask, pooled)

    @property
    def carries(self) -> bool:
        """Whether it can go on from a state (contracts.Stateful)."""
        return self.causal and self.pool.position is None and self.pool.others.parts == ("last",)

    def carry(self, seq: Seq, state: recurrent.States | None, ends: Tensor) -> tuple[Encoded, recurrent.States]:
        """See contracts.Stateful."""
        vectors = self.each(seq).steps
        begun = self.stack.begun(vectors.new_zeros(1, self.stack.states * self.stack.state))
        steps, after = self.stack.carry(vectors, state or begun)
        return Encoded(steps, seq.mask, recurrent.ended(steps, ends, seq)), after


class StepsThenEncoder(nn.Module):
    """What the second encoder gives of the vectors of the first; where asked, the step in focus before its pooled vector."""

    def __init__(self, each: nn.Module, over: nn.Module, focus: float | None) -> None:
        super().__init__()
        self.each = each
        self.over = over
        self.focus = focus
        self.gives, self.causal, self.steps_width = over.gives, over.causal, over.steps_width
        self.width = over.width + (0 if focus is None else over.steps_width)  # type: ignore[operator]  # attributes of a module are not typed

    def forward(self, seq: Seq) -> Encoded:
        vectors = self.each(replace(seq, context=None)).steps.unsqueeze(2)
        encoded: Encoded = self.over(replace(seq, values=vectors, seen=None, side=None))
        if self.focus is None or encoded.pooled is None or encoded.steps is None:
            return encoded
        return replace(encoded, pooled=torch.cat([focused(encoded.steps, seq, self.focus), encoded.pooled], 1))


class FocusPool(nn.Module):
    """The poolings of `nn/pool.py`, and before them, where asked, the state at the step nearest to a position."""

    def __init__(self, config: Config, steps: int, position: float | None) -> None:
        super().__init__()
        self.position = position
        others = [part for part in _parts(config.pool) if part != "focus"]
        self.others = Pool(others, steps, config.bidirectional) if others else None
        self.width = (steps if position is not None else 0) + (self.others.width if self.others else 0)

    def forward(self, steps: Tensor, seq: Seq) -> Tensor:
        parts = [] if self.position is None else [focused(steps, seq, self.position)]
        if self.others is not None:
            parts.append(self.others(steps, seq.mask))
        return torch.cat(parts, 1)


def focused(steps: Tensor, seq: Seq, position: float) -> Tensor:
    """The step "B D" that stands nearest to a position; zeros for a row without steps."""
    distance = (seq.position - position).abs().masked_fill(~seq.mask, torch.inf)
    index = distance.argmin(1).view(-1, 1, 1).expand(-1, 1, steps.shape[2])
    return existing(steps.gather(1, index).squeeze(1), seq.mask.any(1))


def _parts(pool: str | list[str]) -> list[str]:
    """The parts of a pooling, with "focus" among those of `nn/pool.py`. Raises ConfigError for another or a repeated one."""
    parts = pool.split("+") if isinstance(pool, str) else list(pool)
    if parts.count("focus") > 1:
        raise ConfigError(f"pool is {pool!r}; expected focus at most once")
    if parts != ["focus"]:
        named([part for part in parts if part != "focus"])
    return parts


def build(spec: Spec, config: Config) -> StepsThenStates | StepsThenEncoder:
    """The network for any input that the encoder named by `step` reads.

    Raises ConfigError where that encoder refuses the input or gives no steps, the one over them does not read vectors, an option
    belongs to the latter, or a focus is asked of steps without times.
    """
    each = _each(spec, config)
    position = _position(spec, config) if "focus" in _parts(config.pool) else None
    if config.over is not None:
        return StepsThenEncoder(each, _over(spec, config, each.width), position)  # type: ignore[arg-type]  # attributes of a module are not typed
    plan = recurrent.Config(width=config.width, layers=config.layers, bidirectional=config.bidirectional, dropout=config.dropout)
    stack = recurrent.Stack(each.width, plan, recurrent.fused(config.cell))  # type: ignore[arg-type]  # attributes of a module are not typed
    return StepsThenStates(each, stack, FocusPool(config, stack.width, position), spec, config)


def _over(spec: Spec, config: Config, width: int) -> nn.Module:
    """The second encoder, over steps "1 D": laid flat, they need no word on what was seen."""
    plain = Config()
    misplaced = [key for key in OWN if getattr(config, key) != getattr(plain, key)]
    if misplaced or config.pool not in ("focus", ["focus"], plain.pool):
        named = ", ".join(misplaced or ["pool"])
        raise ConfigError(
            f"cnn_rnn has over, and beside it {named}, which belongs to the encoder over the steps",
            hint='write it there: over = { name = "lstm", layers = 2 }',
        )
    assert config.over is not None
    name, options = configs.options("encoders", config.over, "encoder.over")
    over: nn.Module = registry.module("encoders", name).build(replace(spec, shape=(1, width), side=0), options)
    if "steps" not in over.gives:  # type: ignore[operator]  # attributes of a module are not typed
        raise ConfigError(f"encoder.over = {name!r} gives no steps")
    return over


def _each(spec: Spec, config: Config) -> nn.Module:
    name, options = configs.options("encoders", config.step, "encoder.step")
    each = registry.module("encoders", name).build(replace(spec, context=0), options)
    if "steps" not in each.gives or not each.causal:
        raise ConfigError(f"encoder.step = {name!r} does not give one vector for each step by itself")
    network: nn.Module = each
    return network


def _position(spec: Spec, config: Config) -> float:
    if spec.unit not in MICROSECONDS:
        raise ConfigError(
            f"pool = 'focus' needs steps with times, and the steps of {spec.kind!r} stand in {spec.unit or 'no unit'}",
            hint="take pool = 'last', 'mean', 'max' or 'attention'",
        )
    return -configs.microseconds(config.focus) / MICROSECONDS[spec.unit]
