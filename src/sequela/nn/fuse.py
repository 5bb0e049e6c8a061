"""Several inputs' vectors as one. An input that a row does not have is a learned vector, never zeros.

Zeros would say "exactly average" to every later layer; a vector of its own lets "not measured" mean what the training rows show
it to mean. With one input there is nothing to fuse, and its vector passes unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela.config import Choice, Strict, convert
from sequela.errors import ConfigError
from sequela.registry import nearest
from sequela.types import Encoded


class Concat(nn.Module):
    """All vectors side by side, "B sum(D)"."""

    class Config(Strict, frozen=True):
        pass

    def __init__(self, widths: Sequence[int], config: Config) -> None:
        super().__init__()
        self.width = sum(widths)
        self.present = Present(widths)

    def forward(self, encoded: Sequence[Encoded]) -> Tensor:
        return torch.cat(self.present(encoded), 1)


class Gated(nn.Module):
    """A sum of all inputs' vectors, each seen through a gate that looks at all of them (gated multimodal unit, Arevalo 2017).

    With V_i the vector of input i and V all of them side by side: sum over i of sigmoid(Z_i V) * tanh(W_i V_i).
    """

    class Config(Strict, frozen=True):
        width: Annotated[int, Meta(ge=1)] = 64

    def __init__(self, widths: Sequence[int], config: Config) -> None:
        super().__init__()
        self.width = config.width
        self.present = Present(widths)
        self.values = nn.ModuleList(nn.Linear(width, config.width) for width in widths)
        self.gates = nn.Linear(sum(widths), config.width * len(widths))

    def forward(self, encoded: Sequence[Encoded]) -> Tensor:
        vectors = self.present(encoded)
        value = torch.stack([layer(vector) for layer, vector in zip(self.values, vectors, strict=True)], 1)  # B I D
        gate = self.gates(torch.cat(vectors, 1)).view_as(value)
        fused: Tensor = (gate.sigmoid() * value.tanh()).sum(1)
        return fused


class Attention(nn.Module):
    """An average of all inputs' vectors, weighed for each row by how they answer one learned question (Bahdanau 2015)."""

    class Config(Strict, frozen=True):
        width: Annotated[int, Meta(ge=1)] = 64

    def __init__(self, widths: Sequence[int], config: Config) -> None:
        super().__init__()
        self.width = config.width
        self.present = Present(widths)
        self.values = nn.ModuleList(nn.Linear(width, config.width) for width in widths)
        self.score = nn.Sequential(nn.Linear(config.width, config.width), nn.Tanh(), nn.Linear(config.width, 1, bias=False))

    def forward(self, encoded: Sequence[Encoded]) -> Tensor:
        vectors = self.present(encoded)
        value = torch.stack([layer(vector) for layer, vector in zip(self.values, vectors, strict=True)], 1)  # B I D
        fused: Tensor = (self.score(value).softmax(1) * value).sum(1)
        return fused


class Product(nn.Module):
    """All vectors side by side, and behind them the product of what each says in one space (low-rank pooling, Kim 2017).

    The product of tanh(W_i V_i) over the inputs is how they go together, which no sum of what each says alone can tell.
    """

    class Config(Strict, frozen=True):
        width: Annotated[int, Meta(ge=1)] = 64

    def __init__(self, widths: Sequence[int], config: Config) -> None:
        super().__init__()
        self.width = sum(widths) + config.width
        self.present = Present(widths)
        self.values = nn.ModuleList(nn.Linear(width, config.width) for width in widths)

    def forward(self, encoded: Sequence[Encoded]) -> Tensor:
        vectors = self.present(encoded)
        together = torch.stack([layer(vector).tanh() for layer, vector in zip(self.values, vectors, strict=True)], 1).prod(1)
        return torch.cat([*vectors, together], 1)


class Present(nn.Module):
    """Each input's vector "B D", or its learned one for the rows that have no step of it."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.absent = nn.ParameterList(nn.Parameter(torch.randn(width) * 0.1) for width in widths)

    def forward(self, encoded: Sequence[Encoded]) -> list[Tensor]:
        return [self._one(one, absent) for one, absent in zip(encoded, self.absent, strict=True)]

    @staticmethod
    def _one(encoded: Encoded, absent: Tensor) -> Tensor:
        if encoded.pooled is None:
            raise ValueError("only inputs with a pooled vector can be fused")
        return torch.where(encoded.mask.any(1, keepdim=True), encoded.pooled, absent)


class Identity(nn.Module):
    """The vector of the one input there is."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, encoded: Sequence[Encoded]) -> Tensor:
        (only,) = encoded
        if only.pooled is None:
            raise ValueError("only inputs with a pooled vector can be fused")
        return only.pooled


Fuse: TypeAlias = Concat | Gated | Attention | Product | Identity
KINDS: dict[str, Any] = {"concat": Concat, "gated": Gated, "attention": Attention, "product": Product}


def build(chosen: Choice, widths: Sequence[int]) -> Fuse:
    """The fusion of that name over inputs of these widths; with one input it is the identity.

    Raises ConfigError for an unknown name or option, with the nearest.
    """
    if chosen.name not in KINDS:
        raise ConfigError(f"no fuse is called {chosen.name!r}", hint=nearest(chosen.name, list(KINDS)))
    kind = KINDS[chosen.name]
    config = convert(chosen.options, kind.Config, "fuse")
    if len(widths) == 1:
        return Identity(widths[0])
    fuse: Fuse = kind(widths, config)
    return fuse
