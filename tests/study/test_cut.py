from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sequela.study import cut
from sequela.types import Cohort, Payload, Target

HOUR = 3_600_000_000
EPOCH = np.datetime64("2020-01-01", "us")


def rows_at(*moments: tuple[int, float | None]) -> Cohort:
    """A cohort of (subject, hours after the epoch) rows, each starting one hour before."""
    subject = np.array([subject for subject, _ in moments])
    at = np.array(
        [np.datetime64("NaT") if h is None else EPOCH + np.timedelta64(round(h * HOUR), "us") for _, h in moments],
        "datetime64[us]",
    )
    names = np.array([f"{n}" for n in range(len(moments))])
    blank = Target(np.zeros((len(moments), 1)), np.zeros((len(moments), 1), bool), ("y",))
    return Cohort(subject, names, names, at - np.timedelta64(HOUR, "us"), at, names, blank)


def test_the_window_is_closed_and_events_without_time_are_always_known(store):
    data = store([("a", None, "AGE", 60), *(("a", hour, "HR", hour) for hour in (0, 10, 20, 30))])
    known = cut.known(data, rows_at((0, 20)), 10 * HOUR)
    assert known.events["numeric_value"].to_list() == [60, 10, 20]
    assert known.events["position"].to_list()[1:] == [-10 / 24, 0]
    assert np.isnan(known.events["position"][0])
    assert dict(known.events.schema) == cut.SCHEMA
    assert known.start.tolist() == [-1 / 24]


def test_outcomes_labels_and_scores_are_known_only_when_named(store):
    data = store([("a", 1, "DEATH", None), ("a", 1, "LABEL//y", 1), ("a", 1, "SAPS", 9), ("a", 1, "HR", 80)], {"SAPS": "score"})
    assert cut.known(data, rows_at((0, 2)), None).events["code"].to_list() == ["HR"]
    assert cut.known(data, rows_at((0, 2)), None, ["SAPS", "HR"]).events["code"].to_list() == ["SAPS", "HR"]
    assert cut.known(data, rows_at((0, 0.5)), None, ["SAPS"]).events.is_empty()


def test_a_row_without_time_knows_what_has_none(store):
    data = store([("a", None, "IMAGE", "uri:x"), ("a", 1, "HR", 80)], payloads={"uri:x": Payload(np.zeros((1, 8, 8)))})
    events = cut.known(data, rows_at((0, None)), None).events
    assert events["code"].to_list() == ["IMAGE"]
    assert events["begin"].null_count() == events["end"].null_count() == 1


def test_a_subject_without_events_has_an_empty_row(store):
    known = cut.known(store([("a", 1, "HR", 80), ("b", 5, "HR", 1)]), rows_at((0, 2), (1, 2), (7, 2)), None)
    assert known.count == 3
    assert known.events["row"].to_list() == [0]


def test_a_signal_is_known_up_to_the_prediction_and_no_further(store):
    signal = Payload(np.zeros((1, 7200)), rate_hz=1.0)
    data = store([("a", 0, "ECG", "uri:s"), ("a", 5, "HR", 1)], payloads={"uri:s": signal})
    known = cut.known(data, rows_at((0, 0), (0, 1), (0, 1.5), (0, 2.5), (0, 9)), HOUR)
    signals = known.events.filter(pl.col("code") == "ECG")
    assert signals.select("row", "begin", "end").rows() == [(0, 0, 1), (1, 0, 3601), (2, 1800, 5401), (3, 5400, 7200)]
    assert signals["position"].to_list() == pytest.approx([0, -1 / 24, -1.5 / 24, -2.5 / 24])
    assert known.events["row"].is_sorted()


def test_a_signal_without_time_is_known_whole(store):
    data = store([("a", None, "ECG", "uri:s")], payloads={"uri:s": Payload(np.zeros((2, 50)), rate_hz=10.0)})
    assert cut.known(data, rows_at((0, None)), None).events.select("begin", "end").row(0) == (0, 50)


@pytest.mark.parametrize("rate", [360.0, 128.0, 173.61, 1000.0])
def test_a_beat_sees_the_sample_it_is_stamped_at_and_not_the_next(store, rate):
    at_sample = np.arange(1100, 1600)
    seconds = np.round(at_sample / rate * 1e6) / 1e6
    data = store([("r", 0, "ECG", "uri:s")], payloads={"uri:s": Payload(np.zeros((1, 2000)), rate_hz=rate)})
    known = cut.known(data, rows_at(*((0, second / 3600) for second in seconds)), 1_000_000)
    assert (known.events["end"].to_numpy() == at_sample + 1).all()
    lengths = known.events["end"].to_numpy() - known.events["begin"].to_numpy()
    assert set(lengths.tolist()) <= {int(rate), int(rate) + 1}


