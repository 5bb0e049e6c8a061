"""MiniRocket features of made-up series by sktime's port of the authors' code: of one channel, of several, of unequal lengths.

    python tests/golden/minirocket.py        needs sktime and numba; writes minirocket.json beside this file

What the authors' code draws (channels, examples) is written down with the thresholds that follow, so that another implementation
can be given the same. Features are shares of a series: they are written as counts of samples.
"""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

import numpy as np

FEATURES = 252  # three thresholds for each of the 84 kernels
LENGTHS = (97, 60, 33)  # of the unequal ones


def series(channels: int, count: int, length: int) -> np.ndarray:
    """Slow and fast waves with noise, float32 "count channels length": the same wherever it is run."""
    random = np.random.default_rng(channels)
    time = np.arange(length)
    phase, speed = random.uniform(0, 6, (count, channels, 1)), random.uniform(0.05, 0.9, (count, channels, 1))
    return (np.sin(speed * time + phase) + 0.3 * random.normal(size=(count, channels, length))).astype(np.float32)


def told(parameters, features, lengths) -> dict[str, object]:
    """What was drawn and what came out."""
    *drawn, dilations, each, thresholds = parameters
    return {
        **dict(zip(("channels_each", "channels"), (part.tolist() for part in drawn), strict=False)),
        "dilations": dilations.tolist(),
        "thresholds_each": each.tolist(),
        "thresholds": [float(one) for one in thresholds],
        "shares": [[round(float(share), 6) for share in row] for row in features],
        "lengths": list(lengths),
    }


def one_channel() -> dict[str, object]:
    """Thresholds from a single series, so that nothing is left to a draw."""
    from sktime.transformations.rocket._minirocket_numba import _fit, _transform

    values = series(1, 3, 97)
    parameters = _fit(values[:1, 0], FEATURES, 32, 0)
    return told(parameters, _transform(values[:, 0], parameters), [97] * 3)


def several_channels() -> dict[str, object]:
    from sktime.transformations.rocket._minirocket_multi_numba import _fit_multi, _transform_multi

    values = series(3, 3, 97)
    parameters = _fit_multi(values, FEATURES, 32, 0)
    return told(parameters, _transform_multi(values, parameters), [97] * 3)


def unequal_lengths() -> dict[str, object]:
    from sktime.transformations.rocket._minirocket_multi_var_numba import _fit_multi_var, _transform_multi_var

    values = series(2, len(LENGTHS), max(LENGTHS))
    end_to_end = np.concatenate([one[:, :length] for one, length in zip(values, LENGTHS, strict=True)], 1)
    lengths = np.array(LENGTHS, np.int32)
    parameters = _fit_multi_var(end_to_end, lengths, max(LENGTHS), FEATURES, 32, np.int32(0))
    return told(parameters, _transform_multi_var(end_to_end, lengths, parameters), LENGTHS)


if __name__ == "__main__":
    versions = {name: metadata.version(name) for name in ("sktime", "numba", "numpy")}
    cases = {case.__name__: case() for case in (one_channel, several_channels, unequal_lengths)}
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps({"versions": versions, **cases}) + "\n", encoding="utf-8")
