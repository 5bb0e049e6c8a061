"""Attention: additive over the steps of a row (Bahdanau 2015, with one learnt query), and of each step to all (Vaswani 2017)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from sequela.errors import ConfigError
from sequela.nn import mask as masks


class Attention(nn.Module):
    """The weighted mean "B D" of the existing steps "B T D"; zeros for a row without steps."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.key = nn.Linear(width, width)
        self.query = nn.Linear(width, 1, bias=False)

    def weights(self, steps: Tensor, mask: Tensor) -> Tensor:
        """The weight of each step, "B T": 0 on padding, summing to 1 over the steps of a row."""
        return masks.softmax(self.query(self.key(steps).tanh()).squeeze(2), mask)

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        return (self.weights(steps, mask).unsqueeze(1) @ steps).squeeze(1)


class Layer(nn.Module):
    """A layer of a transformer with the norm first (Xiong 2020): maps "B T D" to the same shape.

    `keys` "B 1 1 T" says which steps may be looked at, None: all of them, or with `causal` those that are not later.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.queries = nn.Linear(width, 3 * width)  # and keys, and values
        self.out = nn.Linear(width, width)
        self.forwards = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.added = nn.Dropout(dropout)

    def forward(self, steps: Tensor, keys: Tensor | None = None, causal: bool = False) -> Tensor:
        steps = steps + self.added(self._attended(self.norms[0](steps), keys, causal))
        return steps + self.added(self.forwards(self.norms[1](steps)))  # type: ignore[no-any-return]

    def _attended(self, steps: Tensor, keys: Tensor | None, causal: bool) -> Tensor:
        query, key, value = (  # B heads T d
            part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in self.queries(steps).chunk(3, 2)
        )
        dropout = self.dropout if self.training else 0.0
        found = functional.scaled_dot_product_attention(query, key, value, keys, dropout, is_causal=causal)
        return self.out(found.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


def refuse_uneven(width: int, heads: int) -> None:
    """Raises ConfigError where the heads do not divide the width."""
    if width % heads:
        raise ConfigError(f"a width of {width} cannot be shared by {heads} heads", hint="make width a multiple of heads")