hours = st.none() | st.integers(0, 40)
timelines = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        hours,
        st.sampled_from(["HR", "BP", "DEATH", "AGE"]),
        st.integers(0, 9),
        st.none() | st.integers(1, 3),  # visit
        hours,  # available
        hours,  # superseded
    ),
    min_size=1,
    max_size=30,
)
moments = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40)), min_size=1, max_size=6).map(sorted)
tolerant = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(events=timelines, moments=moments, history=st.none() | st.integers(0, 50))
@tolerant
def test_what_is_known_is_what_a_plain_loop_finds(store, events, moments, history):
    data = store(events)
    known = cut.known(data, rows_at(*moments), None if history is None else history * HOUR)
    subject = {row["subject_id"]: row["source_id"] for row in data.subjects.to_dicts()}
    expected = [
        (row, code, value, visit, None if hour is None else (hour - at) / 24)
        for row, (number, at) in enumerate(moments)
        for name, hour, code, value, visit, available, superseded in sorted(events, key=lambda e: -1 if e[1] is None else e[1])
        if name == subject.get(number) and code != "DEATH"
        if hour is None or (hour <= at and (history is None or hour >= at - history or code == "AGE"))
        if (available is None or available <= at) and (superseded is None or superseded > at)
    ]
    found = known.events.select("row", "code", "numeric_value", "visit", pl.col("position").fill_nan(None)).rows()
    assert [given[:-1] for given in found] == [given[:-1] for given in expected]
    assert [given[-1] for given in found] == pytest.approx([given[-1] for given in expected])


@given(events=timelines, moments=moments)
@tolerant
def test_the_last_event_known_is_the_last_of_those_known(store, events, moments):
    data, cohort = store(events), rows_at(*moments)
    line, time = cut.timeline(data.events()), cut.microseconds_of(cohort.time)
    everything = cut.known(data, cohort, None, list(data.codes["code"])).events
    last = everything.group_by("row").agg(pl.col("numeric_value").last()).rows()
    place = line.last_known(cohort.subject_id, time)
    found = {row: line.events["numeric_value"][int(at)] for row, at in enumerate(place) if at >= 0}
    assert found == dict(last)


@given(events=timelines, moments=moments, history=st.none() | st.integers(0, 50))
@tolerant
def test_as_many_events_are_counted_as_are_known(store, events, moments, history):
    data, cohort = store(events), rows_at(*moments)
    since = None if history is None else history * HOUR
    known = cut.known(data, cohort, since, ["HR"])
    assert cut.counted(data, cohort, since, ["HR"]).tolist() == np.bincount(known.events["row"], minlength=len(cohort)).tolist()


def test_a_later_version_takes_the_place_of_an_earlier_one_from_when_it_is_there(store):
    versions = [("a", 5, "LAB", 1, None, 6, 9), ("a", 5, "LAB", 2, None, 9, None)]
    known = cut.known(store(versions), rows_at(*((0, hour) for hour in (5, 6, 8, 9, 40))), None).events
    assert known.select("row", "numeric_value").rows() == [(1, 1), (2, 1), (3, 2), (4, 2)]


@given(events=timelines, moments=moments, later=st.integers(1, 1000))
@tolerant
def test_events_after_the_prediction_change_nothing(store, events, moments, later):
    end = max(at for _, at in moments)
    extra = [(name, end + later, "HR", 1) for name, *_ in events]
    before, after = (cut.known(store(these), rows_at(*moments), None) for these in (events, events + extra))
    assert before.events.equals(after.events)


@given(events=timelines, moments=moments, data=st.data())
@tolerant
def test_some_rows_of_what_is_known_are_what_is_known_of_some_rows(store, events, moments, data):
    chosen = np.array(data.draw(st.permutations(range(len(moments)))))[: data.draw(st.integers(1, len(moments)))]
    held, cohort = store(events), rows_at(*moments)
    some, direct = cut.take(cut.known(held, cohort, None), chosen), cut.known(held, cohort.take(chosen), None)
    assert some.count == direct.count
    assert some.events.equals(direct.events)
    assert np.array_equal(some.start, direct.start)
    by_line = cut.take(replace(cut.known(held, cohort, None), source=cut.known(held, cohort, None).events), chosen)
    assert by_line.events.equals(direct.events)


def test_counting_agrees_with_what_is_known(store):
    data = store([("a", None, "HR", 1), *(("a", hour, "HR", hour) for hour in range(20)), ("b", 3, "HR", 1)])
    cohort = rows_at((0, 5), (0, 12), (1, 2))
    known = cut.known(data, cohort, 4 * HOUR)
    assert (
        cut.counted(data, cohort, 4 * HOUR, ["HR"]).tolist()
        == np.bincount(known.events["row"], minlength=3).tolist()
        == [6, 6, 0]
    )


def test_a_hundred_thousand_beats_are_cut_in_seconds(store):
    beats = 100_000
    frame = pl.DataFrame({"subject_id": np.zeros(beats, np.int64), "numeric_value": np.ones(beats, np.float32)}).with_columns(
        time=pl.lit(EPOCH.item()) + pl.int_range(beats) * timedelta(milliseconds=800),
        code=pl.lit("HR"), text_value=pl.lit(None, pl.String), payload=pl.lit(None, pl.String), visit=pl.lit(None, pl.Int64),
    )  # fmt: skip
    tiny = store([("a", 0, "HR", 1)])
    data = type(tiny)(frame, tiny.codes, tiny.subjects, {}, tiny.payloads)
    at = frame["time"].to_numpy().astype("datetime64[us]")
    names = np.arange(beats).astype(str)
    cohort = Cohort(
        np.zeros(beats, np.int64), names, names, at, at, names, Target(np.zeros((beats, 1)), np.ones((beats, 1), bool), ("y",))
    )
    begun = time.process_time()
    known = cut.known(data, cohort, 3_000_000)
    assert time.process_time() - begun < 10
    assert len(known.events) == 4 * beats - 6
