"""Quantiles around a plain forecast: those of its residuals over the training rows, for each column by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sequela.types import Answer, Array, Quantiles, Target

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


class Residuals:
    """Puts quantiles beside the answers of a forecast; answers of every other kind stay as they are.

    The value that is answered stays the forecast's own, be it off the middle of its residuals.
    """

    def __init__(self, levels: tuple[float, ...]) -> None:
        self._levels = levels
        self._offsets: Array | None = None

    def fit(self, kind: str, answer: Answer, target: Target) -> None:
        """Learns how far the truth lay from the answers to these rows."""
        if kind == "forecast":
            off = np.where(target.known, target.values - answer.values, np.nan)
            self._offsets = np.nanquantile(off, self._levels, axis=0).T

    def __call__(self, answer: Answer) -> Answer:
        if self._offsets is None:
            return answer
        return replace(answer, quantiles=Quantiles(self._levels, answer.values[:, :, None] + self._offsets))
