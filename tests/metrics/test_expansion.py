"""The calibration fits of many resamples by sums: held against Newton's solution of every one of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from sequela.metrics import calibration
from sequela.metrics.calibration import SERVES, calibration_intercept, calibration_slope, expansion, logit
from sequela.types import Array

RESAMPLES = 12


@dataclass(frozen=True)
class Setting:
    """How the risks of rows are wrong, and whose rows they are."""

    rows: int
    prevalence: float
    spread: float  # of the true logits
    intercept: float = 0.0  # logits said: intercept + slope * true
    slope: float = 1.0
    subjects: int = 0  # 0: as many as rows
    tails: bool = False

    def rows_of(self, random: np.random.Generator) -> tuple[Array, Array, Array]:
        """Risk, event and the subject of each row; at least SERVES events and others."""
        drawn = random.standard_t(3, self.rows) if self.tails else random.normal(size=self.rows)
        subjects = self.subjects or self.rows
        subject = np.sort(np.append(np.arange(subjects), random.integers(0, subjects, self.rows - subjects)))
        own = random.normal(size=subjects)[subject] if self.subjects else np.zeros(self.rows)
        true = float(logit(np.array(self.prevalence))) + self.spread * (drawn + own)
        event = random.random(self.rows) < 1 / (1 + np.exp(-true))
        return 1 / (1 + np.exp(-(self.intercept + self.slope * true))), event, subject


SETTINGS = {
    "as few as serve": Setting(1300, 0.5, 1.0),
    "well calibrated": Setting(6000, 0.15, 1.2),
    "rare events": Setting(40000, 0.01, 1.0),
    "rare events, very sure": Setting(30000, 0.01, 2.5),
    "far too extreme": Setting(6000, 0.2, 1.0, 1.0, 4.0),
    "far too high": Setting(6000, 0.15, 1.2, 3.0),
    "far too timid": Setting(6000, 0.2, 1.5, 0.0, 0.2),
    "heavy tails": Setting(6000, 0.2, 1.5, 0.0, 1.5, tails=True),
    "few subjects of many rows": Setting(8000, 0.2, 1.0, subjects=SERVES),
}


def furthest(setting: Setting, slope: bool) -> float:
    """The largest distance from the solution over resamples, in standard errors."""
    random = np.random.default_rng(3)
    risk, event, subject = setting.rows_of(random)
    found = expansion(risk, event, slope=slope)
    assert found is not None
    subjects = int(subject.max()) + 1
    counts = random.multinomial(subjects, np.full(subjects, 1 / subjects), RESAMPLES).astype(np.float64)
    weights = counts[:, subject]
    by_sums = found(weights @ found.columns())
    function = calibration_slope if slope else calibration_intercept
    solved = np.array([function(risk, event, one) for one in weights])
    return float(np.abs(by_sums - solved).max() / solved.std(ddof=1))


@pytest.mark.parametrize("slope", [False, True], ids=["intercept", "slope"])
@pytest.mark.parametrize("name", list(SETTINGS))
def test_fits_by_sums_are_those_of_newton_within_a_thousandth_of_their_error(name: str, slope: bool) -> None:
    assert furthest(SETTINGS[name], slope) < 0.001


def test_a_lower_order_would_not_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "ORDER", calibration.ORDER - 1)
    assert furthest(SETTINGS["rare events"], True) > 0.002
