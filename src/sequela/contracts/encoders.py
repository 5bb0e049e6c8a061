"""What an encoder is, and what some can do besides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from sequela.types import Encoded, Seq

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class Encoder(Protocol):
    """A network from sequence to vectors. Padding, batch order and neighbours never change what a row gets.

    An empty row (an all-False mask) gets finite numbers that do not depend on the padded values.
    """

    width: int  # D of pooled: grows with the poolings side by side and the numbers of the row
    steps_width: int  # D of steps
    gives: frozenset[Literal["pooled", "steps", "map"]]
    causal: bool  # later steps change no earlier entry of steps

    def __call__(self, seq: Seq) -> Encoded: ...


@runtime_checkable
class Worded(Protocol):
    """The part of an encoder that holds a vector for each word (or code) of its input's vocabulary."""

    def begin(self, vectors: Tensor, known: Tensor) -> None:
        """Takes vectors "V D" in place of what it drew, for those words that are known, bool "V".

        Raises ConfigError where there are more or fewer words, or D is not its own.
        """
        ...


@runtime_checkable
class Stateful(Protocol):
    """An encoder that can go on from the steps it has read: a record without end costs it no more than what is new."""

    @property
    def carries(self) -> bool:
        """Whether its options let it: it looks back only, and what it gives of a row is told by the state at its last step."""
        ...

    def carry(self, seq: Seq, state: Any, ends: Tensor) -> tuple[Encoded, Any]:
        """What it gives after further steps, and the state to go on from.

        seq: one row, all of whose steps exist; state: as it was given last, None before the first step; ends int64 "R": the
        places among these steps at which a vector is pooled, as of a row that ended there. `pooled` is "R D".
        """
        ...
