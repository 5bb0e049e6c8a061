"""Waveforms: windows around annotated beats, or of fixed length up to the prediction, with the rhythm beside each beat.

A window is a step only if all that it is made of lies among the samples known at the prediction; at the very start of a record
what is missing before it is zero and not seen. Channels are found by name. Values are scaled by what was fitted on the training
windows, or by each window's own spread.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import msgspec
import numpy as np
import polars as pl
from msgspec import Meta

from sequela import seed as streams
from sequela.config import Duration, Strict, microseconds
from sequela.errors import ConfigError, DataError
from sequela.modalities import _against, _likeness, _rhythm, _wave_summary
from sequela.modalities._against import Against
from sequela.modalities._reference import Reference, References
from sequela.modalities._synthetic import Held, events
from sequela.modalities._waves import DAY, Found, Waves, around_beats, up_to_the_end
from sequela.modalities._windows import Channels, Own, Places, Scale, Shape, cut, judged, names_of, units_of
from sequela.registry import nearest
from sequela.signals.baseline import Baseline
from sequela.signals.filters import Filters, filtered
from sequela.signals.quality import Quality, worst
from sequela.store.channel_names import is_lead
from sequela.store.channels import places
from sequela.types import Array, Known, Payload, Plain, Ragged, Spec

FITTED_ON = 20_000  # windows that the scale is fitted on, evenly spaced over the training rows, where there are more
QUANTILES, WIDTH = (0.05, 0.95), 3.29  # of a normal distribution these quantiles lie 3.29 sd apart
EXAMPLE_BEATS = 8  # of the synthetic example
MOST_CHANNELS = 12  # taken as found, where Config names none


class Config(Strict, frozen=True):
    code: str = "WAVEFORM"
    beat: str = "BEAT"
    window: Literal["beat", "fixed"] = "beat"
    before: Duration = "250ms"  # of a beat
    after: Duration = "450ms"
    length: Duration = "10s"  # of a fixed window; the last one ends at the prediction
    stride: Duration | None = None  # between fixed windows; left out: their length
    context: Duration = "0s"  # read before each window, for its baseline and local scale
    rate_hz: Annotated[float, Meta(gt=0)] | None = (
        None  # resampled to this; left out: as it is, and the same in all training records
    )
    channels: tuple[str, ...] = ()  # names or alternatives "V1|V2"; left out: all that the training records have
    baseline: Baseline = "median"  # removed from each window (and its context)
    notch: Annotated[float, Meta(gt=0)] | None = None  # Hz of the mains, which goes with its harmonic: 50 or 60
    bandpass: tuple[float, float] | None = None  # Hz that are kept: [0.5, 40]
    scale: Literal["train", "local", "robust", "none"] = "train"  # by training, by a window's own sd, or its median and quartiles
    least_quality: Annotated[float, Meta(ge=0, le=1)] = 0.0  # channels of windows below it are not seen (signals/quality.py)
    rhythm: bool = True  # intervals between beats beside each beat
    reference: Reference = "none"  # the median of the row's known beats: each beat less that, alone or beside the beat itself
    beats: Literal["current", "all"] = "current"  # the row's own beat (else the latest whole one), or every known one
    most: Annotated[int, Meta(ge=1)] | None = None  # at most so many steps, the latest


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What the training windows were. Units are those of the channels; `wave` and `noise` serve the synthetic example alone."""

    rate_hz: float
    length: int  # samples of a window
    channels: tuple[str, ...]
    units: tuple[str, ...]
    centre: tuple[float, ...]
    spread: tuple[float, ...]
    wave: tuple[tuple[float, ...], ...]  # the mean window of each channel
    noise: tuple[float, ...]  # the median spread of a sample around it, by channel
    interval: float  # mean seconds between beats


