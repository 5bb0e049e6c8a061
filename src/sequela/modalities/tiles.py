"""A slide, or a large picture, as its tiles: a bag (resnet with pool = "attention", Ilse 2018), or a sequence (cnn_rnn).

Each tile is a step, in reading order. Tiles are those that a reader cut (events TILE), or, with `tile`, cut here from the latest
picture of each row. Their values are made ready as those of the modality image are, when a batch asks for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from sequela import seed as streams
from sequela.config import Strict
from sequela.errors import ConfigError, DataError
from sequela.modalities import _tile_places as found_places
from sequela.modalities import _tile_summary
from sequela.modalities._picture_events import LIKE_TRAINING, latest, refuse_unlike, unique
from sequela.modalities._picture_moments import moments
from sequela.modalities._picture_plan import commonest
from sequela.modalities._picture_state import names_of
from sequela.modalities._picture_values import fits
from sequela.modalities._pictures import Pictures, Recipe
from sequela.modalities._synthetic import Held, events
from sequela.modalities._tile_places import Tiles
from sequela.prep.resample import resized
from sequela.types import Array, Known, Payload, Plain, Ragged, Spec

FITTED_ON = 4_000  # tiles that mean and spread are taken from, evenly spaced over the training rows, where there are more
EXAMPLE_TILES = 3
Share = Annotated[float, Meta(ge=0, le=1)]


class Config(Strict, frozen=True):
    code: str = "TILE"  # the tiles that a reader cut
    tissue: Share = 0.0  # of those, the ones of which at least this share is tissue
    picture: str = "IMAGE"  # with `tile`: what is cut
    tile: Annotated[int, Meta(ge=1)] | None = None  # pixels of a side; left out: a reader cut them
    step: Annotated[int, Meta(ge=1)] | None = None  # pixels from one tile to the next; left out: `tile`
    contrast: Share = 0.0  # with `tile`: one whose grey values have a smaller sd, in shares of full scale, is left out as empty
    size: Annotated[int, Meta(ge=1)] | None = None  # a tile's side as the network sees it; left out: as it is
    most: Annotated[int, Meta(ge=1)] | None = None  # at most so many of a row, evenly spaced
    position: Literal["order", "distance"] = "order"  # distance: along the reading order, in sides of a tile
    scale: Literal["train", "each"] = "train"  # by the training tiles' mean and spread, or each tile by its own


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What the training tiles were: their size as the network sees it, channels, and each one's mean and spread."""

    stored: int  # pixels of a side as they are stored
    size: int
    channels: tuple[str, ...]
    mean: tuple[float, ...]  # in shares of full scale
    spread: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Bag:
    """Tiles as steps (types.Steps): no picture by itself, of which every point could be asked."""

    tiles: Pictures
    dtype = np.dtype(np.float32)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.tiles.shape

    def __getitem__(self, index: Array, /) -> Array:
        return self.tiles[index]


