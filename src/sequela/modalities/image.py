"""Images: the latest of each row, whole as one step, or its rows as steps (the classic image-as-rows LSTM).

Pixels are divided by the full scale of their type (255, 65535, or 1 for floats), then standardised by the mean and spread of
each channel over the training images. They are read from their payloads when a batch asks for them, so that the images of a
study need not fit in memory; images of another size than the training images' are resized once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import msgspec
import numpy as np
import polars as pl

from sequela import seed as streams
from sequela.config import Strict
from sequela.errors import ConfigError, DataError
from sequela.modalities._synthetic import Held, events
from sequela.prep.scratch import room
from sequela.types import Array, Known, Payload, Plain, Ragged, Spec

COLOURS = {1: ("grey",), 3: ("red", "green", "blue")}
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
CHUNK = 256  # images worked on at once
FITTED_ON = 20_000  # images that mean and spread are taken from, evenly spaced over the training rows, where there are more
PLAIN_SIDE, CELLS, ORIENTATIONS, BINS = 28, 4, 6, 8


class Config(Strict, frozen=True):
    code: str = "IMAGE"
    as_rows: bool = False  # each row of pixels is a step, from the top, of all its columns and channels
    size: int | tuple[int, int] | None = None  # height and width; left out: the commonest among the training images


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What the training images were: their size, channels, and each channel's mean and spread as shares of full scale."""

    height: int
    width: int
    channels: tuple[str, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Standardised:
    """Images as float32 "n C H W", converted when they are asked for (types.Steps)."""

    images: Sequence[Array]  # each "C H W", of the state's size and channels
    state: State
    dtype = np.dtype(np.float32)

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self.images), len(self.state.channels), self.state.height, self.state.width

    def __getitem__(self, index: Array, /) -> Array:
        if not len(index):
            return np.zeros((0, *self.shape[1:]), np.float32)
        mean, spread = (np.array(numbers, np.float32)[:, None, None] for numbers in (self.state.mean, self.state.spread))
        return np.stack([(shares(self.images[i]) - mean) / spread for i in index])


@dataclass(frozen=True, slots=True)
class Rows:
    """The same images, row by row: entry i * H + h is row h of image i, "n (W C)"."""

    images: Standardised
    dtype = np.dtype(np.float32)

    @property
    def shape(self) -> tuple[int, ...]:
        count, channels, height, width = self.images.shape
        return count * height, width * channels

    def __getitem__(self, index: Array, /) -> Array:
        image, row = np.divmod(index, self.images.state.height)
        wanted, place = np.unique(image, return_inverse=True)
        found = self.images[wanted].transpose(0, 2, 3, 1)  # n H W C
        return found[place, row].reshape(len(index), self.shape[1])


