"""Beats against the median of the beats known of their row: the present patient is the measure, and nothing later is used."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.modalities.test_waveform import RATE, build, known

from sequela.contracts import Itemised
from sequela.errors import ConfigError
from sequela.modalities import _pace, waveform
from sequela.modalities._reference import MOST, References
from sequela.types import Payload

OPTIONS = {"before": "300ms", "after": "400ms", "baseline": "none", "beats": "all"}
SECONDS = np.arange(1.0, 29.0, 0.8)


def beat(width, height):
    time = np.arange(-30, 40) / RATE
    return height * np.exp(-0.5 * (time / width) ** 2)


def signal_of(forms, seed=0):
    """Beats of these (width in seconds, height) every 0.8 s in two leads, with a little noise."""
    random = np.random.default_rng(seed)
    values = 0.01 * random.normal(size=(2, 3000))
    for second, (width, height) in zip(SECONDS, forms, strict=False):
        at = round(second * RATE)
        values[:, at - 30 : at + 40] += beat(width, height)
    return Payload(values.astype(np.float32), RATE, ("MLII", "V1"), "mV")


WIDE, NARROW = (0.06, 1.0), (0.015, 1.2)
ODD = 12  # the one other beat of a record
USUAL = [NARROW] * ODD + [WIDE] + [NARROW] * (len(SECONDS) - ODD - 1)
BLOCKED = [WIDE] * ODD + [NARROW] + [WIDE] * (len(SECONDS) - ODD - 1)
RECORDS = {"usual": signal_of(USUAL), "blocked": signal_of(BLOCKED, 1)}


def all_of(name, at=29.5, history=None):
    return known([(name, tuple(SECONDS), at, history, None)], RECORDS)


def test_the_reference_is_the_commoner_form_and_the_other_stands_out_in_either_patient():
    for name in RECORDS:
        modality = build(**OPTIONS, reference="removed", scale="none")
        ragged = modality.read(all_of(name), modality.fit(all_of(name)))
        size = np.abs(ragged.values).max((1, 2))
        assert size.argmax() == ODD
        assert np.delete(size, ODD).max() < 0.1 < 0.5 < size[ODD]


def test_beside_holds_the_beat_then_what_is_left_of_it():
    alone, beside, removed = (build(**OPTIONS, reference=mode, scale="none") for mode in ("none", "beside", "removed"))
    rows = all_of("usual")
    state = beside.fit(rows)
    read = [modality.read(rows, modality.fit(rows)).values for modality in (alone, beside, removed)]
    np.testing.assert_array_equal(read[1], np.concatenate([read[0], read[2]], 1))
    spec = beside.spec(state)
    assert spec.shape == (4, 70) and spec.names == ("MLII", "V1", "MLII less the reference", "V1 less the reference")
    assert spec.side == beside.read(rows, state).side.shape[1]


def test_the_local_scale_is_the_spread_of_the_reference_and_forgets_the_gain():
    modality = build(**OPTIONS, reference="beside", scale="local")
    louder = Payload(RECORDS["usual"].values * 3, RATE, ("MLII", "V1"), "mV")
    rows = known([(name, tuple(SECONDS), 29.5, None, None) for name in ("a", "b")], {"a": RECORDS["usual"], "b": louder})
    ragged = modality.read(rows, modality.fit(rows))
    count = ragged.offsets[1]
    np.testing.assert_allclose(ragged.values[:count], ragged.values[count:], atol=1e-4)


def test_the_training_scale_is_that_of_what_is_left():
    modality = build(**OPTIONS, reference="removed")
    whole, left = build(**OPTIONS).fit(all_of("usual")), modality.fit(all_of("usual"))
    assert max(left.spread) < 0.2 * min(whole.spread)
    assert msgspec.json.decode(msgspec.json.encode(left), type=waveform.State) == left


def test_a_wide_beat_is_wide_against_narrow_ones_and_unlike_its_neighbours():
    modality = build(**OPTIONS, reference="beside")
    rows = all_of("usual")
    told = modality.plain_steps(rows, modality.fit(rows))
    column = {name: told.values[:, place] for place, name in enumerate(told.names)}
    assert column["MLII_qrs_width_ratio"].argmax() == ODD
    assert column["MLII_qrs_correlation"].argmin() == ODD
    assert set(np.argsort(column["like_before"][1:])[:2] + 1) == {ODD, ODD + 1}
    np.testing.assert_array_equal(column["previous_MLII_qrs_width_ratio"][1:], column["MLII_qrs_width_ratio"][:-1])
    assert np.isnan(column["previous_like_after"][0]) and np.isnan(column["like_before"][0])


def test_plain_steps_are_the_steps_that_read_gives_and_the_current_one_is_that_of_plain():
    for options in ({}, {"reference": "beside"}, {"reference": "removed", "most": 5}, {"beats": "current"}):
        modality = build(**OPTIONS | options)
        rows = known([("usual", tuple(SECONDS), 20.0, None, None), ("blocked", tuple(SECONDS), 9.0, 6.0, None)], RECORDS)
        state = modality.fit(rows)
        ragged, told, plain = modality.read(rows, state), modality.plain_steps(rows, state), modality.plain(rows, state)
        assert isinstance(modality, Itemised) and told.names == plain.names
        assert told.values.dtype == np.float32 and len(told.values) == len(ragged.position)
        np.testing.assert_array_equal(told.values[ragged.offsets[1:] - 1], plain.values)


@settings(deadline=None, max_examples=25)
@given(at=st.floats(6.0, 25.0), history=st.floats(3.0, 20.0), mode=st.sampled_from(["beside", "removed"]))
def test_nothing_outside_what_is_known_changes_a_beat_or_its_reference(at, history, mode):
    modality = build(**OPTIONS, reference=mode)
    state = modality.fit(all_of("usual"))
    rows = known([("usual", tuple(SECONDS), at, history, None)], RECORDS)
    low, high = rows.events.filter(rows.events["code"] == "WAVEFORM").select("begin", "end").row(0)
    changed = RECORDS["usual"].values.copy()
    changed[:, :low], changed[:, high:] = 99.0, -99.0
    other = known([("usual", tuple(SECONDS), at, history, None)], {"usual": Payload(changed, RATE, ("MLII", "V1"), "mV")})
    one, two = modality.read(rows, state), modality.read(other, state)
    np.testing.assert_array_equal(one.values, two.values)
    np.testing.assert_array_equal(one.side, two.side)
    np.testing.assert_array_equal(modality.plain(rows, state).values, modality.plain(other, state).values)


@pytest.mark.parametrize("beats", ["all", "current"])
def test_a_row_alone_is_what_it_is_among_others(beats):
    modality = build(**OPTIONS | {"beats": beats}, reference="beside")
    wanted = [("usual", tuple(SECONDS), at, 12.0, None) for at in (9.0, 14.5, 15.1)]
    wanted += [("blocked", tuple(SECONDS), 20.0, None, None), ("blocked", (), 20.0, None, None)]
    state = modality.fit(all_of("usual"))
    together = modality.read(known(wanted, RECORDS), state)
    plain = modality.plain(known(wanted, RECORDS), state)
    for row, one in enumerate(wanted):
        alone = modality.read(known([one], RECORDS), state)
        here = slice(together.offsets[row], together.offsets[row + 1])
        np.testing.assert_allclose(together.values[here], alone.values, atol=1e-6)
        np.testing.assert_allclose(together.side[here], alone.side, atol=1e-5)
        np.testing.assert_allclose(plain.values[row], modality.plain(known([one], RECORDS), state).values[0], atol=1e-5)


def test_more_beats_than_are_needed_are_taken_evenly():
    count = 4 * MOST
    windows = np.arange(count, dtype=np.float32)[:, None, None]
    seen = np.ones(windows.shape, bool)
    found = References.of_rows(windows, seen, np.arange(count), np.zeros(count, np.int64))
    assert abs(found.median.item() - (count - 1) / 2) <= 4


def test_a_lead_that_is_not_there_is_told_as_unknown():
    alone = Payload(RECORDS["usual"].values[:1], RATE, ("MLII",), "mV")
    modality = build(**OPTIONS, reference="beside", channels=["MLII", "V1"])
    state = modality.fit(all_of("usual"))
    rows = known([("one", tuple(SECONDS), 20.0, None, None)], {"one": alone})
    ragged, told = modality.read(rows, state), modality.plain_steps(rows, state)
    assert not ragged.seen[:, [1, 3]].any() and (ragged.values[:, [1, 3]] == 0).all()
    missing = np.array(["V1_" in name for name in told.names])
    assert np.isnan(told.values[:, missing]).all() and np.isfinite(told.values[1:-1, ~missing & _own(told.names)]).all()
    assert np.isfinite(ragged.side).all()


def _own(names):
    return np.array([name.startswith("MLII_") for name in names])


def test_the_pace_of_a_premature_beat_is_short_against_its_row_and_unknown_at_the_ends():
    seconds = np.cumsum([1.0] * 10 + [0.6, 1.4] + [1.0] * 10)
    interval = np.concatenate([[np.nan], np.diff(seconds)])
    told = dict(zip(_pace.NAMES, _pace.pace(np.zeros(len(seconds), np.int64), interval).T, strict=True))
    np.testing.assert_allclose(told["before_median"][10], np.log(0.6), atol=1e-6)
    np.testing.assert_allclose(told["after_median"][10], np.log(1.4), atol=1e-6)
    np.testing.assert_allclose(told["both_near"][10], np.log(1 / np.exp(told["near_median"][10])), atol=1e-6)
    assert np.isnan(told["before_median"][0]) and np.isnan(told["after_median"][-1])
    two = _pace.pace(np.repeat([0, 1], len(seconds)), np.tile(interval, 2))
    np.testing.assert_allclose(two[: len(seconds)], two[len(seconds) :], atol=1e-5)


def test_a_reference_is_refused_where_there_are_no_beats_to_compare():
    with pytest.raises(ConfigError, match="a reference is of beats"):
        build(window="fixed", reference="removed")
    with pytest.raises(ConfigError, match="a reference is of beats"):
        build(reference="beside", scale="robust")