@dataclass(frozen=True, slots=True)
class WaveformInput:
    config: Config

    def fit(self, known: Known) -> State:
        """Channels, rate and scale of the training windows.

        Raises DataError where there is no window, or where records differ in rate and no rate_hz is asked for.
        """
        waves = Waves.of(known, self.config.code)
        payloads = [known.payloads.open(uri) for uri in waves.uris]
        if not payloads:
            raise DataError(f"no training row has a waveform {self.config.code!r}", hint="see data.reader, or the input's code")
        channels, shape = _channels(payloads, self.config.channels), self.shape(self._rate(waves))
        found = self._found(known, waves, shape)
        if not len(found.row):
            raise DataError(
                f"no training row has a whole {self.config.window} window", hint="a longer history, or shorter windows"
            )
        where, _ = found.where.once()
        values, seen = cut(known.payloads, where.some(FITTED_ON), channels, shape, Scale.none(len(channels.wanted)))
        state = _state(values, seen, channels, shape, found.rhythm)
        return self._centred(state, self._against(known, state, found)) if self.config.reference == "removed" else state

    def read(self, known: Known, state: State) -> Ragged:
        """One step for each window; a row without a whole window has none."""
        found = self._found(known, Waves.of(known, self.config.code), self.shape(state.rate_hz))
        if self.config.reference != "none":
            return self._read_against(known, state, found)
        found = found.take(self._kept(found))
        where, place = found.where.once()
        values, seen = self._cut(known, where, state, self._scale(state))
        self._hide_poor(known, where, state, values, seen)
        return Ragged(
            offsets=np.searchsorted(found.row, np.arange(known.count + 1)),
            values=values,
            position=found.seconds,
            seen=None if seen.all() else seen,
            side=self._side(found),
            take=place,
        )

    def refused(self, known: Known, state: State) -> list[str]:
        """Why a row cannot be judged: a channel in another unit, a rate too low for the filters, or poor quality throughout."""
        waves = Waves.of(known, self.config.code)
        unlike = self._unlike(known, waves, state)
        reasons = [""] * known.count
        for row, payload in zip(waves.row.tolist(), waves.payload.tolist(), strict=True):
            reasons[row] = reasons[row] or unlike[payload]
        if not self.config.least_quality:
            return reasons
        found = self._found(known, waves, self.shape(state.rate_hz))
        found = found.take(self._kept(found) & (np.array(reasons)[found.row] == ""))
        where, place = found.where.once()
        quality = self._judged(known, where, state)
        bad = np.all(quality.poor(self.config.least_quality), axis=-1)[place]
        for row in np.setdiff1d(found.row, found.row[~bad]).tolist():
            reasons[row] = f"poor quality: {worst(quality.reason[place[found.row == row]].ravel().tolist())}"
        return reasons

    def _unlike(self, known: Known, waves: Waves, state: State) -> list[str]:
        """Of each payload why it is unlike those of training, "" where it is not."""
        channels, filters = Channels(state.channels, state.units), self.shape(state.rate_hz).filters
        reasons = [""] * len(waves.uris)
        for number, (uri, rate_hz) in enumerate(zip(waves.uris, waves.rate_hz.tolist(), strict=True)):
            try:
                channels.of(known.payloads.open(uri))
                filtered(np.zeros((1, 1, 2), np.float32), rate_hz, filters)
            except (DataError, ConfigError) as error:
                reasons[number] = error.message
        return reasons

    def plain(self, known: Known, state: State) -> Plain:
        """Intervals in seconds and their ratios, and the shape, statistics and bands of the current window (_wave_summary.py).

        With a reference, in place of the shape, how the beat and its neighbours differ from it (_likeness.py, _pace.py).
        """
        found = self._found(known, Waves.of(known, self.config.code), self.shape(state.rate_hz))
        columns, names = self._plain(known, state, found, found.current)
        rows = np.full((known.count, len(names)), np.nan, np.float32)
        rows[found.row[found.current]] = columns
        return Plain(rows, names)

    def plain_steps(self, known: Known, state: State) -> Plain:
        """As `plain`, of each step that `read` gives, in their order."""
        found = self._found(known, Waves.of(known, self.config.code), self.shape(state.rate_hz))
        return Plain(*self._plain(known, state, found, self._kept(found)))

    def spec(self, state: State) -> Spec:
        """names: of the channels. Position in seconds before the prediction, of the beat or of the window's last sample."""
        single = self.config.window == "beat" and self.config.beats == "current"
        less = tuple(f"{name} less the reference" for name in state.channels if self.config.reference == "beside")
        names = state.channels + less
        side = self._side_width(state.channels)
        return Spec("waveform", (len(names), state.length), "seconds", names, side=side, single=single)

    def example(self, state: State, rows: int, seed: int) -> Known:
        """One signal a row: the mean training window again and again at the mean interval, with noise, up to the prediction."""
        random = streams.generator(seed, "example", "waveform")
        gap = max(round(state.interval * state.rate_hz), 1)
        shape = self.shape(state.rate_hz)
        samples = EXAMPLE_BEATS * gap + 2 * state.length + shape.context(state.rate_hz)
        starts = samples - state.length - gap * np.arange(EXAMPLE_BEATS)[::-1]  # of the windows
        payloads = {f"example-{row}": _synthetic(state, random, starts, samples) for row in range(rows)}
        beats = (starts + self._before(state.rate_hz) - samples) / state.rate_hz / DAY
        one = pl.concat([self._signal_event(samples, state.rate_hz), self._beat_events(beats)], how="diagonal")
        frames = [
            one.with_columns(pl.lit(row).alias("row"), pl.when(pl.col("end") > 0).then(pl.lit(uri)).alias("payload"))
            for row, uri in enumerate(payloads)
        ]
        kinds = {self.config.code: "payload", self.config.beat: "event"}
        found = events(pl.concat(frames).to_dict())
        return Known(rows, found, Held(payloads), kinds, np.full(rows, beats[-1]))

    def _signal_event(self, samples: int, rate_hz: float) -> pl.DataFrame:
        return pl.DataFrame({"code": [self.config.code], "position": [-samples / rate_hz / DAY], "begin": [0], "end": [samples]})

    def _beat_events(self, positions: Array) -> pl.DataFrame:
        return pl.DataFrame({"code": [self.config.beat] * len(positions), "position": positions})

    def _cut(self, known: Known, where: Places, state: State, scale: Scale) -> tuple[Array, Array]:
        return cut(known.payloads, where, Channels(state.channels, state.units), self.shape(state.rate_hz), scale)

    def _hide_poor(self, known: Known, where: Places, state: State, values: Array, seen: Array) -> None:
        """What is too poor becomes 0 and not seen."""
        if self.config.least_quality:
            poor = self._judged(known, where, state).poor(self.config.least_quality)
            values[poor], seen[poor] = 0, False

    def _judged(self, known: Known, where: Places, state: State) -> Quality:
        """Beats are expected where every channel is a lead of an electrocardiogram by its name."""
        leads = all(is_lead(name) for names in state.channels for name in names.split("|"))
        channels = Channels(state.channels, state.units)
        return judged(known.payloads, where, channels, self.shape(state.rate_hz), beats=leads)

    def _found(self, known: Known, waves: Waves, shape: Shape) -> Found:
        if self.config.window == "beat":
            seconds = -_seconds(self.config.before)
            return around_beats(known, waves, self.config.beat, seconds, shape, self.config.rhythm)
        return up_to_the_end(known, waves, _seconds(self.config.stride or self.config.length), shape)

    def _kept(self, found: Found) -> Array:
        """bool "S": the steps that this input gives, the current beat alone or the latest so many."""
        if self.config.window == "beat" and self.config.beats == "current":
            return found.current
        from_end = np.searchsorted(found.row, found.row, side="right") - np.arange(len(found.row))
        kept: Array = from_end <= (self.config.most or len(found.row))
        return kept

    def _plain(self, known: Known, state: State, found: Found, kept: Array) -> tuple[Array, tuple[str, ...]]:
        if self.config.reference != "none":
            return self._against(known, state, found).plain(np.flatnonzero(kept), state.channels)
        found = found.take(kept)
        where, place = found.where.once()
        values, seen = self._cut(known, where, state, Scale.none(len(state.channels)))
        self._hide_poor(known, where, state, values, seen)
        columns = _wave_summary.columns(values, seen, state.rate_hz)[place]
        names = _wave_summary.names(state.channels, state.length, state.rate_hz)
        if found.rhythm is None:
            return columns, names
        return np.concatenate([columns, _wave_summary.rhythm_columns(found.rhythm)], 1), names + _wave_summary.RHYTHM

    def _against(self, known: Known, state: State, found: Found) -> Against:
        where, place = found.where.once()
        values, seen = self._cut(known, where, state, Scale.none(len(state.channels)))
        self._hide_poor(known, where, state, values, seen)
        parts = _likeness.Parts(self._before(state.rate_hz), state.rate_hz, state.length)
        return Against(References.of_rows(values, seen, place, found.row), found, parts)

    def _read_against(self, known: Known, state: State, found: Found) -> Ragged:
        against, kept = self._against(known, state, found), self._kept(found)
        steps, scale = np.flatnonzero(kept), self._scale(state)
        values, seen = against.windows(self.config.reference, steps, scale, self.config.scale == "local")
        found = found.take(kept)
        own = self._side(found)
        return Ragged(
            offsets=np.searchsorted(found.row, np.arange(known.count + 1)),
            values=values,
            position=found.seconds,
            seen=None if seen.all() else seen,
            side=np.concatenate([*([] if own is None else [own]), against.side(steps)], 1, dtype=np.float32),
        )

    def _centred(self, state: State, against: Against) -> State:
        """With the centre and spread of the training windows less their references."""
        kept = np.flatnonzero(self._kept(against.found))
        steps = kept[np.linspace(0, len(kept) - 1, min(FITTED_ON, len(kept))).astype(np.int64)]
        less, seen = against.windows("removed", steps, Scale.none(len(state.channels)), own=False)
        fitted = [_fitted(less[:, c], seen[:, c]) for c in range(less.shape[1])]
        centre, spread = tuple(one.centre for one in fitted), tuple(one.spread for one in fitted)
        return msgspec.structs.replace(state, centre=centre, spread=spread)

    def _side(self, found: Found) -> Array | None:
        columns = [found.rhythm.side()] if found.rhythm is not None else []
        if self.config.window == "beat" and self.config.beats == "all":
            columns.append(found.current[:, None].astype(np.float32))
        return np.concatenate(columns, 1) if columns else None

    def _side_width(self, channels: tuple[str, ...]) -> int:
        if self.config.window == "fixed":
            return 0
        own = len(_rhythm.SIDE) * self.config.rhythm + (self.config.beats == "all")
        return own + (0 if self.config.reference == "none" else _against.side_width(channels, self.config.rhythm))

    def shape(self, rate_hz: float) -> Shape:
        """How windows are cut from a signal of this rate, or to it."""
        config = self.config
        seconds = _seconds(config.before) + _seconds(config.after) if config.window == "beat" else _seconds(config.length)
        filters = Filters(config.bandpass, config.notch)
        return Shape(max(round(seconds * rate_hz), 1), rate_hz, _seconds(config.context), config.baseline, filters)

    def _before(self, rate_hz: float) -> int:
        return round(_seconds(self.config.before) * rate_hz)

    def _scale(self, state: State) -> Scale:
        if self.config.scale == "none":
            return Scale.none(len(state.channels))
        if self.config.scale in ("local", "robust"):
            own: Own = "sd" if self.config.scale == "local" else "quartiles"
            return replace(Scale.none(len(state.channels)), own=own)
        return Scale(np.array(state.centre, np.float32), np.array(state.spread, np.float32))

    def _rate(self, waves: Waves) -> float:
        if self.config.rate_hz is not None:
            return self.config.rate_hz
        rates = sorted(set(waves.rate_hz.tolist()))
        if len(rates) > 1:
            raise DataError(
                f"the training records have {len(rates)} sampling rates, {rates[0]:g} to {rates[-1]:g} Hz", hint="set rate_hz"
            )
        return float(rates[0])


