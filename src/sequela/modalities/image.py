"""Pictures and volumes: the latest of each row, as one step, or the rows of a picture as steps (the classic image-as-rows LSTM).

Values are divided by the full scale of their type (255, 65535, or 1 for int16 and floats) or by a CT window, then standardised by
the mean and spread of each channel over the training pictures, or of the picture itself. They are read from their payloads when
a batch asks for them, so that the pictures of a study need not fit in memory.

A model sees whole pictures of one size (`size`, stretched or cut), or patches of pictures that are each of their own size
(`patch`), as they are stored or at one true spacing (`spacing`). Masks and boxes are carried between both by prep/grid.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from sequela import seed as streams
from sequela.config import Strict
from sequela.errors import ConfigError, DataError
from sequela.modalities import _picture_plan as plans
from sequela.modalities._picture_events import LIKE_TRAINING, chunks, days, found, latest, refuse_unlike
from sequela.modalities._picture_example import as_stored, space
from sequela.modalities._picture_moments import moments
from sequela.modalities._picture_plain import Columns
from sequela.modalities._picture_state import AXES, KINDS, State, names_of, range_of, unlike
from sequela.modalities._picture_values import grey, shares
from sequela.modalities._pictures import Pictures, Recipe, Rows
from sequela.modalities._synthetic import Held, events
from sequela.modalities._window import Bounds, bounds, windowed
from sequela.prep.resample import resized
from sequela.types import Array, Known, Payload, Plain, Ragged, Spec

FITTED_ON = 20_000  # pictures that mean and spread are taken from, evenly spaced over the training rows, where there are more


class Config(Strict, frozen=True):
    code: str = "IMAGE"
    as_rows: bool = False  # each row of pixels is a step, from the top, of all its columns and channels
    size: int | tuple[int, ...] | None = None  # [h, w] or [d, h, w]; left out: the commonest, or with a patch, its own
    fit: Literal["stretch", "crop"] = "stretch"  # to that size; crop: the middle, at true spacing, with empty margins
    patch: Literal["auto"] | tuple[int, ...] | None = None  # what a network sees at once; left out: the whole picture at one size
    patches: Annotated[int, Meta(ge=1)] = 1  # drawn from each picture in an epoch
    foreground: Annotated[float, Meta(ge=0, le=1)] = 0.33  # share of them that are drawn around a point with a label
    spacing: Literal["auto"] | tuple[float, ...] | None = None  # mm from point to point of the model's picture; auto: the median
    spacing_factor: Annotated[float, Meta(ge=1)] = 2.0  # a picture so many times finer or coarser than all of training is refused
    window: str | list[str | float] | None = None  # CT: "lung", ["lung", "bone"] as channels, or [low, high] in what is stored
    scale: Literal["train", "each"] = "train"  # each: by its own mean and spread, of the points that are not 0 where many are


@dataclass(frozen=True, slots=True)
class ImageInput:
    config: Config

    def fit(self, known: Known) -> State:
        """The sizes, channels, spacing, and mean and spread of the training pictures.

        Raises DataError where there are none, or where some are of another kind than most (a volume among pictures, no spacing).
        """
        uris = latest(known, self.config.code)["payload"].unique(maintain_order=True)
        if not len(uris):
            raise DataError(f"no training row has an image {self.config.code!r}", hint="see data.reader, or the input's code")
        uris = uris.gather(np.linspace(0, len(uris) - 1, min(len(uris), FITTED_ON)).astype(np.int64))
        payloads = [known.payloads.open(uri) for uri in uris]
        state = self._blank(payloads)
        self._refuse(payloads, state)
        mean, spread = moments(Pictures(payloads, self._recipe(state)))
        return msgspec.structs.replace(state, mean=mean, spread=spread)

    def read(self, known: Known, state: State) -> Ragged:
        """One step a row, or `height` steps; a row without a picture has none.

        Raises DataError where a picture is not like those of training (see `refused`).
        """
        held = found(known, self.config.code)
        self._refuse(held.payloads, state)
        pictures = Pictures(held.payloads, self._recipe(state))
        steps = state.size[0] if self.config.as_rows and state.size else 1
        length = np.zeros(known.count, np.int64)
        length[held.row] = steps
        inside = np.arange(steps, dtype=np.float64)
        return Ragged(
            offsets=np.concatenate([[0], np.cumsum(length)]),
            values=Rows(pictures) if self.config.as_rows else pictures,
            position=np.tile(inside, len(held.row)) if self.config.as_rows else days(held.events),
            take=(held.entry[:, None] * steps + np.arange(steps)).ravel(),
        )

    def refused(self, known: Known, state: State) -> list[str]:
        """Of each row why its picture cannot be judged by what was learnt, "" where it can, or where there is none."""
        return found(known, self.config.code).reasons(lambda payload: self._unlike(payload, state))

    def plain(self, known: Known, state: State) -> Plain:
        """Grey points, at most 28 × 28 or 8 × 8 × 8, and their statistics; of pictures orientations of edges as well."""
        held = found(known, self.config.code)
        pictures = Pictures(held.payloads, self._recipe(state))
        columns = Columns.of(state.size or state.patch or (), state.mean, state.spread)
        each = np.zeros((len(held.payloads), len(columns.names)), np.float32)
        for chunk in chunks(len(held.payloads)):
            each[chunk] = columns.summaries(np.stack([self._grey(pictures, int(i), columns) for i in chunk]))
        return Plain(held.columns(each), columns.names)

    def spec(self, state: State) -> Spec:
        """names: of the channels. Rows as steps have position in index, whole pictures in days."""
        if self.config.as_rows and state.size is not None:
            return Spec("image", (state.size[1] * len(state.channels),), "index", state.channels)
        shape = (len(state.channels), *(state.patch or state.size or ()))
        return Spec("image", shape, "days", state.channels, single=True, spacing=state.pitch)

    def example(self, state: State, rows: int, seed: int) -> Known:
        """One smooth random picture a row, of the fitted mean and spread; a quarter longer than a patch."""
        random = streams.generator(seed, "example", "image")
        size = state.size or _longer(state.patch or ())
        coarse = random.normal(size=(rows, len(state.stored), *[4] * len(size))).astype(np.float32)
        pictures = [as_stored(image, state, self._windows) for image in resized(coarse, size)]
        payloads = {f"example-{i}": Payload(one, None, state.stored, space=space(state)) for i, one in enumerate(pictures)}
        never, code = np.full(rows, np.nan), self.config.code
        images = events({"row": np.arange(rows), "position": never, "code": [code] * rows, "payload": list(payloads)})
        return Known(rows, images, Held(payloads), {code: "payload"}, never)

    # -------------------------------------------------------------------------------------------------------------- of training

    def _blank(self, payloads: Sequence[Payload]) -> State:
        """The state but for mean and spread."""
        stored, windows = names_of(payloads), bounds(self.config.window)
        finest, coarsest = range_of(payloads)
        axes = plans.commonest([payload.values.ndim - 1 for payload in payloads])
        state = State(
            size=(1,) * axes,
            patch=None,
            spacing=None,
            finest=finest,
            coarsest=coarsest,
            oriented=all(payload.space is not None and payload.space.oriented for payload in payloads),
            stored=stored,
            dtype=plans.commonest([payload.values.dtype.name for payload in payloads]),
            channels=tuple(name for name, _ in windows) if len(windows) > 1 else stored,
            mean=(0.0,) * max(len(windows), len(stored)),
            spread=(1.0,) * max(len(windows), len(stored)),
        )
        return self._planned([payload for payload in payloads if payload.values.ndim == axes + 1], state)

    def _planned(self, payloads: Sequence[Payload], state: State) -> State:
        """With size, spacing and patch."""
        config, axes = self.config, state.axes
        spacing = plans.spacing(payloads, config.spacing)
        own = plans.sides(payloads, spacing)
        size = (config.size,) * axes if isinstance(config.size, int) else config.size
        if size is None and config.patch is None:
            size = plans.commonest(own) if spacing is None else tuple(round(side) for side in plans.median(own))
        patch = plans.planned_patch([size] if size else own) if config.patch == "auto" else config.patch
        for name, sides in (("size", size), ("patch", patch), ("spacing", spacing)):
            if sides is not None and len(sides) != axes:
                found = f"{len(sides)} number{'s' if len(sides) != 1 else ''}"
                raise DataError(f"{name} has {found}; of {KINDS[axes]}s it has {axes}: {AXES[axes]}")
        if config.as_rows and axes != 2:
            raise DataError("the rows of a volume are no steps", hint="see the modality slices")
        return msgspec.structs.replace(state, size=size, patch=patch, spacing=spacing)

    def _refuse(self, payloads: Sequence[Payload], state: State) -> None:
        refuse_unlike(payloads, lambda payload: self._unlike(payload, state), "pictures", LIKE_TRAINING)

    def _unlike(self, payload: Payload, state: State) -> str:
        typed = self.config.scale == "train" and self.config.window is None
        return unlike(payload, state, self.config.spacing_factor, typed)

    # --------------------------------------------------------------------------------------------------------------- of pictures

    def _recipe(self, state: State) -> Recipe:
        return Recipe(
            channels=len(state.channels),
            mean=state.mean,
            spread=state.spread,
            size=state.size,
            crop=self.config.fit == "crop",
            spacing=state.spacing,
            windows=self._windows,
            each=self.config.scale == "each",
            patch=state.patch,
            patches=self.config.patches,
            foreground=self.config.foreground,
        )

    def _grey(self, pictures: Pictures, entry: int, columns: Columns) -> Array:
        """A whole picture at the model's size, else a small one."""
        recipe = pictures.recipe
        if recipe.patch is None and not recipe.crop and len(columns.size) == 2:
            return grey(pictures.scaled(entry))
        return columns.small(pictures.payloads[entry].values, self._shares)

    def _shares(self, values: Array) -> Array:
        return windowed(values, self._windows) if self._windows else shares(values)

    @property
    def _windows(self) -> tuple[Bounds, ...]:
        return tuple(ends for _, ends in bounds(self.config.window))


def _longer(patch: tuple[int, ...]) -> tuple[int, ...]:
    """A picture in which a patch has two places."""
    return patch[0] + max(1, patch[0] // 4), *patch[1:]


def build(config: Config) -> ImageInput:
    """Raises ConfigError for a size, patch or spacing without extent, an unknown window, or options that exclude each other."""
    size = config.size if isinstance(config.size, tuple) else (config.size,)
    # not said in Config's type: msgspec 0.22 crashes at a union of a constrained number and a tuple
    if any(side is not None and side < 1 for side in size):
        raise ConfigError(f"an image cannot have the size {config.size}", hint="a number of pixels, or that of each axis")
    for name, sides in (("patch", config.patch), ("spacing", config.spacing)):
        if isinstance(sides, tuple) and (not sides or min(sides) <= 0):
            raise ConfigError(f"{name} is {sides}; expected a positive number for each axis")
    if config.as_rows and config.patch is not None:
        raise ConfigError("as_rows takes whole images, and a patch is asked for")
    if config.spacing is not None and config.fit == "stretch" and (config.size is not None or config.patch is None):
        raise ConfigError("a picture stretched to one size has no true spacing", hint='fit = "crop", or a patch and no size')
    bounds(config.window)
    return ImageInput(config)
