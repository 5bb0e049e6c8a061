"""What every change shares: its options, the rows that it is drawn for, and whether a row has it at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

import torch
from msgspec import Meta, field
from torch import Generator, Tensor

from sequela.config import Strict

Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Below1: TypeAlias = Annotated[float, Meta(ge=0, lt=1)]
Amount: TypeAlias = Annotated[float, Meta(ge=0)]


class Options(Strict, frozen=True):
    """Those that every change has."""

    often: Share = 1.0  # the share of the rows that have it
    # how many times as often a row of a class has it; rare: as many times as the class is rarer than the commonest
    classes: dict[str, Amount] | Literal["rare"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rows:
    """What is drawn for: N rows of one shape."""

    channels: int
    shape: tuple[int, ...]  # *S
    spacing: tuple[float, ...]  # millimetres from point to point along each axis of *S; 1 where nobody knows
    often: Tensor  # "N": how often each row has the change

    @property
    def count(self) -> int:
        return len(self.often)

    @property
    def extent(self) -> Tensor:
        """Of the picture along each axis, in the unit of the spacing."""
        return torch.tensor(self.shape) * torch.tensor(self.spacing)


Draw: TypeAlias = Callable[[Any, Rows, Generator], Tensor]  # options -> numbers, a row for each row
Act: TypeAlias = Callable[[Tensor, Tensor], Tensor]  # values "N C *S" (its own, to be written over), numbers -> values
Check: TypeAlias = Callable[[Any, tuple[int, ...], tuple[float, ...]], None]  # options, *S, spacing -> ConfigError


@dataclass(frozen=True, slots=True)
class Kind:
    """One change: its options, what it draws for each row, and how that acts; numbers of 0 change nothing.

    A change of where points come from has no act: all of them are made one (see `sampling`).
    """

    options: type[Strict]
    draw: Draw
    act: Act | None
    check: Check | None = None


def uniform(shape: Sequence[int], most: float, generator: Generator) -> Tensor:
    """Numbers from -most to most."""
    return (2 * torch.rand(*shape, generator=generator) - 1) * most


def some(often: Tensor, generator: Generator) -> Tensor:
    """Which rows have it, bool "N"; where all do, nothing is drawn."""
    if bool((often >= 1).all()):
        return torch.ones(len(often), dtype=torch.bool)
    return torch.rand(len(often), generator=generator) < often


def beside(numbers: Tensor, values: Tensor) -> Tensor:
    """Numbers "N" or "N C" shaped to act on values "N C …"."""
    return numbers.to(values).reshape(*numbers.shape, *[1] * (values.ndim - numbers.ndim))