def _seconds(duration: str) -> float:
    return microseconds(duration) / 1e6


def _channels(payloads: Sequence[Payload], wanted: tuple[str, ...]) -> Channels:
    """The channels asked for, or all there are, the commonest first, with the unit that each has first."""
    unit_of: dict[str, str] = {}
    counted: Counter[str] = Counter()
    for payload in payloads:
        counted.update(names_of(payload))
        unit_of = dict(zip(names_of(payload), units_of(payload), strict=True)) | unit_of
    if not wanted and len(counted) > MOST_CHANNELS:
        raise DataError(f"the training records have {len(counted)} different channels", hint="name those that matter in channels")
    names = wanted or tuple(name for name, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0])))
    held = tuple(unit_of)
    places_of = [next((place for place in places(held, [name]) if place is not None), None) for name in names]
    if absent := [name for name, place in zip(names, places_of, strict=True) if place is None]:
        raise DataError(f"no training record has the channel {absent[0]!r}", hint=nearest(absent[0], held))
    return Channels(names, tuple(unit_of[held[place]] for place in places_of if place is not None))


def _state(values: Array, seen: Array, channels: Channels, shape: Shape, rhythm: _rhythm.Rhythm | None) -> State:
    fitted = [_fitted(values[:, c], seen[:, c]) for c in range(len(channels.wanted))]
    known = np.zeros(0) if rhythm is None else rhythm.before[~np.isnan(rhythm.before)]
    return State(
        rate_hz=shape.rate_hz,
        length=shape.length,
        channels=channels.wanted,
        units=channels.units,
        centre=tuple(one.centre for one in fitted),
        spread=tuple(one.spread for one in fitted),
        wave=tuple(one.wave for one in fitted),
        noise=tuple(one.noise for one in fitted),
        interval=float(known.mean()) if len(known) else shape.length / shape.rate_hz,
    )


