"""Random changes of images and waveforms in training batches: batched, on whole tensors, and replayable.

Drawing and acting are apart: `draw` gives the numbers for each of the B rows, `apply` acts with them and is deterministic.

    images      scale rotate shift flip (one grid_sample for all of them), brightness contrast noise erase
    waveforms   amplitude shift noise channel_drop time_warp

Values are those the network sees, standardised: amounts are in their spreads, shares of the size, or degrees. Padding, and what
was not seen, stays zero; what a shift brings in from outside an image is its nearest edge. An image that is given as rows of
pixels is put together, changed, and taken apart again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeAlias

import torch
from msgspec import Meta
from torch import Generator, Tensor
from torch.nn import functional

from sequela import registry
from sequela.config import Named, Strict, choice, convert
from sequela.errors import ConfigError
from sequela.types import Seq, Spec

Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Below1: TypeAlias = Annotated[float, Meta(ge=0, lt=1)]
Amount: TypeAlias = Annotated[float, Meta(ge=0)]
Draw: TypeAlias = Callable[[Any, "Size", Generator], Tensor]
Act: TypeAlias = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Size:
    """Of what is drawn for."""

    rows: int
    channels: int


@dataclass(frozen=True, slots=True)
class Kind:
    """One augmentation: its options, what it draws for each row, and how that acts on values "B C …"."""

    options: type[Strict]
    draw: Draw
    act: Act


class Shift(Strict, frozen=True):
    by: Share = 0.1  # at most this share of the height and width, or of the window


class Rotate(Strict, frozen=True):
    degrees: Amount = 10.0  # at most, either way


class Scale(Strict, frozen=True):
    by: Below1 = 0.1  # 0.1: from 0.9 to 1.1 times as large


class Flip(Strict, frozen=True):
    horizontal: Share = 0.5  # how often
    vertical: Share = 0.0


class Brightness(Strict, frozen=True):
    by: Amount = 0.2  # added to all values, at most, either way


class Contrast(Strict, frozen=True):
    by: Below1 = 0.2  # 0.2: from 0.8 to 1.2 times the distance from each channel's mean


class Noise(Strict, frozen=True):
    sd: Amount = 0.1  # at most: each row draws its own


class Erase(Strict, frozen=True):
    share: Share = 0.3  # of height and width, at most
    often: Share = 0.5


class Amplitude(Strict, frozen=True):
    by: Below1 = 0.2  # 0.2: from 0.8 to 1.2 times


class ChannelDrop(Strict, frozen=True):
    often: Share = 0.1  # of each channel; one always stays


class TimeWarp(Strict, frozen=True):
    by: Annotated[float, Meta(ge=0, lt=0.3)] = 0.1  # time runs at most about this share faster or slower, smoothly


def _uniform(shape: Sequence[int], most: float, generator: Generator) -> Tensor:
    """Numbers from -most to most."""
    return (2 * torch.rand(*shape, generator=generator) - 1) * most


def _beside(numbers: Tensor, values: Tensor) -> Tensor:
    """Numbers "B" or "B C" shaped to act on values "B C …"."""
    return numbers.to(values).reshape(*numbers.shape, *[1] * (values.ndim - numbers.ndim))


# ------------------------------------------------------------------------------------------ where pixels come from: "B 2 3" maps


def _maps(turn: Tensor, moved: Tensor) -> Tensor:
    return torch.cat([turn, moved[:, :, None]], 2)


def _draw_shift(options: Shift, size: Size, generator: Generator) -> Tensor:
    return _maps(torch.eye(2).expand(size.rows, 2, 2), _uniform([size.rows, 2], 2 * options.by, generator))


def _draw_rotate(options: Rotate, size: Size, generator: Generator) -> Tensor:
    angle = _uniform([size.rows], math.radians(options.degrees), generator)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    return _maps(torch.stack([cosine, -sine, sine, cosine], 1).reshape(-1, 2, 2), torch.zeros(size.rows, 2))


def _draw_scale(options: Scale, size: Size, generator: Generator) -> Tensor:
    factor = 1 / (1 + _uniform([size.rows, 1, 1], options.by, generator))
    return _maps(torch.eye(2) * factor, torch.zeros(size.rows, 2))


def _draw_flip(options: Flip, size: Size, generator: Generator) -> Tensor:
    flipped = torch.rand(size.rows, 2, generator=generator) < torch.tensor([options.horizontal, options.vertical])
    return _maps(torch.diag_embed(1 - 2 * flipped.float()), torch.zeros(size.rows, 2))


def _warp(values: Tensor, maps: Tensor) -> Tensor:
    """Images "B C H W" sampled where the maps say, bilinearly; outside is the nearest edge.

    Maps are of square coordinates: for an image that is not square they are stretched, so that a turn stays a turn.
    """
    if not len(values):
        return values
    aspect = values.new_tensor([1.0, values.shape[2] / values.shape[3]])  # x, y in widths
    stretched = maps.to(values).clone()
    stretched[:, :, :2] *= aspect / aspect[:, None]
    grid = functional.affine_grid(stretched, list(values.shape), align_corners=False)
    return functional.grid_sample(values, grid, "bilinear", "border", align_corners=False)


# ----------------------------------------------------------------------------------------------------------------------- values


def _draw_one(options: Any, size: Size, generator: Generator) -> Tensor:
    return _uniform([size.rows], options.by, generator)


def _add(values: Tensor, drawn: Tensor) -> Tensor:
    return values + _beside(drawn, values)


def _multiply(values: Tensor, drawn: Tensor) -> Tensor:
    return values * (1 + _beside(drawn, values))


def _contrast(values: Tensor, drawn: Tensor) -> Tensor:
    mean = values.mean(tuple(range(2, values.ndim)), keepdim=True)
    return mean + (values - mean) * (1 + _beside(drawn, values))


def _draw_noise(options: Noise, size: Size, generator: Generator) -> Tensor:
    """The sd, and the seed of the noise itself, which need not be held to be replayed."""
    sd = torch.rand(size.rows, generator=generator, dtype=torch.float64) * options.sd
    seed = torch.randint(2**53, [1], generator=generator).double().expand(size.rows)
    return torch.stack([sd, seed], 1)


def _noise(values: Tensor, drawn: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(int(drawn[0, 1])) if len(drawn) else None
    noise = torch.randn(values.shape, generator=generator, dtype=values.dtype)
    return values + noise.to(values.device) * _beside(drawn[:, 0], values)


def _draw_erase(options: Erase, size: Size, generator: Generator) -> Tensor:
    """Top, left, bottom and right as shares; an empty box where nothing is erased."""
    extent = torch.rand(size.rows, 2, generator=generator) * options.share
    extent = extent * (torch.rand(size.rows, 1, generator=generator) < options.often)
    corner = torch.rand(size.rows, 2, generator=generator) * (1 - extent)
    return torch.cat([corner, corner + extent], 1)


def _erase(values: Tensor, drawn: Tensor) -> Tensor:
    """Boxes set to 0, the mean of the training images."""
    down, across = ((torch.arange(n, device=values.device) + 0.5) / n for n in values.shape[2:])
    top, left, bottom, right = (column[:, None] for column in drawn.to(values).unbind(1))
    inside = ((down >= top) & (down < bottom))[:, :, None] & ((across >= left) & (across < right))[:, None]
    return values.masked_fill(inside[:, None], 0)


# -------------------------------------------------------------------------------------------------------------------- waveforms


def _draw_channels(options: ChannelDrop, size: Size, generator: Generator) -> Tensor:
    """1 where a channel stays, "B C"; the one with the highest number always does."""
    numbers = torch.rand(size.rows, size.channels, generator=generator)
    return ((numbers >= options.often) | (numbers == numbers.amax(1, keepdim=True))).float()


def _keep(values: Tensor, drawn: Tensor) -> Tensor:
    return values * _beside(drawn, values)


def _draw_moved(options: Shift, size: Size, generator: Generator) -> Tensor:
    """One bend that is no bend: a constant, in shares of the window."""
    return _uniform([size.rows, 1], options.by, generator)


def _draw_bends(options: TimeWarp, size: Size, generator: Generator) -> Tensor:
    """Heights of the first three half sine waves over the window; their slopes add up to `by` at most."""
    order = torch.arange(1, 4)
    return torch.cat([torch.zeros(size.rows, 1), _uniform([size.rows, 3], options.by / (3 * math.pi), generator) / order], 1)


def _retimed(values: Tensor, drawn: Tensor) -> Tensor:
    """Windows "B C L" read at other times, linearly between samples; outside is the nearest end.

    drawn "B 1+K": a constant, then the heights of K half sine waves, all in shares of the window.
    """
    length = values.shape[2]
    time = torch.arange(length, device=values.device) / max(length - 1, 1)
    order = torch.arange(1, drawn.shape[1], device=values.device)
    waves = torch.cat([torch.ones(1, length, device=values.device), torch.sin(math.pi * order[:, None] * time)])
    source = ((time + drawn.to(values) @ waves.to(values)) * (length - 1)).clamp(0, length - 1)
    low = source.floor().long().clamp(max=max(length - 2, 0))
    share = (source - low)[:, None]
    first = values.gather(2, low[:, None].expand_as(values))
    second = values.gather(2, (low + 1).clamp(max=length - 1)[:, None].expand_as(values))
    return first + (second - first) * share


# -------------------------------------------------------------------------------------------------------------------- the whole


IMAGES: Mapping[str, Kind] = {
    "scale": Kind(Scale, _draw_scale, _warp),
    "rotate": Kind(Rotate, _draw_rotate, _warp),
    "shift": Kind(Shift, _draw_shift, _warp),
    "flip": Kind(Flip, _draw_flip, _warp),
    "brightness": Kind(Brightness, _draw_one, _add),
    "contrast": Kind(Contrast, _draw_one, _contrast),
    "noise": Kind(Noise, _draw_noise, _noise),
    "erase": Kind(Erase, _draw_erase, _erase),
}
WAVEFORMS: Mapping[str, Kind] = {
    "amplitude": Kind(Amplitude, _draw_one, _multiply),
    "shift": Kind(Shift, _draw_moved, _retimed),
    "noise": Kind(Noise, _draw_noise, _noise),
    "channel_drop": Kind(ChannelDrop, _draw_channels, _keep),
    "time_warp": Kind(TimeWarp, _draw_bends, _retimed),
}
KINDS: Mapping[str, Mapping[str, Kind]] = {"image": IMAGES, "waveform": WAVEFORMS}


@dataclass(frozen=True, slots=True)
class Augment:
    """Changes of one input, in the order given, but that the four which move pixels act first and as one."""

    spec: Spec
    kinds: tuple[tuple[str, Kind, Any], ...]  # name, kind, options

    def __call__(self, seq: Seq, generator: Generator) -> Seq:
        """The batch changed; the same generator state gives the same change."""
        return self.apply(seq, self.draw(seq, generator))

    def draw(self, seq: Seq, generator: Generator) -> tuple[Tensor, ...]:
        """One tensor of numbers for each kind; for a waveform a row for every step, for an image one for every row."""
        values = self._folded(seq.values)
        size = Size(values.shape[0], values.shape[1])
        return tuple(kind.draw(options, size, generator) for _, kind, options in self.kinds)

    def apply(self, seq: Seq, drawn: Sequence[Tensor]) -> Seq:
        """The batch changed by what was drawn: deterministic."""
        values = self._folded(seq.values)
        maps = [numbers for (_, kind, _), numbers in zip(self.kinds, drawn, strict=True) if kind.act is _warp]
        if maps:
            values = _warp(values, _composed(maps))
        for (_, kind, _), numbers in zip(self.kinds, drawn, strict=True):
            values = values if kind.act is _warp else kind.act(values, numbers)
        values = self._unfolded(values, seq.values)
        real = seq.mask.reshape(*seq.mask.shape, *[1] * (values.ndim - 2))
        return replace(seq, values=values * (real if seq.seen is None else real & seq.seen))

    @property
    def _as_rows(self) -> bool:
        return self.spec.kind == "image" and len(self.spec.shape) == 1

    def _folded(self, values: Tensor) -> Tensor:
        """Values "B T *F" as "N C …": N = B T steps, or B images whose rows are the T steps."""
        if self._as_rows:
            rows, height, _ = values.shape
            return values.reshape(rows, height, -1, max(len(self.spec.names), 1)).permute(0, 3, 1, 2)
        return values.flatten(0, 1)

    def _unfolded(self, values: Tensor, like: Tensor) -> Tensor:
        return (values.permute(0, 2, 3, 1) if self._as_rows else values).reshape(like.shape)


def _composed(maps: Sequence[Tensor]) -> Tensor:
    """One map for several that act one after another."""
    corner = torch.tensor([0.0, 0.0, 1.0]).expand(len(maps[0]), 1, 3)
    whole = torch.cat([maps[0], corner], 1)
    for step in maps[1:]:
        whole = whole @ torch.cat([step, corner], 1)
    return whole[:, :2]


def build(named: Sequence[Named], spec: Spec) -> Augment:
    """The augmentation that a study's input asks for.

    Raises ConfigError for a kind of input that has none, an unknown name or option, with the nearest one.
    """
    known = KINDS.get(spec.kind)
    if known is None:
        raise ConfigError(f"an input of the kind {spec.kind!r} cannot be augmented", hint=f"only {' and '.join(KINDS)} can")
    kinds = []
    for i, one in enumerate(named):
        where = f"augment[{i}]"
        chosen = choice(one, where)
        if chosen.name not in known:
            hint = registry.nearest(chosen.name, tuple(known))
            raise ConfigError(f"{where}: no augmentation of {spec.kind}s is called {chosen.name!r}", hint=hint)
        kind = known[chosen.name]
        kinds.append((chosen.name, kind, convert(chosen.options, kind.options, f"{where} ({chosen.name})")))
    return Augment(spec, tuple(kinds))