@dataclass(frozen=True, slots=True)
class ImageInput:
    config: Config

    def fit(self, known: Known) -> State:
        """The commonest size and channels of the training images, and their mean and spread.

        Raises DataError where there are none.
        """
        uris = _latest(known, self.config.code)["payload"].unique(maintain_order=True)
        if not len(uris):
            raise DataError(f"no training row has an image {self.config.code!r}", hint="see data.reader, or the input's code")
        uris = uris.gather(np.linspace(0, len(uris) - 1, min(len(uris), FITTED_ON)).astype(np.int64))
        payloads = [known.payloads.open(uri) for uri in uris]
        height, width = self._size(payloads)
        channels, _ = Counter(len(p.values) for p in payloads).most_common(1)[0]
        names = next(p.channels for p in payloads if len(p.values) == channels) or COLOURS.get(channels, ())
        blank = State(
            height=height,
            width=width,
            channels=tuple(names) or tuple(f"channel_{c}" for c in range(channels)),
            mean=(0.0,) * channels,
            spread=(1.0,) * channels,
        )
        mean, spread = _moments(_images([p.values for p in payloads], blank))
        return msgspec.structs.replace(blank, mean=mean, spread=spread)

    def read(self, known: Known, state: State) -> Ragged:
        """One step a row, or `height` steps; a row without an image has none."""
        latest = _latest(known, self.config.code)
        uris, entry = _unique(latest["payload"])
        values = Standardised(_images([known.payloads.open(uri).values for uri in uris], state), state)
        steps = state.height if self.config.as_rows else 1
        length = np.zeros(known.count, np.int64)
        length[latest["row"].to_numpy()] = steps
        return Ragged(
            offsets=np.concatenate([[0], np.cumsum(length)]),
            values=Rows(values) if self.config.as_rows else values,
            position=np.tile(np.arange(steps, dtype=np.float64), len(latest)) if self.config.as_rows else _days(latest),
            take=(entry[:, None] * steps + np.arange(steps)).ravel(),
        )

    def plain(self, known: Known, state: State) -> Plain:
        """Grey pixels of at most 28 × 28, and mean, spread, histogram and orientations of edges (Dalal and Triggs 2005)."""
        latest = _latest(known, self.config.code)
        uris, entry = _unique(latest["payload"])
        images = _images([known.payloads.open(uri).values for uri in uris], state)
        names = _plain_names(state)
        found = np.zeros((len(uris), len(names)), np.float32)
        for chunk in _chunks(len(uris)):
            found[chunk] = _summaries(np.stack([grey(shares(images[i])) for i in chunk]), state)
        values = np.full((known.count, len(names)), np.nan, np.float32)
        values[latest["row"].to_numpy()] = found[entry]
        return Plain(values, names)

    def spec(self, state: State) -> Spec:
        """names: of the channels. Rows as steps have position in index, whole images in days."""
        shape = (len(state.channels), state.height, state.width)
        if self.config.as_rows:
            return Spec("image", (state.width * len(state.channels),), "index", state.channels)
        return Spec("image", shape, "days", state.channels, single=True)

    def example(self, state: State, rows: int, seed: int) -> Known:
        """One smooth random image a row, of the fitted mean and spread."""
        random = streams.generator(seed, "example", "image")
        coarse = random.normal(size=(rows, len(state.channels), 4, 4)).astype(np.float32)
        mean, spread = (np.array(numbers, np.float32)[:, None, None] for numbers in (state.mean, state.spread))
        smooth = resized(coarse, (state.height, state.width)) * spread + mean
        payloads = {f"example-{i}": Payload(image, None, state.channels) for i, image in enumerate(smooth)}
        never, code = np.full(rows, np.nan), self.config.code
        images = events({"row": np.arange(rows), "position": never, "code": [code] * rows, "payload": list(payloads)})
        return Known(rows, images, Held(payloads), {code: "payload"}, never)

    def _size(self, payloads: Sequence[Payload]) -> tuple[int, int]:
        if self.config.size is None:
            (height, width), _ = Counter(p.values.shape[1:] for p in payloads).most_common(1)[0]
            return height, width
        return (self.config.size, self.config.size) if isinstance(self.config.size, int) else self.config.size


def _latest(known: Known, code: str) -> pl.DataFrame:
    """row, position, payload: the last image of each row that has one."""
    images = known.events.filter(pl.col("code") == code, pl.col("payload").is_not_null())
    return images.select("row", "position", "payload").group_by("row", maintain_order=True).last()


def _unique(uris: pl.Series) -> tuple[list[str], Array]:
    """Each uri once, and where in that list each row's is."""
    once = uris.unique(maintain_order=True)
    place = pl.DataFrame({"uri": uris}).join(
        pl.DataFrame({"uri": once}).with_row_index("entry"), on="uri", how="left", maintain_order="left"
    )
    return once.to_list(), place["entry"].to_numpy().astype(np.int64)


def _days(latest: pl.DataFrame) -> Array:
    """Positions; an image without time stands at the prediction itself."""
    found: Array = np.nan_to_num(latest["position"].to_numpy(), nan=0.0)
    return found


def shares(image: Array) -> Array:
    """Pixels as float32 shares of the full scale of their type; floats as they are."""
    scale = {"uint8": 255, "uint16": 65535}.get(str(image.dtype), 1)
    return np.asarray(image, np.float32) / np.float32(scale)


def grey(image: Array) -> Array:
    """One channel "H W": the luma of a colour image, else the mean of its channels."""
    found: Array = np.tensordot(LUMA, image, 1) if len(image) == 3 else image.mean(0)
    return found


def _images(raw: Sequence[Array], state: State) -> Sequence[Array]:
    """These images with the state's channels and size: as they are where all fit, else converted once."""
    shape = (len(state.channels), state.height, state.width)
    raw = [np.asarray(image) for image in raw]
    if all(image.shape == shape for image in raw):
        return raw
    kinds = {image.dtype for image in raw}
    found = room((len(raw), *shape), kinds.pop() if len(kinds) == 1 else np.float32)
    for place, image in zip(found, raw, strict=True):
        place[:] = _fitted(image, shape, found.dtype)
    return found  # type: ignore[return-value]


