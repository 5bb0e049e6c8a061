"""MiniRocket: the share of a window where each of many fixed dilated kernels passes a threshold, read by a linear model.

Source: Dempster, Schmidt, Webb 2021 (KDD, arXiv:2012.08791), with the channel combinations of its multivariate form. The 84
kernels have nine weights, three of them 2 and six of them -1; dilations are spaced by powers of two; thresholds are quantiles
of the response of training windows. Ours differs in fewer features (2,016 rather than 9,996) and in ending in a logistic
regression, so that what comes out is a probability.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated, Any

import numpy as np
from msgspec import Meta
from threadpoolctl import threadpool_limits

from sequela import seed as streams
from sequela.baselines import _linear, _problem
from sequela.baselines._problem import Learned, Trial
from sequela.config import Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array

TAPS = 9  # weights of a kernel
KERNELS = np.array(list(combinations(range(TAPS), 3)))  # "84 3": where the three weights of 2 are
MOST_DILATIONS = 32  # a kernel
CHUNK = 1 << 16  # samples worked on at once: what fits the cache of one core


class Config(Strict, frozen=True):
    input: str = ""  # the input whose last step is the window; left out: the first whose steps are windows
    features: Annotated[int, Meta(ge=84)] = 2016  # rounded down to a multiple of 84
    rows: Annotated[int, Meta(ge=1)] = 10_000  # training rows used at most, drawn by the seed
    strengths: Annotated[tuple[float, ...], Meta(min_length=1)] = (1e-4, 1e-3, 1e-2)
    iterations: Annotated[int, Meta(ge=1)] = 100
    threads: Annotated[int, Meta(ge=1)] = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One dilation of one kernel: the channels it sums and the thresholds its response is held against."""

    kernel: int
    dilation: int
    channels: Array  # int64
    padded: bool  # whether the window is padded with zeros, so that every sample has a response
    thresholds: Array  # float32