@dataclass(frozen=True, slots=True)
class TilesInput:
    config: Config

    def fit(self, known: Known) -> State:
        """Size and channels of the training tiles, and their mean and spread.

        Raises DataError where there are none, or where they are not square and all of one size.
        """
        tiles = self._found(known)
        if not len(tiles.row):
            raise DataError(
                f"no training row has a tile of {self._code!r}", hint="see data.reader, or the input's code, tile and contrast"
            )
        entries = np.unique(tiles.entry)
        payloads = [
            tiles.payloads[i] for i in entries[np.linspace(0, len(entries) - 1, min(len(entries), FITTED_ON)).astype(int)]
        ]
        side = commonest([payload.values.shape[-1] for payload in payloads])
        state = self._state(payloads, side)
        refuse_unlike(payloads, lambda payload: _unlike(payload, state), "training tiles", "differ from most")
        mean, spread = moments(Pictures(payloads, self._recipe(state)))
        return msgspec.structs.replace(state, mean=mean, spread=spread)

    def read(self, known: Known, state: State) -> Ragged:
        """A step for each tile; a row without one has none.

        Raises DataError where a tile is not like those of training (see `refused`).
        """
        tiles = self._found(known)
        refuse_unlike(tiles.payloads, lambda payload: _unlike(payload, state), "tiles", LIKE_TRAINING)
        offsets = np.searchsorted(tiles.row, np.arange(known.count + 1))
        order = np.arange(len(tiles.row)) - np.repeat(offsets[:-1], np.diff(offsets))
        return Ragged(
            offsets=offsets,
            values=Bag(Pictures(tiles.payloads, self._recipe(state))),
            position=order.astype(np.float64) if self.config.position == "order" else found_places.along(tiles),
            take=tiles.entry,
        )

    def places(self, known: Known) -> Array:
        """Where each step of `read` lies, float64 "S 4": top, left, bottom, right in pixels of the whole at its finest."""
        tiles = self._found(known)
        found: Array = tiles.edges[tiles.entry]
        return found

    def refused(self, known: Known, state: State) -> list[str]:
        """Of each row why its tiles cannot be judged by what was learnt, "" where they can, or where it has nothing."""
        told = [""] * known.count
        tiles = self._found(known)
        reasons = [_unlike(payload, state) for payload in tiles.payloads]
        for row, entry in zip(tiles.row.tolist(), tiles.entry.tolist(), strict=True):
            told[row] = told[row] or reasons[entry]
        return told if self.config.tile is None else _without_tiles(known, self.config.picture, self.config.tile, told)

    def plain(self, known: Known, state: State) -> Plain:
        """How many tiles, and of each channel's mean, spread and quantiles, and the grey edges, the mean, least and most."""
        tiles = self._found(known)
        each = _tile_summary.each(tiles.payloads, state.channels)
        return Plain(_tile_summary.over(each, tiles.row, tiles.entry, known.count), _tile_summary.names(state.channels))

    def spec(self, state: State) -> Spec:
        """names: of the channels; position in index, of the order or in sides of a tile."""
        return Spec("tiles", (len(state.channels), state.size, state.size), "index", state.channels)

    def example(self, state: State, rows: int, seed: int) -> Known:
        """A few smooth random tiles a row, of the fitted mean and spread; or a picture of which so many are cut."""
        random = streams.generator(seed, "example", "tiles")
        columns = EXAMPLE_TILES
        count, wide = (rows, columns) if self.config.tile else (rows * columns, 1)
        coarse = random.normal(size=(count, len(state.channels), 4, 4 * wide)).astype(np.float32)
        mean, spread = (np.array(numbers, np.float32)[:, None, None] for numbers in (state.mean, state.spread))
        step = (self.config.step or state.stored) * (wide - 1)
        pictures = np.clip(resized(coarse, (state.stored, state.stored + step)) * spread + mean, 0, 1)
        payloads = {
            f"example-{i}": Payload(np.rint(one * 255).astype(np.uint8), None, state.channels) for i, one in enumerate(pictures)
        }
        row = np.repeat(np.arange(rows), count // rows if rows else 1)
        place = [None if self.config.tile else f"0 {k % columns * state.stored} 1 0" for k in range(count)]
        said = {"row": row, "position": np.full(count, np.nan), "code": [self._code] * count, "text_value": place}
        return Known(
            rows, events({**said, "payload": list(payloads)}), Held(payloads), {self._code: "payload"}, np.full(rows, np.nan)
        )

    # ------------------------------------------------------------------------------------------------------------------ of tiles

    @property
    def _code(self) -> str:
        return self.config.code if self.config.tile is None else self.config.picture

    def _found(self, known: Known) -> Tiles:
        config = self.config
        if config.tile is None:
            tiles = found_places.stored(known, config.code, config.tissue)
        else:
            tiles = found_places.cut(known, config.picture, config.tile, config.step or config.tile, config.contrast)
        return tiles if config.most is None else tiles.most(config.most)

    def _state(self, payloads: list[Payload], side: int) -> State:
        channels = names_of(payloads)
        blank = (0.0,) * len(channels), (1.0,) * len(channels)
        return State(stored=side, size=self.config.size or side, channels=channels, mean=blank[0], spread=blank[1])

    def _recipe(self, state: State) -> Recipe:
        return Recipe(
            channels=len(state.channels),
            mean=state.mean,
            spread=state.spread,
            size=(state.size, state.size),
            each=self.config.scale == "each",
        )


def _unlike(payload: Payload, state: State) -> str:
    """Why a tile is not like those of training; "" where it is."""
    if payload.values.ndim != 3 or payload.values.shape[1:] != (state.stored, state.stored):
        return f"a tile is {' × '.join(map(str, payload.values.shape[1:]))}, those of training {state.stored} × {state.stored}"
    if not fits(len(payload.values), len(state.channels)):
        return f"a tile has {len(payload.values)} channels, those of training {len(state.channels)}"
    return ""


def _without_tiles(known: Known, code: str, tile: int, told: list[str]) -> list[str]:
    """The same with the rows whose picture can hold no tile."""
    found = latest(known, code)
    uris, entry = unique(found["payload"])
    reasons = [_no_tile(known.payloads.open(uri).values.shape[1:], tile) for uri in uris]
    for row, one in zip(found["row"].to_list(), entry.tolist(), strict=True):
        told[row] = told[row] or reasons[one]
    return told


def _no_tile(size: tuple[int, ...], tile: int) -> str:
    if len(size) != 2:
        return "it is a volume, which has no tiles"
    return f"its picture is smaller than a tile of {tile}" if min(size) < tile else ""


def build(config: Config) -> TilesInput:
    """Raises ConfigError where an option of tiles that are cut here is given and none are."""
    if config.tile is None and (config.step is not None or config.contrast):
        raise ConfigError("step and contrast are of tiles that are cut here", hint="set tile, or leave them out; see tissue")
    if config.tile is not None and config.tissue:
        raise ConfigError("tissue is of tiles that a reader cut", hint="set contrast, or leave tile out")
    return TilesInput(config)
