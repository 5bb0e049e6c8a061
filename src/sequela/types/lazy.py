"""What each row has that is made when it is asked for: texts that all rows together would not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from sequela.types.arrays import Array

T_co = TypeVar("T_co", covariant=True)


class OfRows(Protocol[T_co]):
    """Something of each of N rows; a tuple is one. Whoever asks about the same row many times keeps what it was given."""

    def __len__(self) -> int: ...
    def __getitem__(self, row: int, /) -> T_co: ...
    def __iter__(self) -> Iterator[T_co]: ...


@dataclass(frozen=True, slots=True)
class Chosen(Generic[T_co]):
    """Some of them, in the order given."""

    of: OfRows[T_co]
    row: Array  # int64 "N": which each is

    def __len__(self) -> int:
        return len(self.row)

    def __getitem__(self, row: int, /) -> T_co:
        return self.of[int(self.row[row])]

    def __iter__(self) -> Iterator[T_co]:
        return (self.of[row] for row in self.row.tolist())


@dataclass(frozen=True, slots=True)
class Followed(Generic[T_co]):
    """Those of one set of rows, then those of another."""

    first: OfRows[T_co]
    second: OfRows[T_co]

    def __len__(self) -> int:
        return len(self.first) + len(self.second)

    def __getitem__(self, row: int, /) -> T_co:
        place = range(len(self))[row]
        return self.first[place] if place < len(self.first) else self.second[place - len(self.first)]

    def __iter__(self) -> Iterator[T_co]:
        yield from self.first
        yield from self.second


def chosen(of: OfRows[T_co], rows: Array) -> Chosen[T_co]:
    """Those of these rows (indices or a mask)."""
    kept = np.arange(len(of))[rows]
    return Chosen(of.of, of.row[kept]) if isinstance(of, Chosen) else Chosen(of, kept)
