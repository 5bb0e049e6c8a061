from __future__ import annotations

import numpy as np
import pytest

from sequela.config import convert
from sequela.errors import ConfigError, DataError
from sequela.modalities import heart_rate
from sequela.modalities._synthetic import Held, events
from sequela.signals.heart_rate import FEATURES, cleaned, intervals, variability
from sequela.types import Known

DAY = 86_400.0


def build(**options):
    return heart_rate.build(convert(options, heart_rate.Config))


def known(*rows):
    """Rows of beats in seconds before the prediction."""
    row = np.repeat(np.arange(len(rows)), [len(beats) for beats in rows])
    found = events({"row": row, "position": np.concatenate(rows) / DAY, "code": ["BEAT"] * len(row)})
    return Known(len(rows), found, Held({}), {"BEAT": "event"}, np.zeros(len(rows)))


def beats(seconds, gap=0.8, seed=0, until=0.0):
    count = int(seconds / gap)
    gaps = np.random.default_rng(seed).normal(gap, 0.03, count)
    return (until - np.cumsum(gaps))[::-1]


def test_each_window_back_from_the_prediction_is_a_step_of_its_own_variability():
    modality, one = build(scale="none", clip=0.0), beats(1000)
    rows = known(one)
    ragged = modality.read(rows, modality.fit(rows))
    np.testing.assert_allclose(ragged.position, [-900, -600, -300, 0])
    every = intervals(one)
    inside = np.flatnonzero((every.seconds > -600) & (every.seconds <= -300))
    np.testing.assert_allclose(ragged.values[2], variability(cleaned(every.take(inside))), rtol=1e-5)
    assert ragged.seen.all(1).tolist() == [False, True, True, True]


def test_a_stretch_without_beats_is_no_step():
    one = np.concatenate([beats(900, until=-700), beats(250, until=0, seed=1)])
    modality = build()
    ragged = modality.read(known(one), modality.fit(known(one)))
    assert -300.0 not in ragged.position.tolist() and ragged.position[-1] == 0


def test_the_latest_windows_are_kept():
    one = beats(1500)
    modality = build(most=2)
    np.testing.assert_allclose(modality.read(known(one), modality.fit(known(one))).position, [-300, 0])


def test_ectopic_beats_do_not_make_a_heart_variable():
    one = beats(300)
    early = one.copy()
    early[100::40] -= 0.35
    modality = build(scale="none", clip=0.0)
    values = modality.read(known(one, early), modality.fit(known(one))).values
    sdnn, rmssd = FEATURES.index("sdnn"), FEATURES.index("rmssd")
    np.testing.assert_allclose(values[1, [sdnn, rmssd]], values[0, [sdnn, rmssd]], rtol=0.15)


def test_plain_columns_are_the_last_window_and_a_summary_of_all_in_their_own_units():
    modality, rows = build(), known(beats(1000), np.zeros(0))
    found = modality.plain(rows, modality.fit(rows))
    told = dict(zip(found.names, found.values[0], strict=True))
    assert told["heart_rate.last"] == pytest.approx(75, abs=1) and told["heart_rate.min"] <= told["heart_rate.mean"]
    assert len(found.names) == 4 * len(FEATURES) and np.isnan(found.values[1]).all()


@pytest.mark.slow
def test_numbers_are_scaled_by_the_training_rows():
    modality, rows = build(scale="standard", clip=0.0), known(*[beats(600, 0.6 + 0.02 * i, seed=i) for i in range(20)])
    values = modality.read(rows, modality.fit(rows)).values
    assert abs(values[:, 0].mean()) < 1e-5 and values[:, 0].std() == pytest.approx(1, abs=1e-4)


def test_too_few_beats_to_learn_from_are_refused():
    with pytest.raises(DataError, match="no training row has 20 intervals"):
        build().fit(known(np.array([-2.0, -1.0])))


def test_a_window_of_no_length_is_refused():
    with pytest.raises(ConfigError, match="longer than nothing"):
        build(window="0s")
