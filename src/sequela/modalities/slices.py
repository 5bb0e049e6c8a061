"""A volume as a sequence of its slices, each with where it lies in millimetres from the first.

For networks that look at pictures and then along them (`cnn_rnn`), or pool over them. Slices are read from their payloads when a
batch asks for them; they are cut or padded about their middle and never stretched, so that a point of one is as large as a point
of another wherever the volumes are of one spacing, or `spacing` brings them to one.
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
from sequela.modalities import _picture_example as made
from sequela.modalities import _picture_plan, _volume_plan
from sequela.modalities import _picture_state as states
from sequela.modalities._picture_events import LIKE_TRAINING, found, latest, refuse_unlike
from sequela.modalities._picture_moments import moments
from sequela.modalities._picture_plan import commonest
from sequela.modalities._picture_values import grey, shares
from sequela.modalities._pictures import Pictures, Recipe, spacing_of
from sequela.modalities._slabs import Plan, Slabs
from sequela.modalities._synthetic import Held, events
from sequela.modalities._window import Bounds, bounds, windowed
from sequela.prep.resample import resized
from sequela.types import Known, Payload, Plain, Ragged, Spec

BINS = 8
SAMPLED = 2**22  # points of a large volume that its plain columns are taken from, whole slices, where there are more
EXTENTS = ("extent_slices", "extent_rows", "extent_columns")  # millimetres, or points where no training volume told


class Config(Strict, frozen=True):
    code: str = "IMAGE"
    axis: Literal["auto", "axial", "coronal", "sagittal"] = "auto"  # auto: along which points lie farthest apart, else axial
    slab: Annotated[int, Meta(ge=1)] = 1  # neighbouring slices that a step shows together, as channels
    step: Annotated[int, Meta(ge=1)] = 1  # slices from one step to the next
    size: int | tuple[int, ...] | None = None  # rows and columns of a slice; left out: the largest of training
    spacing: Literal["auto"] | tuple[float, ...] | None = (
        None  # mm [slices, rows, columns]; auto: the median; left out: as stored
    )
    spacing_factor: Annotated[float, Meta(ge=1)] = 2.0  # a volume so many times finer or coarser than all of training is refused
    window: str | list[str | float] | None = None  # CT: "lung", ["lung", "bone"] as channels, or [low, high] in what is stored
    scale: Literal["train", "each"] = "train"  # each: by its own mean and spread, of the points that are not 0 where many are


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What the training volumes were."""

    volumes: states.State  # its size is the commonest of training, at the model's spacing
    axis: int  # across the slices: of (D, H, W)
    size: tuple[int, int]  # of a slice


