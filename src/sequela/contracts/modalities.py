"""What a modality does, what some do besides, and one that has learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from sequela.types import Known, Plain, Ragged, Spec

if TYPE_CHECKING:
    from sequela.config import Input


class Modality(Protocol):
    """A kind of input: turns the events known at a time into a ragged sequence. Columnar: all rows at once."""

    def fit(self, known: Known) -> Any:
        """The State, from the training rows only.

        Raises DataError where nothing that this modality reads is there.
        """
        ...

    def read(self, known: Known, state: Any) -> Ragged:
        """One sequence for each of known.count rows; a row with nothing to read has no steps."""
        ...

    def plain(self, known: Known, state: Any) -> Plain:
        """The same input as plain columns, in natural units, for the baselines (last, mean, min, max, count, slope, ...)."""
        ...

    def spec(self, state: Any) -> Spec: ...

    def example(self, state: Any, rows: int, seed: int) -> Known:
        """Synthetic events drawn from the state alone, never from a patient: the golden example of a bundle."""
        ...


@runtime_checkable
class Refusing(Protocol):
    """A modality whose records may be of another making than those it learnt from."""

    def refused(self, known: Known, state: Any) -> Sequence[str]:
        """Of each row why it cannot be judged by what was learnt; "" where it can, or where it has nothing to judge."""
        ...


@runtime_checkable
class Shortening(Protocol):
    """A modality that may read a part of what is known of a row."""

    def shortened(self, state: Any) -> int:
        """Of how many training rows it left something out."""
        ...


@runtime_checkable
class Itemised(Protocol):
    """A modality whose steps can each be told as plain columns, so that baselines can judge steps."""

    def plain_steps(self, known: Known, state: Any) -> Plain:
        """As `plain`, of each step that `read` gives, in the order of the steps."""
        ...


@dataclass(frozen=True, slots=True)
class Fitted:
    """A modality with its options and what it learnt from the training rows."""

    input: Input
    modality: Modality
    state: Any
    spec: Spec
