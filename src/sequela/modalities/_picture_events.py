"""The events that point to pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from sequela.errors import DataError
from sequela.types import Array, Known, Payload

LIKE_TRAINING = "are not like those of training"
CHUNK = 256  # pictures worked on at once


def latest(known: Known, code: str) -> pl.DataFrame:
    """row, position, payload: the last picture of each row that has one."""
    images = known.events.filter(pl.col("code") == code, pl.col("payload").is_not_null())
    return images.select("row", "position", "payload").group_by("row", maintain_order=True).last()


def unique(uris: pl.Series) -> tuple[list[str], Array]:
    """Each uri once, and where in that list each row's is."""
    once = uris.unique(maintain_order=True)
    place = pl.DataFrame({"uri": uris}).join(
        pl.DataFrame({"uri": once}).with_row_index("entry"), on="uri", how="left", maintain_order="left"
    )
    return once.to_list(), place["entry"].to_numpy().astype(np.int64)


@dataclass(frozen=True, slots=True)
class Found:
    """The latest pictures of N rows, each opened once."""

    count: int
    events: pl.DataFrame  # of `latest`
    payloads: list[Payload]
    entry: Array  # int64: of each event, in payloads

    @property
    def row(self) -> Array:
        return self.events["row"].to_numpy()

    def reasons(self, why: Callable[[Payload], str]) -> list[str]:
        """Of each row what `why` says of its picture; "" where it has none."""
        said = [why(payload) for payload in self.payloads]
        told = [""] * self.count
        for row, one in zip(self.row.tolist(), self.entry.tolist(), strict=True):
            told[row] = said[one]
        return told

    def columns(self, each: Array) -> Array:
        """What is said of each picture, "M P", as float32 "N P"; NaN where a row has none."""
        values = np.full((self.count, each.shape[1]), np.nan, np.float32)
        values[self.row] = each[self.entry]
        return values


def found(known: Known, code: str) -> Found:
    """The latest picture of each row that has one."""
    events = latest(known, code)
    uris, entry = unique(events["payload"])
    return Found(known.count, events, [known.payloads.open(uri) for uri in uris], entry)


def refuse_unlike(payloads: Sequence[Payload], why: Callable[[Payload], str], what: str, like: str) -> None:
    """Raises DataError where `why` finds a reason, with how many there are and the first."""
    reasons = [reason for payload in payloads if (reason := why(payload))]
    if reasons:
        raise DataError(f"{len(reasons)} of {len(payloads)} {what} {like}; the first: {reasons[0]}")


def days(latest: pl.DataFrame) -> Array:
    """Positions; a picture without time stands at the prediction itself."""
    found: Array = np.nan_to_num(latest["position"].to_numpy(), nan=0.0)
    return found


def chunks(count: int) -> Iterator[Array]:
    """Numbers below `count`, so many at once."""
    return (np.arange(first, min(first + CHUNK, count)) for first in range(0, count, CHUNK))
