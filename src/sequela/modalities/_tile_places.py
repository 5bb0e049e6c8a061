"""Which tiles a row has, and where each lies on its slide or picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from sequela.modalities._picture_events import latest, unique
from sequela.modalities._picture_values import grey, shares
from sequela.types import Array, Known, Payload


@dataclass(frozen=True, slots=True)
class Tiles:
    """Tiles, each once, and which row has which, in reading order: row by row of the slide, from the left."""

    payloads: Sequence[Payload]  # M
    edges: Array  # float64 "M 4": top, left, bottom, right in pixels of the whole at its finest
    row: Array  # int64 "S", rising
    entry: Array  # int64 "S": which of the M

    def keep(self, kept: Array) -> Tiles:
        """The steps (a mask, or indices in order) that are kept."""
        return replace(self, row=self.row[kept], entry=self.entry[kept])

    def most(self, count: int) -> Tiles:
        """At most so many of each row, evenly spaced over its own in their order."""
        rows, first, length = np.unique(self.row, return_index=True, return_counts=True)
        places = [begin + _even(n, count) for begin, n in zip(first, length, strict=True)]
        return self.keep(np.concatenate(places)) if len(rows) else self


def _even(length: int, most: int) -> Array:
    if length <= most:
        return np.arange(length)
    return ((np.arange(most) + 0.5) * length / most).astype(np.int64)


def stored(known: Known, code: str, tissue: float) -> Tiles:
    """The tiles that a reader cut, of which at least this share is tissue."""
    found = known.events.filter(pl.col("code") == code, pl.col("payload").is_not_null())
    found = found.filter(pl.col("numeric_value").fill_null(1.0) >= tissue)
    uris, entry = unique(found["payload"])
    payloads = [known.payloads.open(uri) for uri in uris]
    said = found.with_columns(entry=pl.Series(entry)).unique("entry", keep="first", maintain_order=True).sort("entry")
    edges = np.array([_edges(text, one) for text, one in zip(said["text_value"].to_list(), payloads, strict=True)])
    tiles = Tiles(payloads, edges.reshape(-1, 4), found["row"].to_numpy(), entry)
    return tiles.keep(np.lexsort((*tiles.edges[entry][:, 1::-1].T, tiles.row)))


def _edges(text: str | None, tile: Payload) -> tuple[float, ...]:
    """From "row column down mpp"; a tile that does not tell where it lies stands at the corner."""
    top, left, down = ([float(word) for word in (text or "").split()] + [0.0, 0.0, 1.0])[:3] if text else (0.0, 0.0, 1.0)
    height, width = tile.values.shape[1:]
    return top, left, top + height * down, left + width * down


def cut(known: Known, code: str, size: int, step: int, contrast: float) -> Tiles:
    """The tiles of the latest picture of each row whose grey values spread over at least this share of full scale.

    The last of a line is moved back to end with the picture.
    """
    found = latest(known, code)
    uris, picture = unique(found["payload"])
    payloads: list[Payload] = []
    edges: list[tuple[int, ...]] = []
    first = [0]
    for uri in uris:
        whole = known.payloads.open(uri)
        for top, left in _corners(whole.values.shape[1:], size, step):
            part = whole.values[:, top : top + size, left : left + size]
            if contrast == 0 or grey(shares(part)).std() >= contrast:
                payloads.append(Payload(part, None, whole.channels, whole.unit))
                edges.append((top, left, top + size, left + size))
        first.append(len(payloads))
    count = np.diff(first)[picture]
    begin = np.repeat(np.array(first)[picture] - np.cumsum(count) + count, count)
    entry = begin + np.arange(count.sum())
    return Tiles(payloads, np.array(edges, np.float64).reshape(-1, 4), np.repeat(found["row"].to_numpy(), count), entry)


def _corners(size: Sequence[int], tile: int, step: int) -> list[tuple[int, int]]:
    """Top and left of each; a volume has none."""
    if len(size) != 2:
        return []
    rows, columns = (_starts(length, tile, step) for length in size)
    return [(top, left) for top in rows for left in columns]


def _starts(length: int, tile: int, step: int) -> list[int]:
    """Where tiles begin along an axis; none on one that is shorter than a tile."""
    regular = list(range(0, length - tile + 1, step))
    return regular if not regular or regular[-1] == length - tile else [*regular, length - tile]


def along(tiles: Tiles) -> Array:
    """Of each step how far it lies from the row's first along the reading order, in sides of a tile, float64 "S"."""
    edges = tiles.edges[tiles.entry]
    centre = (edges[:, :2] + edges[:, 2:]) / 2
    side = np.maximum((edges[:, 2:] - edges[:, :2]).mean(1), 1e-9)
    apart = np.zeros(len(centre))
    apart[1:] = np.hypot(*np.diff(centre, axis=0).T) / side[1:]
    first = np.flatnonzero(np.diff(tiles.row, prepend=-1))
    apart[first] = 0
    return np.concatenate([np.cumsum(part) for part in np.split(apart, first[1:])])  # by row: another's sum rounds otherwise