def parts(windows: Array, features: int, seed: int) -> tuple[Part, ...]:
    """The parts for windows "N C L"; thresholds come from windows drawn by the seed. About `features` thresholds in all."""
    random = streams.generator(seed, "minirocket")
    found, used = [], 0
    for turn, (dilation, count) in enumerate(_dilations(windows.shape[2], features // len(KERNELS))):
        for kernel in range(len(KERNELS)):
            channels = _channels(windows.shape[1], random)
            padded = (turn + kernel) % 2 == 0
            window = windows[random.integers(len(windows))][None, channels]
            response = _response(_shifted(window, dilation), kernel, dilation, padded)[0]
            thresholds = np.quantile(response, _spread(used, count)).astype(np.float32)
            found.append(Part(kernel, dilation, channels, padded, thresholds))
            used += count
    return tuple(found)


def transform(windows: Array, parts: tuple[Part, ...]) -> Array:
    """float32 "N F": for each threshold, the share of the window whose response is above it."""
    rows = max(CHUNK // max(windows.shape[2], 1), 1)
    chunks = [_transformed(windows[i : i + rows], parts) for i in range(0, len(windows), rows)]
    width = sum(len(part.thresholds) for part in parts)
    return np.concatenate(chunks) if chunks else np.zeros((0, width), np.float32)


def _transformed(windows: Array, parts: tuple[Part, ...]) -> Array:
    columns: list[Array] = []
    shifted: dict[tuple[int, bytes], Array] = {}
    for part in parts:
        key = (part.dilation, part.channels.tobytes())
        if key not in shifted:
            if any(dilation != part.dilation for dilation, _ in shifted):
                shifted.clear()
            shifted[key] = _shifted(windows[:, part.channels], part.dilation)
        response = _response(shifted[key], part.kernel, part.dilation, part.padded)
        columns += [(response > threshold).mean(axis=1, dtype=np.float32) for threshold in part.thresholds]
    return np.stack(columns, axis=1, dtype=np.float32)


def _dilations(length: int, budget: int) -> list[tuple[int, int]]:
    """Each dilation with its number of thresholds a kernel; the widest kernel just spans the window."""
    widest = np.log2(max((length - 1) / (TAPS - 1), 1))
    spaced = np.logspace(0, widest, min(budget, MOST_DILATIONS), base=2).astype(np.int64)
    dilations, counts = np.unique(spaced, return_counts=True)
    shares = (counts * (budget / len(spaced))).astype(np.int64)
    shares[: budget - shares.sum()] += 1
    return [(int(d), int(n)) for d, n in zip(dilations, shares, strict=True) if n]


def _channels(count: int, random: np.random.Generator) -> Array:
    """Some channels, few more often than many: their number is a power of two drawn evenly, at most 9."""
    most = np.log2(min(count, TAPS) + 1)
    number = min(int(2 ** random.uniform(0, most)), count)
    return np.sort(random.choice(count, number, replace=False)).astype(np.int64)


def _spread(used: int, count: int) -> Array:
    """Quantiles that fill (0, 1) evenly however many there are: multiples of the golden ratio."""
    return np.asarray((np.arange(used + 1, used + count + 1) * (np.sqrt(5) + 1) / 2) % 1)


def _shifted(windows: Array, dilation: int) -> Array:
    """The sum of the channels, seen from each tap: float32 "TAPS N L", zeros beyond the ends."""
    summed = windows.sum(axis=1, dtype=np.float32)
    reach = dilation * (TAPS // 2)
    padded = np.pad(summed, ((0, 0), (reach, reach)))
    return np.stack([padded[:, tap * dilation : tap * dilation + summed.shape[1]] for tap in range(TAPS)])


def _response(shifted: Array, kernel: int, dilation: int, padded: bool) -> Array:
    """The convolution with the kernel, "N L", or without the ends where the kernel reaches past them."""
    first, second, third = KERNELS[kernel]
    response: Array = 3 * (shifted[first] + shifted[second] + shifted[third]) - shifted.sum(axis=0)
    reach = dilation * (TAPS // 2)
    return response if padded or 2 * reach >= response.shape[1] else response[:, reach:-reach]


@dataclass(frozen=True, slots=True)
class _Fitted:
    kind: str
    names: tuple[str, ...]
    input: str
    parts: tuple[Part, ...]
    mean: Array  # float32 "F"
    scale: Array  # float32 "F"
    models: tuple[_linear.Linear, ...]

    def features(self, windows: Array) -> Array:
        return np.asarray((transform(windows, self.parts) - self.mean) / self.scale)


class MiniRocket:
    """Fits once, then answers; `chosen` tells each penalty tried."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._fitted: _Fitted | None = None
        self._tried: dict[str, tuple[Learned, list[Trial]]] = {}

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Chooses the penalty on tune. Raises DataError where no input has windows (C, L)."""
        config = self._config
        name = _windowed(train, config.input)
        drawn = streams.generator(seed, "minirocket", "rows").permutation(len(train))[: config.rows]
        some = np.sort(drawn)
        windows = _last(train, name, some)
        found = parts(windows, config.features, seed)
        raw = transform(windows, found)
        scale = raw.std(axis=0)
        bare = _Fitted(kind, train.target.names, name, found, raw.mean(axis=0), np.where(scale > 1e-6, scale, 1), ())
        features, held = (raw - bare.mean) / bare.scale, bare.features(_last(tune, name, np.arange(len(tune))))
        with threadpool_limits(config.threads):
            models = [
                self._choose(_linear.Rows(features[a.rows], a), _linear.Rows(held[b.rows], b))
                for a, b in _problem.pairs(train.target.take(some), tune.target, kind)
            ]
        self._fitted = _Fitted(kind, bare.names, name, found, bare.mean, bare.scale, tuple(models))

    def _choose(self, train: _linear.Rows, tune: _linear.Rows) -> _linear.Linear:
        model, trials = _linear.chosen(train, tune, _linear.Plan(self._config.strengths, self._config.iterations))
        self._tried[train.problem.name] = (train.problem.kind, trials)
        return model

    def answer(self, rows: Evidence) -> Answer:
        if self._fitted is None:
            raise DataError("this baseline has not been fitted")
        features = self._fitted.features(_last(rows, self._fitted.input, np.arange(len(rows))))
        return _problem.answer(self._fitted.kind, self._fitted.names, [model(features) for model in self._fitted.models])

    @property
    def chosen(self) -> Mapping[str, Any]:
        return _problem.told(self._tried)


def _windowed(rows: Evidence, wanted: str) -> str:
    """The input whose steps are windows."""
    fitting = [name for name, spec in rows.specs.items() if len(spec.shape) == 2 and wanted in ("", name)]
    if not fitting:
        which = f"the input {wanted!r} has no" if wanted else "no input has"
        raise DataError(f"{which} steps that are windows of channels and samples", hint="MiniRocket needs a waveform input")
    return fitting[0]


def _last(rows: Evidence, name: str, which: Array) -> Array:
    """The last window of each of these rows, float32 "n C L"; silence where a row has none."""
    ragged = rows.inputs[name]
    windows = np.zeros((len(which), *rows.specs[name].shape), np.float32)
    has = ragged.lengths[which] > 0
    step = ragged.offsets[which[has] + 1] - 1
    windows[has] = ragged.values[step if ragged.take is None else ragged.take[step]]
    return windows


def build(config: Config) -> MiniRocket:
    return MiniRocket(config)
