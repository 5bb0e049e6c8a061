"""What is brighter (or darker) than a threshold that each picture finds for itself, in the channel that tune chooses.

The threshold parts a picture's values into two groups that are as far apart as they can be for their spreads (Otsu 1979). The
mean around each point may be taken off first, which finds thin things on uneven ground. It answers questions of one name; things
are connected pieces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from sequela.baselines import _points
from sequela.config import Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array


class Config(Strict, frozen=True):
    """`around` are the spreads tried, in points, of the mean that is taken off first; 0 takes off nothing."""

    around: tuple[Annotated[float, Meta(ge=0)], ...] = (0.0, 5.0, 15.0)


@dataclass(frozen=True, slots=True)
class Setting:
    """What tune chooses."""

    channel: int  # -1 is their mean
    above: bool  # what is said is brighter than the threshold
    around: float


class Otsu:
    """Learns nothing but its setting."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._question: _points.Question | None = None
        self._setting = Setting(-1, True, 0.0)
        self._tried: list[dict[str, Any]] = []

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Chooses by the F1 of all points of tune; train and the seed are not used. Raises DataError for several names."""
        question = _points.asked(train, tune, kind, "a threshold of brightness")
        if len(question.names) > 1:
            raise DataError(f"a threshold tells one name, and {len(question.names)} are asked for")
        counts: dict[Setting, Array] = {}
        for picture, truth in _points.pictures(tune):
            for setting in self._settings(len(picture)):
                said = chances(picture, setting) >= 128
                now = np.array([(said & (truth == 1)).sum(), (said & (truth >= 0)).sum(), (truth == 1).sum()])
                counts[setting] = counts.get(setting, 0) + now
        if not counts:
            raise DataError("no row of tune has a picture")
        loss = {setting: 1 - 2 * both / max(said + true, 1) for setting, (both, said, true) in counts.items()}
        self._question, self._setting = question, min(loss, key=lambda setting: loss[setting])
        self._tried = [{**asdict(setting), "loss": float(one)} for setting, one in loss.items()]

    def _settings(self, channels: int) -> Iterator[Setting]:
        for channel in range(channels) if channels == 1 else range(-1, channels):
            for around in self._config.around:
                yield from (Setting(channel, above, around) for above in (True, False))

    def answer(self, rows: Evidence) -> Answer:
        if self._question is None:
            raise DataError("this baseline has not been fitted")
        return _points.answer(self._question, rows, lambda picture: chances(picture, self._setting)[None])

    @property
    def chosen(self) -> Mapping[str, Any]:
        return {"points": {"score": "1 - f1", "chosen": asdict(self._setting), "tried": self._tried}} if self._tried else {}


def chances(picture: Array, setting: Setting) -> Array:
    """How far each point of "C *S" is beyond the threshold, uint8 "*S": 128 and more on the side that is said."""
    values = _values(picture, setting)
    cut = threshold(np.bincount(values.ravel(), minlength=256))
    above = 128 + (values.astype(np.int64) - cut - 1) * 127 // max(255 - cut - 1, 1)
    chance = np.where(values > cut, above, values.astype(np.int64) * 127 // max(cut, 1))
    return np.asarray(chance if setting.above else 255 - chance, np.uint8)


def _values(picture: Array, setting: Setting) -> Array:
    """uint8 "*S"."""
    values = picture.mean(0) if setting.channel < 0 else picture[setting.channel].astype(np.float64)
    if setting.around:
        from scipy import ndimage

        values = 128 + values - ndimage.gaussian_filter(values, setting.around)
    return np.asarray(np.rint(np.clip(values, 0, 255)), np.uint8)


def threshold(count: Array) -> int:
    """The value that parts a histogram of 256 best: the upper group begins above it (Otsu 1979, eq. 18).

    >>> threshold(np.bincount([10, 10, 12, 200, 210], minlength=256))
    12
    """
    share = count / count.sum()
    below, moment = np.cumsum(share), np.cumsum(share * np.arange(len(count)))
    apart = (moment[-1] * below - moment) ** 2
    between = np.divide(apart, below * (1 - below), out=np.zeros(len(count)), where=(below > 1e-12) & (below < 1 - 1e-12))
    return int(np.argmax(np.round(between, 9)))


def build(config: Config) -> Otsu:
    return Otsu(config)