def _fitted(image: Array, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Array:
    if dtype != image.dtype:
        image = shares(image)
    if len(image) != shape[0]:
        image = _with_channels(image, shape[0])
    if image.shape[1:] != shape[1:]:
        image = resized(image[None].astype(np.float32), shape[1:])[0]
    return np.rint(image) if dtype.kind == "u" else image


def _with_channels(image: Array, channels: int) -> Array:
    if len(image) == 1:
        return np.repeat(image, channels, 0)
    if channels == 1 and len(image) == 3:
        return np.tensordot(LUMA, image, 1)[None]
    raise DataError(f"an image has {len(image)} channels, the training images have {channels}")


def resized(images: Array, size: tuple[int, ...]) -> Array:
    """Images "n C H W" at another size: each new pixel is the mean of the area it covers, or bilinear where it grows."""
    down, across = _weights(images.shape[2], size[0]), _weights(images.shape[3], size[1])
    found: Array = np.matmul(np.matmul(down, images), across.T)
    return found


@cache
def _weights(old: int, new: int) -> Array:
    """Float32 "new old": a triangle as wide as the larger of both pixels, so that shrinking averages and growing interpolates."""
    if old == new:
        return np.eye(old, dtype=np.float32)
    centre = (np.arange(new) + 0.5) * old / new - 0.5
    reach = max(1.0, old / new)
    weight = np.clip(1 - np.abs(np.arange(old) - centre[:, None]) / reach, 0, None)
    found: Array = (weight / weight.sum(1, keepdims=True)).astype(np.float32)
    return found


def _chunks(count: int) -> Iterator[Array]:
    return (np.arange(first, min(first + CHUNK, count)) for first in range(0, count, CHUNK))


def _moments(images: Sequence[Array]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and spread of each channel over all pixels; the spread of a constant channel is 1."""
    sums: list[Array] = []
    for chunk in _chunks(len(images)):
        found = np.stack([shares(images[i]) for i in chunk]).astype(np.float64)
        sums.append(np.stack([found.mean((2, 3)).sum(0), (found**2).mean((2, 3)).sum(0)]))
    mean, square = np.sum(sums, 0) / len(images)
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    return tuple(mean.tolist()), tuple(np.where(spread > 1e-6, spread, 1.0).tolist())


def _plain_size(state: State) -> tuple[int, int]:
    return min(state.height, PLAIN_SIDE), min(state.width, PLAIN_SIDE)


def _plain_names(state: State) -> tuple[str, ...]:
    height, width = _plain_size(state)
    pixels = [f"pixel_{h}_{w}" for h in range(height) for w in range(width)]
    cells = [f"edge_{h}_{w}_{o}" for h in range(CELLS) for w in range(CELLS) for o in range(ORIENTATIONS)]
    return (*pixels, "mean", "spread", "least", "most", *(f"histogram_{b}" for b in range(BINS)), *cells)


def _summaries(images: Array, state: State) -> Array:
    """The columns of `_plain_names` for grey images "n H W"."""
    small = resized(images[:, None], _plain_size(state))[:, 0]
    flat = small.reshape(len(small), -1)
    centre, width = np.mean(state.mean), 4 * np.mean(state.spread) / BINS
    binned = np.clip((flat - centre) / width + BINS / 2, 0, BINS - 1).astype(np.int64)
    histogram = np.stack([(binned == b).mean(1) for b in range(BINS)], 1)
    moments = np.stack([flat.mean(1), flat.std(1), flat.min(1), flat.max(1)], 1)
    return np.concatenate([flat, moments, histogram, _edges(small)], 1)


def _edges(images: Array) -> Array:
    """Strength of edges by orientation in each of 4 × 4 cells, "n 96"."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge")
    down, across = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1], padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    strength = np.hypot(down, across)
    orientation = (np.arctan2(down, across) / np.pi % 1 * ORIENTATIONS).astype(np.int64) % ORIENTATIONS
    votes = np.stack([np.where(orientation == o, strength, 0) for o in range(ORIENTATIONS)], -1)  # n H W O
    row, column = (np.linspace(0, side, CELLS + 1).astype(np.int64) for side in images.shape[1:])
    cells = [
        votes[:, row[h] : row[h + 1], column[w] : column[w + 1]].sum((1, 2)) / max(1, images[0].size)
        for h in range(CELLS)
        for w in range(CELLS)
    ]
    return np.concatenate(cells, 1)


def build(config: Config) -> ImageInput:
    """Raises ConfigError for a size without pixels."""
    # not said in Config's type: msgspec 0.22 crashes at a union of a constrained number and a tuple
    size = config.size if isinstance(config.size, tuple) else (config.size,)
    if any(side is not None and side < 1 for side in size):
        raise ConfigError(f"an image cannot have the size {config.size}", hint="a number of pixels, or height and width")
    return ImageInput(config)