@dataclass(frozen=True, slots=True)
class SlicesInput:
    config: Config

    def fit(self, known: Known) -> State:
        """The axis, the size of a slice, and mean and spread of each channel, of the training volumes.

        Raises DataError where there are none, or where some are not like most (flat, without spacing, of another type of number).
        """
        uris = latest(known, self.config.code)["payload"].unique(maintain_order=True)
        if not len(uris):
            raise DataError(f"no training row has a volume {self.config.code!r}", hint="see data.reader, or the input's code")
        payloads = [known.payloads.open(uri) for uri in uris]
        state = self._blank(payloads)
        self._refuse(payloads, state)
        mean, spread = moments(Pictures(payloads, self._recipe(state)))
        return msgspec.structs.replace(state, volumes=msgspec.structs.replace(state.volumes, mean=mean, spread=spread))

    def read(self, known: Known, state: State) -> Ragged:
        """The slices of each row's latest volume; a row without one has no step.

        Raises DataError where a volume is not like those of training (see `refused`).
        """
        held = found(known, self.config.code)
        self._refuse(held.payloads, state)
        plan = Plan(state.axis, state.size, self.config.slab, self.config.step)
        slabs = Slabs(Pictures(held.payloads, self._recipe(state)), plan)
        first, count = slabs.ends[:-1][held.entry], np.diff(slabs.ends)[held.entry]
        length = np.zeros(known.count, np.int64)
        length[held.row] = count
        number = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)  # of each step in its volume
        apart = np.array([self._apart(payload, state) for payload in held.payloads], np.float64)[held.entry]
        return Ragged(
            offsets=np.concatenate([[0], np.cumsum(length)]),
            values=slabs,
            position=number * np.repeat(apart, count),
            take=np.repeat(first, count) + number,
        )

    def refused(self, known: Known, state: State) -> list[str]:
        """Of each row why its volume cannot be judged by what was learnt, "" where it can, or where there is none."""
        return found(known, self.config.code).reasons(lambda payload: self._unlike(payload, state))

    def plain(self, known: Known, state: State) -> Plain:
        """Mean, spread, range and histogram of each volume's grey values, and how far it reaches along its axes."""
        held = found(known, self.config.code)
        names = ("mean", "spread", "least", "most", *(f"histogram_{b}" for b in range(BINS)), *EXTENTS)
        each = [self._summary(payload, state) for payload in held.payloads]
        return Plain(held.columns(np.array(each, np.float32).reshape(-1, len(names))), names)

    def spec(self, state: State) -> Spec:
        """names: of the channels of a step, with the number of its slice from the middle one where it shows several."""
        names, slab = state.volumes.channels, self.config.slab
        if slab > 1:
            names = tuple(f"{name} {place - (slab - 1) // 2:+d}" for name in names for place in range(slab))
        unit = "index" if state.volumes.finest is None else "millimetres"
        whole = msgspec.structs.replace(state.volumes, size=None).pitch  # no volume is brought to a size
        pitch = tuple(one for axis, one in enumerate(whole) if axis != state.axis)
        return Spec("slices", (len(names), *state.size), unit, names, spacing=pitch)

    def example(self, state: State, rows: int, seed: int) -> Known:
        """One smooth random volume a row, of the fitted mean and spread."""
        random = streams.generator(seed, "example", "slices")
        volumes, windows, code = state.volumes, self._windows, self.config.code
        coarse = random.normal(size=(rows, len(volumes.stored), 4, 4, 4)).astype(np.float32)
        values = [made.as_stored(volume, volumes, windows) for volume in resized(coarse, volumes.size or (1, 1, 1))]
        payloads = {
            f"example-{i}": Payload(volume, None, volumes.stored, space=made.space(volumes)) for i, volume in enumerate(values)
        }
        never = np.full(rows, np.nan)
        table = events({"row": np.arange(rows), "position": never, "code": [code] * rows, "payload": list(payloads)})
        return Known(rows, table, Held(payloads), {code: "payload"}, never)

    # -------------------------------------------------------------------------------------------------------------- of training

    def _blank(self, payloads: Sequence[Payload]) -> State:
        """The state but for mean and spread."""
        flat = sum(payload.values.ndim != 4 for payload in payloads)
        if flat:
            raise DataError(f"{flat} of {len(payloads)} training pictures are no volumes", hint="see the modality image")
        spacing = _picture_plan.spacing(payloads, self.config.spacing)
        sides = _picture_plan.sides(payloads, spacing)
        axis = _volume_plan.axis(payloads, self.config.axis)
        stored, windows = states.names_of(payloads), bounds(self.config.window)
        finest, coarsest = states.range_of(payloads)
        volumes = states.State(
            size=commonest(sides),
            patch=None,
            spacing=spacing,
            finest=finest,
            coarsest=coarsest,
            oriented=all(payload.space is not None and payload.space.oriented for payload in payloads),
            stored=stored,
            dtype=commonest([payload.values.dtype.name for payload in payloads]),
            channels=tuple(name for name, _ in windows) if len(windows) > 1 else stored,
            mean=(0.0,) * max(len(windows), len(stored)),
            spread=(1.0,) * max(len(windows), len(stored)),
        )
        return State(volumes=volumes, axis=axis, size=_volume_plan.plane(sides, axis, self.config.size))

    @property
    def _windows(self) -> tuple[Bounds, ...]:
        return tuple(ends for _, ends in bounds(self.config.window))

    # ---------------------------------------------------------------------------------------------------------------- of volumes

    def _refuse(self, payloads: Sequence[Payload], state: State) -> None:
        refuse_unlike(payloads, lambda payload: self._unlike(payload, state), "volumes", LIKE_TRAINING)

    def _unlike(self, payload: Payload, state: State) -> str:
        typed = self.config.scale == "train" and self.config.window is None
        return states.unlike(payload, state.volumes, self.config.spacing_factor, typed)

    def _recipe(self, state: State) -> Recipe:
        return Recipe(
            channels=len(state.volumes.channels),
            mean=state.volumes.mean,
            spread=state.volumes.spread,
            spacing=state.volumes.spacing,
            windows=self._windows,
            each=self.config.scale == "each",
        )

    def _apart(self, payload: Payload, state: State) -> float:
        """From one step of a volume to the next: millimetres, or slices where the training volumes did not tell."""
        spacing = state.volumes.spacing or spacing_of(payload)
        if spacing is None or state.volumes.finest is None:
            return float(self.config.step)
        return self.config.step * spacing[state.axis]

    def _summary(self, payload: Payload, state: State) -> list[float]:
        """The plain columns of one volume."""
        volumes, windows = state.volumes, self._windows
        thin = payload.values[:, :: -(-payload.values[0].size // SAMPLED)]
        points = grey(windowed(thin[: len(thin) if len(windows) == 1 else 1], windows) if windows else shares(thin)).ravel()
        own = (points.mean(), points.std())
        middle, spread = own if self.config.scale == "each" else (np.mean(volumes.mean), np.mean(volumes.spread))
        binned = np.clip(BINS * ((points - middle) / max(4 * spread, 1e-6) + 0.5), 0, BINS - 1).astype(np.int64)
        spacing = spacing_of(payload) if volumes.finest is not None else None
        extent = np.array(payload.values.shape[1:]) * (spacing or (1.0, 1.0, 1.0))
        histogram = np.bincount(binned, minlength=BINS) / len(points)
        return [*own, points.min(), points.max(), *histogram.tolist(), *extent.tolist()]


def build(config: Config) -> SlicesInput:
    """Raises ConfigError for a size or spacing without extent, or an unknown window."""
    # not said in Config's type: msgspec 0.22 crashes at a union of a constrained number and a tuple
    size = config.size if isinstance(config.size, tuple) else (config.size, config.size)
    if len(size) != 2 or any(side is not None and side < 1 for side in size):
        raise ConfigError(f"a slice cannot have the size {config.size}", hint="a number of points, or rows and columns")
    if isinstance(config.spacing, tuple) and (len(config.spacing) != 3 or min(config.spacing) <= 0):
        raise ConfigError(f"spacing is {config.spacing}; expected three lengths in mm: from slice to slice, row to row and so on")
    bounds(config.window)
    return SlicesInput(config)
