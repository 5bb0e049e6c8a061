"""Which classes a row is of, so that rare ones can be changed more often than common ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from sequela import registry
from sequela.errors import ConfigError
from sequela.types import Target


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes of a task, and how many training rows are of each."""

    names: tuple[str, ...]
    count: Tensor  # float "K"
    kind: str  # of the task

    def members(self, target: Target) -> Tensor:
        """Of which classes each row is known to be, bool "B K"."""
        return _members(target, self.kind, len(self.names))

    def factors(self, asked: Mapping[str, float] | Literal["rare"]) -> Tensor:
        """How much more often than others a row of each class is changed, "K". Raises ConfigError for an unknown class."""
        if asked == "rare":
            return self.count.max() / self.count.clamp(min=1)
        assert not isinstance(asked, str)  # the options know no other word
        for name in asked:
            if name not in self.names:
                raise ConfigError(f"no class is called {name!r}", hint=registry.nearest(name, self.names))
        return torch.tensor([asked.get(name, 1.0) for name in self.names])


def classes(kind: str, target: Target) -> Classes | None:
    """Those of a task of this kind with the labels of the training rows (NumPy); None where it has no classes.

    A yes-or-no outcome has two: its name, and "not " before it.
    """
    if kind not in ("binary", "multiclass", "multilabel"):
        return None
    names = (target.names[0], f"not {target.names[0]}") if kind == "binary" else target.names
    labels = Target(torch.as_tensor(target.values), torch.as_tensor(target.known), target.names)
    return Classes(names, _members(labels, kind, len(names)).sum(0).float(), kind)


def _members(target: Target, kind: str, count: int) -> Tensor:
    values: Tensor = target.values
    known: Tensor = target.known
    if kind == "binary":
        return torch.cat([values == 1, values == 0], 1) & known
    if kind == "multiclass":
        return (values == torch.arange(count, device=values.device)) & known
    return (values == 1) & known


def often(usual: float, factors: Tensor, members: Tensor) -> Tensor:
    """How often each row is changed, "B": the largest factor of its classes counts; a row of no known class is as usual."""
    members = members.cpu()
    factor = torch.where(members, factors, 0.0).amax(1)
    return (usual * torch.where(members.any(1), factor, 1.0)).clamp(max=1)
