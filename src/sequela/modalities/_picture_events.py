"""The events that point to pictures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from sequela.types import Array, Known

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


def days(latest: pl.DataFrame) -> Array:
    """Positions; a picture without time stands at the prediction itself."""
    found: Array = np.nan_to_num(latest["position"].to_numpy(), nan=0.0)
    return found


def chunks(count: int) -> Iterator[Array]:
    """Numbers below `count`, so many at once."""
    return (np.arange(first, min(first + CHUNK, count)) for first in range(0, count, CHUNK))