@dataclass(frozen=True, slots=True)
class _Channel:
    centre: float
    spread: float
    wave: tuple[float, ...]
    noise: float


def _fitted(values: Array, seen: Array) -> _Channel:
    """What windows "M L" of one channel are; a channel that no window has is left as it is."""
    whole = values[seen.all(-1)]
    if not len(whole):
        return _Channel(0.0, 1.0, (0.0,) * values.shape[1], 0.0)
    low, middle, high = (float(quantile) for quantile in np.quantile(whole, (QUANTILES[0], 0.5, QUANTILES[1])))
    wave = tuple(float(sample) for sample in whole.mean(0))
    return _Channel(middle, (high - low) / WIDTH or 1.0, wave, float(np.median(whole.std(0))))


def _synthetic(state: State, random: np.random.Generator, starts: Array, samples: int) -> Payload:
    """The mean window laid at each start, its height drawn anew, over noise."""
    noise = np.array(state.noise, np.float32)[:, None]
    values = (random.normal(size=(len(state.channels), samples)) * noise / 4).astype(np.float32)
    for start in starts:
        values[:, start : start + state.length] += np.array(state.wave, np.float32) * np.float32(random.normal(1, 0.2))
    names = tuple(name.split("|")[0].strip() for name in state.channels)
    return Payload(values, state.rate_hz, names, ",".join(state.units))


def build(config: Config) -> WaveformInput:
    """Raises ConfigError for a window, stride or context that is not of positive length."""
    window = _seconds(config.length) if config.window == "fixed" else _seconds(config.before) + _seconds(config.after)
    if window <= 0 or _seconds(config.context) < 0 or (config.stride is not None and _seconds(config.stride) <= 0):
        raise ConfigError("a waveform's window and stride must be longer than nothing, its context not negative")
    if config.reference != "none" and (config.window == "fixed" or config.scale == "robust"):
        raise ConfigError("a reference is of beats: window = 'beat', and scale = 'train', 'local' or 'none'")
    return WaveformInput(config)
