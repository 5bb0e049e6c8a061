"""Windows of signals: around beats and back from the prediction; nothing that is not known is ever used."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from sequela.batch import collate
from sequela.config import convert
from sequela.errors import ConfigError, DataError
from sequela.modalities import _windows, waveform
from sequela.modalities._synthetic import Held, events
from sequela.signals.baseline import BASELINES
from sequela.study import cut
from sequela.types import Known, Payload

RATE = 100.0
DAY = 86_400.0
PLAIN = {"baseline": "none", "scale": "none", "before": "100ms", "after": "200ms"}  # windows of 10 + 20 samples, as they are


def build(**options):
    return waveform.build(convert(options, waveform.Config))


def recording(seconds=10.0, channels=("MLII", "V1"), seed=0, rate=RATE, unit="mV"):
    values = np.random.default_rng(seed).normal(size=(len(channels), round(seconds * rate))).astype(np.float32)
    return Payload(values, rate, tuple(channels), unit)


def known(rows, payloads):
    """Rows of (payload's name, beats in seconds, prediction in seconds, history in seconds or None, index beat or None)."""
    table, start = [], []
    for row, (name, beats, at, history, own) in enumerate(rows):
        payload = payloads[name]
        low = 0.0 if history is None else max(at - history, 0.0)
        end = min(int(np.floor(at * payload.rate_hz + 1e-9)) + 1, payload.values.shape[1])
        begin = int(np.ceil(low * payload.rate_hz - 1e-9))
        table.append((row, -at / DAY, "WAVEFORM", name, begin, end))
        table += [(row, (beat - at) / DAY, "BEAT", None, None, None) for beat in beats if low <= beat <= at]
        start.append(np.nan if own is None else (own - at) / DAY)
    columns = dict(zip(("row", "position", "code", "payload", "begin", "end"), zip(*table, strict=True), strict=True))
    return Known(len(rows), events(columns), Held(payloads), {"WAVEFORM": "payload", "BEAT": "event"}, np.array(start))


def windows(ragged, rows):
    return collate({"x": ragged}, np.asarray(rows)).inputs["x"]


BEATS = (0.05, 1.0, 1.8, 2.7, 3.5, 9.9)


def test_the_window_of_the_rows_own_beat_is_cut_to_the_sample():
    one = recording()
    seen = known([("a", BEATS, 5.0, None, 1.8), ("a", BEATS, 5.0, None, 2.7)], {"a": one})
    modality = build(**PLAIN)
    state = modality.fit(seen)
    ragged = modality.read(seen, state)
    seq = windows(ragged, [0, 1])
    np.testing.assert_array_equal(seq.values[0, 0], one.values[:, 170:200])
    np.testing.assert_array_equal(seq.values[1, 0], one.values[:, 260:290])
    np.testing.assert_allclose(seq.position[:, 0], [-3.2, -2.3])
    assert ragged.seen is None
    assert modality.spec(state).single and modality.spec(state).shape == (2, 30)


def test_without_an_index_beat_the_latest_whole_one_is_taken_and_a_cut_index_beat_is_never_replaced():
    one = recording()
    rows = [("a", BEATS, 2.75, None, None), ("a", BEATS, 2.75, None, 2.7), ("a", BEATS, 2.9, None, 2.7)]
    modality = build(**PLAIN)
    state = modality.fit(known(rows, {"a": one}))
    ragged = modality.read(known(rows, {"a": one}), state)
    np.testing.assert_array_equal(ragged.lengths, [1, 0, 1])
    np.testing.assert_array_equal(windows(ragged, [0]).values[0, 0], one.values[:, 170:200])


def test_all_known_beats_are_steps_in_order_with_their_own_marked():
    one = recording()
    modality = build(**PLAIN, beats="all", rhythm=False)
    rows = [("a", BEATS, 3.0, None, 1.8), ("a", BEATS, 4.0, 1.5, 3.5)]
    state = modality.fit(known(rows, {"a": one}))
    ragged = modality.read(known(rows, {"a": one}), state)
    np.testing.assert_allclose(ragged.position, [-2.95, -2.0, -1.2, -0.3, -1.3, -0.5])
    np.testing.assert_array_equal(ragged.side[:, 0], [0, 0, 1, 0, 0, 1])
    assert len(ragged.values) == 5, "a window that two rows know is held once"
    assert np.all(np.diff(ragged.take[:4]) > 0) and ragged.take[3] == ragged.take[4]
    assert modality.spec(state).side == 1 and not modality.spec(state).single
    latest = build(**PLAIN, beats="all", most=2).read(known(rows, {"a": one}), state)
    np.testing.assert_allclose(latest.position, [-1.2, -0.3, -1.3, -0.5])


def test_a_beat_at_the_start_of_the_record_is_padded_and_not_seen():
    one = recording()
    seen = known([("a", BEATS, 5.0, None, 0.05)], {"a": one})
    modality = build(**PLAIN)
    seq = windows(modality.read(seen, modality.fit(known([("a", BEATS, 5.0, None, 1.0)], {"a": one}))), [0])
    np.testing.assert_array_equal(seq.seen[0, 0, 0], [False] * 5 + [True] * 25)
    np.testing.assert_array_equal(seq.values[0, 0, :, :5], 0)
    np.testing.assert_array_equal(seq.values[0, 0, :, 5:], one.values[:, :25])


def test_a_beat_whose_window_begins_before_the_history_is_no_step():
    one = recording()
    modality = build(**PLAIN, beats="all")
    state = modality.fit(known([("a", BEATS, 5.0, None, 1.0)], {"a": one}))
    ragged = modality.read(known([("a", BEATS, 3.0, 1.25, None)], {"a": one}), state)
    np.testing.assert_allclose(ragged.position, [-0.3])
    wide = build(**PLAIN, beats="all", context="1s").read(known([("a", BEATS, 3.0, 1.25, None)], {"a": one}), state)
    np.testing.assert_allclose(wide.position, [])


def test_channels_are_found_by_name_and_a_missing_one_is_not_seen():
    usual, swapped = recording(channels=("MLII", "V1"), seed=1), recording(channels=("V5", "MLII"), seed=2)
    alone = recording(channels=("V2",), seed=3)
    payloads = {"a": usual, "b": swapped, "c": alone}
    seen = known([(name, BEATS, 5.0, None, 1.8) for name in payloads], payloads)
    modality = build(**PLAIN, channels=["MLII", "V1|V2|V5"])
    seq = windows(modality.read(seen, modality.fit(seen)), [0, 1, 2])
    np.testing.assert_array_equal(seq.values[1, 0], swapped.values[::-1, 170:200])
    np.testing.assert_array_equal(seq.values[2, 0], [np.zeros(30), alone.values[0, 170:200]])
    np.testing.assert_array_equal(seq.seen[2, 0].all(1), [False, True])
    assert seq.seen[:2].all()


def test_a_sample_that_is_no_number_is_not_seen_and_spoils_no_other():
    one = recording()
    broken = replace(one, values=one.values.copy())
    broken.values[0, 175:178] = np.nan
    seen = known([("a", BEATS, 5.0, None, 1.8)], {"a": broken})
    modality = build(**PLAIN)
    seq = windows(modality.read(seen, modality.fit(known([("a", BEATS, 5.0, None, 1.8)], {"a": one}))), [0])
    np.testing.assert_array_equal(np.flatnonzero(~seq.seen[0, 0, 0]), [5, 6, 7])
    np.testing.assert_array_equal(seq.values[0, 0][seq.seen[0, 0]], one.values[:, 170:200][seq.seen[0, 0]])


def test_the_rhythm_of_known_beats_is_measured_and_the_unknown_is_flagged():
    beats = (1.0, 2.0, 2.5, 3.5)
    rows = [("a", beats, 3.0, None, 2.5), ("a", beats, 4.0, None, 2.5), ("a", beats, 1.5, None, 1.0)]
    seen = known(rows, {"a": recording()})
    modality = build(**PLAIN)
    state = modality.fit(seen)
    side = modality.read(seen, state).side
    np.testing.assert_allclose(side[0, :4], np.log(np.array([0.5, 0.8, 0.75, 0.75]) / 0.8), atol=1e-6)
    assert side[0, 1] == side[0, 5] == 0 and list(side[0, -2:]) == [1, 0], "the next beat is not known yet"
    np.testing.assert_allclose(side[1, :4], np.log(np.array([0.5, 1.0, 0.75, 2.5 / 3]) / 0.8), atol=1e-6)
    np.testing.assert_allclose(side[1, 4:8], np.log([0.5 / 0.75, 1.0 / 0.75, 0.5 / (2.5 / 3), 2.0]), atol=1e-6)
    np.testing.assert_array_equal(side[2], 0)
    plain = modality.plain(seen, state)
    named = {name: plain.values[:, i] for i, name in enumerate(plain.names)}
    np.testing.assert_allclose(named["rr_before"], [0.5, 0.5, np.nan], atol=1e-6)
    np.testing.assert_allclose(named["rr_after"], [np.nan, 1.0, np.nan], atol=1e-6)
    assert modality.spec(state).side == side.shape[1]


def test_fixed_windows_end_at_the_prediction():
    one = recording()
    modality = build(window="fixed", length="2s", stride="1s", baseline="none", scale="none")
    rows = [("a", (), 5.0, None, None), ("a", (), 5.0, 2.5, None), ("a", (), 1.0, None, None), ("a", (), 8.0, 1.0, None)]
    state = modality.fit(known(rows, {"a": one}))
    ragged = modality.read(known(rows, {"a": one}), state)
    np.testing.assert_array_equal(ragged.lengths, [4, 1, 1, 0])
    np.testing.assert_allclose(ragged.position[:4], [-3, -2, -1, 0], atol=1e-6)
    seq = windows(ragged, [0, 2])
    np.testing.assert_array_equal(seq.values[0, 3], one.values[:, 301:501])
    np.testing.assert_array_equal(seq.values[1, 0, :, 99:], one.values[:, :101])
    assert not seq.seen[1, 0, :, :99].any() and seq.seen[1, 0, :, 99:].all()
    assert ragged.side is None and modality.spec(state).side == 0


@pytest.mark.parametrize("rate", [100.0, 173.61, 360.0])
def test_no_fixed_window_reaches_past_its_multiple_of_the_stride_and_none_drifts_from_it(rate):
    modality = build(window="fixed", length="500ms", stride="250ms", baseline="none", scale="none")
    rows = known([("a", (), 60.0, None, None)], {"a": recording(seconds=70, rate=rate)})
    position = modality.read(rows, modality.fit(rows)).position
    late = position + 0.25 * np.arange(len(position))[::-1]
    assert late.max() < 1e-6 and late.min() > -2 / rate


def test_a_signal_without_time_is_all_known():
    one = recording(seconds=2)
    columns = {"row": [0], "position": [np.nan], "code": ["WAVEFORM"], "payload": ["a"], "begin": [0], "end": [200]}
    seen = Known(1, events(columns), Held({"a": one}), {"WAVEFORM": "payload"})
    modality = build(window="fixed", length="1s", baseline="none", scale="none")
    ragged = modality.read(seen, modality.fit(seen))
    np.testing.assert_array_equal(windows(ragged, [0]).values[0, 1], one.values[:, 100:])


def test_records_of_another_rate_are_resampled_to_one():
    def wave(rate):
        t = np.arange(round(10 * rate)) / rate
        return Payload(np.sin(2 * np.pi * 3 * t)[None].astype(np.float32), rate, ("I",), "mV")

    payloads = {"slow": wave(100.0), "fast": wave(360.0)}
    seen = known([(name, BEATS, 5.0, None, 1.8) for name in payloads], payloads)
    with pytest.raises(DataError, match="2 sampling rates, 100 to 360 Hz"):
        build().fit(seen)
    modality = build(**PLAIN, rate_hz=100)
    seq = windows(modality.read(seen, modality.fit(seen)), [0, 1])
    np.testing.assert_allclose(seq.values[1], seq.values[0], atol=0.06)
    np.testing.assert_allclose(seq.values[1, ..., 5:-5], seq.values[0, ..., 5:-5], atol=0.01)


@pytest.mark.parametrize("rates", [(100.0, 36.0), (250.0, 360.0)])
def test_resampling_by_one_matrix_is_polyphase_resampling(rates):
    old, new = rates
    raw = np.random.default_rng(0).normal(size=(2, 1, 50)).astype(np.float32)
    length = int(50 * new / old)
    found = raw @ _windows._polyphase(50, old, new, length).T
    up, down = {36.0: (9, 25), 360.0: (36, 25)}[new]
    np.testing.assert_allclose(found, signal.resample_poly(raw, up, down, axis=-1, padtype="line")[..., :length], atol=1e-5)


@pytest.mark.parametrize("baseline", ["mean", "median", "two_median", "highpass"])
def test_every_baseline_takes_away_an_offset_and_keeps_a_sharp_beat(baseline):
    t = np.arange(-100, 100) / RATE
    beat = np.exp(-((t / 0.02) ** 2)).astype(np.float32)
    raw = np.stack([beat, beat + 5])[:, None]
    found = BASELINES[baseline](raw, RATE)
    np.testing.assert_allclose(found[0], found[1], atol=1e-4)
    assert 0.85 < found[0].max() < 1.1 and abs(np.median(found[0])) < 0.06


@pytest.mark.parametrize("baseline", ["two_median", "highpass"])
def test_a_slow_wander_is_taken_away(baseline):
    t = np.arange(400) / RATE
    wander = np.sin(2 * np.pi * 0.15 * t)[None, None].astype(np.float32)
    assert np.abs(BASELINES[baseline](wander, RATE)[..., 40:-40]).max() < 0.12


def test_the_training_scale_is_robust_and_the_local_scale_forgets_the_gain():
    one = recording(seconds=60, seed=5)
    beats = tuple(np.arange(1, 58) * 1.0)
    seen = known([("a", beats, 59.0, None, beat) for beat in beats], {"a": one})
    trained = build(baseline="median")
    values = trained.read(seen, trained.fit(seen)).values
    assert abs(np.median(values)) < 0.05 and abs(values.std() - 1) < 0.05
    louder = replace(seen, payloads=Held({"a": replace(one, values=one.values * 7)}))
    local = build(scale="local", context="500ms")
    state = local.fit(seen)
    np.testing.assert_allclose(local.read(louder, state).values, local.read(seen, state).values, atol=1e-4)
    assert np.abs(trained.read(louder, trained.fit(seen)).values).std() > 3


@settings(max_examples=40, deadline=None)
@given(
    at=st.floats(1.0, 8.0),
    history=st.sampled_from([None, 2.0, 4.0]),
    options=st.sampled_from(
        [
            {"beats": "all", "baseline": "two_median", "scale": "local", "context": "500ms"},
            {"beats": "all", "baseline": "highpass", "rate_hz": 60.0},
            {"window": "fixed", "length": "700ms", "baseline": "median"},
            {"beats": "current"},
        ]
    ),
)
def test_samples_and_beats_outside_what_is_known_change_nothing(at, history, options):
    one = recording(seed=3)
    beats = (0.5, 1.0, 1.4, 2.2, 3.0, 3.7, 4.4, 5.0, 6.1, 7.7, 8.2, 9.0)
    modality = build(**options)
    state = modality.fit(known([("a", beats, 9.5, None, 5.0)], {"a": one}))
    row = [("a", beats, at, history, None)]
    first = known(row, {"a": one})
    begin, end = first.events.filter(pl.col("code") == "WAVEFORM").select("begin", "end").row(0)
    altered = np.full_like(one.values, np.nan)
    altered[:, begin:end] = one.values[:, begin:end]
    later = (*(beat for beat in beats if beat <= at), at + 0.01, at + 0.3)
    second = known([("a", later, at, history, None)], {"a": replace(one, values=altered)})
    for reading in (modality.read, modality.plain):
        before, after = reading(first, state), reading(second, state)
        np.testing.assert_array_equal(before.values, after.values)
    before, after = (modality.read(k, state) for k in (first, second))
    assert (before.seen is None) == (after.seen is None)
    np.testing.assert_array_equal(before.position, after.position)
    assert before.side is None or np.array_equal(before.side, after.side)


def test_rows_do_not_depend_on_their_neighbours():
    payloads = {"a": recording(seed=1), "b": recording(seed=2)}
    rows = [("a", BEATS, 3.0, None, 1.8), ("b", BEATS, 4.0, 2.0, 2.7), ("a", (), 4.0, None, None), ("b", BEATS, 9.0, None, 3.5)]
    modality = build(beats="all")
    state = modality.fit(known(rows, payloads))
    together = modality.read(known(rows, payloads), state)
    for i, row in enumerate(rows):
        alone = windows(modality.read(known([row], payloads), state), [0])
        mine = windows(together, [i])
        np.testing.assert_allclose(alone.values, mine.values, atol=1e-6)
        np.testing.assert_allclose(alone.side, mine.side, atol=1e-6)
        np.testing.assert_array_equal(alone.mask, mine.mask)


def test_the_state_survives_json_and_the_example_is_read_like_data():
    for options in ({}, {"beats": "all", "context": "1s"}, {"window": "fixed", "length": "500ms"}):
        seen = known([("a", BEATS, 5.0, None, 1.8)], {"a": recording()})
        modality = build(**options)
        state = modality.fit(seen)
        assert msgspec.json.decode(msgspec.json.encode(state), type=waveform.State) == state
        ragged = modality.read(modality.example(state, 3, 1), state)
        again, other = (modality.read(modality.example(state, 3, seed), state) for seed in (1, 2))
        assert (ragged.lengths >= 1).all() and ragged.values.shape[1:] == modality.spec(state).shape
        np.testing.assert_array_equal(ragged.values, again.values)
        assert np.abs(ragged.values - other.values).max() > 0
        assert np.isfinite(modality.plain(modality.example(state, 3, 1), state).values).any(1).all()


def test_plain_columns_are_in_natural_units_and_named_once():
    one = recording()
    louder = replace(one, values=one.values * 3)
    rows = [("a", BEATS, 5.0, None, 1.8), ("b", BEATS, 5.0, None, 1.8), ("a", (), 5.0, None, None)]
    seen = known(rows, {"a": one, "b": louder})
    modality = build(baseline="none", scale="local")
    plain = modality.plain(seen, modality.fit(seen))
    assert len(set(plain.names)) == len(plain.names) == plain.values.shape[1]
    named = {name: plain.values[:, i] for i, name in enumerate(plain.names)}
    np.testing.assert_allclose(named["MLII_sd"][1], 3 * named["MLII_sd"][0], rtol=1e-5)
    np.testing.assert_allclose(named["V1_most"][0], one.values[1, 155:225].max(), rtol=1e-6)
    np.testing.assert_allclose(named["MLII_band_8_13"][1] - named["MLII_band_8_13"][0], np.log(9), atol=1e-4)
    assert np.isnan(plain.values[2]).all()


def test_rows_of_which_none_has_a_window_are_read_as_empty():
    payloads = {"a": recording()}
    modality = build()
    state = modality.fit(known([("a", BEATS, 5.0, None, 1.8)], payloads))
    for rows in ([("a", (), 5.0, None, None)] * 2, [("a", (2.7,), 2.75, 0.1, 2.7)]):
        ragged = modality.read(known(rows, payloads), state)
        assert not ragged.lengths.any() and windows(ragged, [0]).values.shape == (1, 1, 2, 70)
        plain = modality.plain(known(rows, payloads), state)
        assert plain.values.shape == (len(rows), len(plain.names)) and np.isnan(plain.values).all()


def test_what_cannot_be_read_is_refused():
    one = recording()
    seen = known([("a", BEATS, 5.0, None, 1.8)], {"a": one})
    with pytest.raises(DataError, match="no training row has a waveform"):
        build(code="EEG").fit(seen)
    with pytest.raises(DataError, match="whole beat window"):
        build(beat="QRS").fit(seen)
    with pytest.raises(DataError, match="'aVF'") as refused:
        build(channels=["MLII", "aVF"]).fit(seen)
    assert "V1" in refused.value.hint
    with pytest.raises(ConfigError, match="longer than nothing"):
        build(window="fixed", length="0s")
    modality = build()
    state = modality.fit(seen)
    micro = known([("a", BEATS, 5.0, None, 1.8)], {"a": replace(one, unit="uV")})
    with pytest.raises(DataError, match="'uV' here, in 'mV'"):
        modality.read(micro, state)


def _beating(noise):
    """Ten seconds in two leads, the second of which is `noise`."""
    at = np.arange(0, 10, 1 / 250)
    lead = sum(np.exp(-0.5 * ((at - second) / 0.012) ** 2) for second in np.arange(0.5, 10, 0.8))
    random = np.random.default_rng(0)
    bad = noise if noise is not None else lead + 0.01 * random.normal(size=len(at))
    return Payload(np.stack([lead + 0.01 * random.normal(size=len(at)), bad]).astype(np.float32), 250.0, ("MLII", "V1"), "mV")


FIXED = {"window": "fixed", "length": "5s", "baseline": "none", "scale": "none"}
DEAD, NOISY = np.zeros(2500), np.random.default_rng(1).normal(size=2500)


def test_windows_that_are_too_poor_are_not_seen():
    rows = known([("a", (), 10.0, None, None), ("b", (), 10.0, None, None)], {"a": _beating(None), "b": _beating(NOISY)})
    modality = build(**FIXED, least_quality=0.5)
    state = modality.fit(rows)
    seq = windows(modality.read(rows, state), [0, 1])
    assert seq.seen[0].all() and seq.seen[1, :, 0].all() and not seq.seen[1, :, 1].any()
    assert (seq.values[1, :, 1] == 0).all() and (seq.values[0, :, 1] != 0).any()
    assert build(**FIXED).read(rows, state).seen is None


def test_a_row_of_poor_windows_alone_is_refused_with_the_fault():
    dead = Payload(np.zeros((2, 2500), np.float32), 250.0, ("MLII", "V1"), "mV")
    payloads = {"a": _beating(DEAD), "b": dead}
    rows = known([("a", (), 10.0, None, None), ("b", (), 10.0, None, None)], payloads)
    modality = build(**FIXED, least_quality=0.5)
    state = modality.fit(rows)
    assert modality.refused(rows, state) == ["", "poor quality: flat"]
    assert build(**FIXED).refused(rows, state) == ["", ""]


def test_a_recording_unlike_those_of_training_is_refused_and_no_other():
    other = Payload(_beating(None).values * 1000, 250.0, ("MLII", "V1"), "uV")
    slow = Payload(_beating(None).values[:, ::5].copy(), 50.0, ("MLII", "V1"), "mV")
    events = [(name, (), 10.0, None, None) for name in "abc"]
    rows = known(events, {"a": _beating(None), "b": other, "c": slow})
    for quality in (0.0, 0.5):
        modality = build(**FIXED, bandpass=(0.5, 40.0), least_quality=quality)
        state = modality.fit(cut.take(rows, np.array([0])))
        kept, unit, rate = modality.refused(rows, state)
        assert kept == "" and "in 'uV' here, in 'mV' in the training" in unit and "does not fit 50 samples a second" in rate


def test_a_robust_scale_is_that_of_the_window_and_no_spike_moves_it():
    one = _beating(NOISY)
    spiked = Payload(one.values.copy(), 250.0, one.channels, "mV")
    spiked.values[1, 2400] = 1000
    rows = known([("a", (), 10.0, None, None), ("b", (), 10.0, None, None)], {"a": one, "b": spiked})
    modality = build(**FIXED | {"scale": "robust", "length": "10s"})
    values = windows(modality.read(rows, modality.fit(rows)), [0, 1]).values[:, 0, 1]
    assert abs(np.median(values[0])) < 0.01 and abs(values[0].std() - 1) < 0.05
    np.testing.assert_allclose(np.delete(values[1], 2400), np.delete(values[0], 2400), atol=0.01)


def test_filters_see_nothing_after_a_window():
    one = _beating(NOISY)
    later = Payload(one.values.copy(), 250.0, one.channels, "mV")
    later.values[:, 1501:] = 99
    rows = known([("a", (), 6.0, None, None), ("b", (), 6.0, None, None)], {"a": one, "b": later})
    modality = build(**FIXED | {"notch": 50.0, "bandpass": [0.5, 40.0], "context": "1s"})
    values = windows(modality.read(rows, modality.fit(rows)), [0, 1]).values
    np.testing.assert_array_equal(values[0], values[1])
    plain = build(**FIXED | {"context": "1s"})
    assert np.abs(values[0] - windows(plain.read(rows, plain.fit(rows)), [0]).values[0]).max() > 0.1


def test_a_band_beyond_the_rate_is_refused():
    rows = known([("a", BEATS, 5.0, None, 1.8)], {"a": recording()})
    with pytest.raises(ConfigError, match="does not fit 100 samples"):
        build(bandpass=[0.5, 60.0]).fit(rows)
