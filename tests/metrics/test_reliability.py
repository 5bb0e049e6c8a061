"""The parts of a Brier score and the Hosmer-Lemeshow statistic: on published data, by identities, against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from sequela.metrics.probability import brier
from sequela.metrics.reliability import hosmer_lemeshow, murphy

# Wilks 2006, table 7.3 (as in the R package verification): forecasts of rain, the share of days on which it came, how often said
SAID = np.array([0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
CAME = np.array([0.006, 0.019, 0.059, 0.15, 0.277, 0.377, 0.511, 0.587, 0.723, 0.779, 0.934, 0.933])
OFTEN = np.array([0.4112, 0.0671, 0.1833, 0.0986, 0.0616, 0.0366, 0.0303, 0.0275, 0.0245, 0.022, 0.017, 0.0203])


def forecasts() -> tuple[np.ndarray, np.ndarray]:
    """Rows with those shares, of a million."""
    rows = np.round(OFTEN * 1e6).astype(int)
    events = np.round(rows * CAME).astype(int)
    event = np.concatenate([np.arange(count) < some for count, some in zip(rows, events, strict=True)])
    return np.repeat(SAID, rows), event


def test_parts_of_published_forecasts_are_those_of_their_table() -> None:
    risk, event = forecasts()
    found = murphy(risk, event, risk)
    share, mean = OFTEN / OFTEN.sum(), float((OFTEN * CAME).sum() / OFTEN.sum())
    assert found.reliability == pytest.approx(float((share * (SAID - CAME) ** 2).sum()), abs=1e-6)
    assert found.resolution == pytest.approx(float((share * (CAME - mean) ** 2).sum()), abs=1e-6)
    assert found.uncertainty == pytest.approx(mean * (1 - mean), abs=1e-6)
    assert found.within == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("bins", [1, 5, 50])
def test_the_parts_add_up_to_the_brier_score_whatever_the_bins(bins: int) -> None:
    random = np.random.default_rng(0)
    risk = random.random(500)
    event = random.random(500) < risk
    found = murphy(risk, event, (risk * bins).astype(int))
    whole = found.reliability - found.resolution + found.uncertainty + found.within
    assert whole == pytest.approx(float(brier(risk, event)), abs=1e-9)


def test_hosmer_lemeshow_is_the_chi_square_of_events_and_others_together() -> None:
    random = np.random.default_rng(1)
    risk = random.uniform(0.05, 0.95, 800)
    event, place = random.random(800) < risk, np.minimum((risk * 10).astype(int), 9)
    seen = np.array([[event[place == k].sum(), (~event[place == k]).sum()] for k in range(10)])
    foreseen = np.array([[risk[place == k].sum(), (1 - risk[place == k]).sum()] for k in range(10)])
    by_hand = chisquare(seen, foreseen, axis=1, sum_check=False).statistic
    mean = [risk[place == k].mean() for k in range(10)]
    assert by_hand.sum() == pytest.approx(hosmer_lemeshow(np.array(mean)[place], event, place).statistic)
    assert hosmer_lemeshow(risk, event, place).bins == 10


def test_risks_that_are_off_are_rejected_and_right_ones_are_not() -> None:
    random = np.random.default_rng(2)
    risk = random.uniform(0.1, 0.6, 4000)
    event, place = random.random(4000) < risk, (risk * 10).astype(int)
    assert hosmer_lemeshow(risk, event, place).p > 0.01
    assert hosmer_lemeshow(risk * 1.3, event, place).p < 1e-6
