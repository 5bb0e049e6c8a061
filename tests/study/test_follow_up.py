"""Times to events: the first cause counts, what was not seen is censored, and what cannot be told is unusable by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sequela.errors import ConfigError, DataError
from sequela.study import cohort as cohorts
from sequela.study.joined import joined
from sequela.types import Cohort

DAY = 24.0
OUTCOME = {"code": ["EVENT//death", "EVENT//transplant"], "horizons": ["30d", "1y"], "follow_up": "FOLLOW_UP//END"}
BOTH = [("z", 0, "START", None), ("z", DAY, "EVENT//death", None), ("y", 0, "START", None), ("y", DAY, "EVENT//transplant", None)]


def asked(store: Any, study: Any, events: list[Any], labelled: bool = True, **outcome: Any) -> Cohort:
    told = {"cohort": {"index": "START"}, "task": "survival", "outcome": OUTCOME | outcome}
    return cohorts.build(store(events + BOTH + [("x", 0, "FOLLOW_UP//END", None)]), study(**told), labelled=labelled)[0]


def flow_of(store: Any, study: Any, events: list[Any], **changes: Any) -> dict[str, int]:
    """The reasons for which rows were left out, with their counts."""
    told = {"cohort": {"index": "START"}, "task": "survival", "outcome": OUTCOME} | changes
    _, flow = cohorts.build(store(events + BOTH + [("x", 0, "FOLLOW_UP//END", None)]), study(**told))
    return {step.reason: step.out for step in flow.steps if step.out}


def one(name: str, **days: float) -> list[Any]:
    codes = {
        "death": "EVENT//death",
        "transplant": "EVENT//transplant",
        "end": "FOLLOW_UP//END",
        "entry": "ENTRY",
        "start": "START",
        "lab": "LAB",
    }
    return [(name, day * DAY, codes[key], None) for key, day in {"start": 0.0, **days}.items()]


def told(rows: Cohort, name: str) -> tuple[float, int, float]:
    place = rows.source_id.tolist().index(name)
    times = rows.target.dense
    return float(times.time[place]), int(times.cause[place]), float(times.entry[place])


def test_the_first_cause_that_comes_ends_the_follow_up(store, study):
    events = one("a", death=50, transplant=20, end=50) + one("b", end=400) + one("c", death=7.5, end=9)
    rows = asked(store, study, events)
    assert told(rows, "a") == (20.0, 2, 0.0)
    assert told(rows, "b") == (400.0, 0, 0.0)
    assert told(rows, "c") == (7.5, 1, 0.0)
    assert rows.target.names == ("death", "transplant")
    np.testing.assert_array_equal(rows.target.values[:, 0], rows.target.dense.cause)
    assert [(one.label, one.days) for one in rows.target.dense.horizons] == [("30d", 30.0), ("1y", 365.25)]


def test_the_moment_of_the_event_stands_in_the_cohort(store, study):
    rows = asked(store, study, one("a", death=50, end=50) + one("b", end=400))
    place = rows.source_id.tolist().index
    assert rows.event[place("a")] == np.datetime64("2020-02-20") and np.isnat(rows.event[place("b")])


def test_an_event_at_the_end_of_observation_was_seen_and_one_after_it_was_not(store, study):
    rows = asked(store, study, one("a", death=50, end=50) + one("b", death=50.5, end=50))
    assert told(rows, "a") == (50.0, 1, 0.0)
    assert told(rows, "b") == (50.0, 0, 0.0)


def test_events_after_the_end_are_counted(store, study):
    told = {"cohort": {"index": "START"}, "task": "survival", "outcome": OUTCOME}
    _, flow = cohorts.build(store(one("b", death=51, end=50) + BOTH + one("c", end=3)), study(**told))
    assert flow.notes["events after the end of observation, not counted"] == 1


def test_events_that_the_outcome_does_not_name_are_told_with_what_becomes_of_their_subjects(store, study):
    events = [
        *one("censored", transplant=20, end=20),
        *one("watched", transplant=20, end=50),
        *one("dies", transplant=20, death=30, end=30),
        *one("before", transplant=-3, end=9),
        *one("after", transplant=60, end=50),
        ("z", 0, "START", None),
        ("z", DAY, "EVENT//death", None),
    ]
    kinds = {"EVENT//transplant": "outcome", "EVENT//death": "outcome"}
    told = {"cohort": {"index": "START"}, "task": "survival"}
    _, flow = cohorts.build(store(events, kinds), study(**told, outcome=OUTCOME | {"code": "EVENT//death"}))
    assert dict(flow.notes) == {
        "subjects with EVENT//transplant, which the outcome does not name, who are censored at it": 1,
        "subjects with EVENT//transplant, which the outcome does not name, who are watched on after it": 3,
    }
    _, named = cohorts.build(store(events, kinds), study(**told, outcome=OUTCOME))
    assert not any("does not name" in text for text in named.notes)


def test_without_a_code_the_record_ends_the_observation(store, study):
    rows = asked(store, study, one("a", lab=70) + one("b", lab=3, death=8), follow_up="")
    assert told(rows, "a") == (70.0, 0, 0.0)
    assert told(rows, "b") == (8.0, 1, 0.0)


def test_entry_counts_from_the_prediction_and_never_before_it(store, study):
    rows = asked(store, study, one("a", entry=10, death=50) + one("b", entry=-10, death=50) + one("c", end=5), entry="ENTRY")
    assert told(rows, "a") == (50.0, 1, 10.0)
    assert told(rows, "b") == (50.0, 1, 0.0)
    assert told(rows, "c") == (5.0, 0, 0.0)


def test_every_row_that_cannot_be_told_is_left_out_with_its_reason(store, study):
    events = [
        *one("happened", death=0, end=0),
        *one("over", end=0),
        *one("nothing", lab=9),
        *one("two", death=9, transplant=9, end=9),
        *one("late", entry=12, end=12),
    ]
    assert flow_of(store, study, events, outcome={**OUTCOME, "entry": "ENTRY"}) == {
        "the outcome had already happened": 1,
        "observation ended no later than the prediction": 1,
        "no event, and no end of observation": 1,
        "two causes at one moment": 1,
        "under observation only from its end on": 1,
        "no START event": 1,
    }


def test_without_labels_nothing_refuses_but_what_was_known_at_the_prediction(store, study):
    rows = asked(store, study, one("over", end=0) + one("new") + one("dead", death=0), labelled=False)
    known = dict(zip(rows.source_id.tolist(), rows.target.known[:, 0].tolist(), strict=True))
    assert known == {"over": False, "new": False, "z": True, "y": True}
    assert (rows.target.dense.time > 0).all()


def test_a_store_without_the_events_is_asked_without_labels(store, study):
    told = {"cohort": {"index": "START"}, "task": "survival", "outcome": OUTCOME | {"entry": "ENTRY"}}
    rows, _ = cohorts.build(store(one("new", lab=1)), study(**told), labelled=False)
    assert not rows.target.known.any() and rows.target.names == ("death", "transplant")


def test_an_event_may_come_again_where_the_study_says_so(store, study):
    events = [("a", -48, "EVENT//death", None), *one("a", death=3)]
    assert "a" not in asked(store, study, events).source_id
    assert told(asked(store, study, events, recurs=True), "a") == (3.0, 1, 0.0)


def test_classes_gather_codes_into_causes(store, study):
    classes = {"gone": ["EVENT//d*"], "moved": ["EVENT//transplant"]}
    rows = asked(store, study, one("a", death=50, end=50), classes=classes, code=[])
    assert rows.target.names == ("gone", "moved") and told(rows, "a") == (50.0, 1, 0.0)


def test_landmarks_ask_the_same_subject_again_until_its_record_ends(store, study):
    plan = {
        "index": "START",
        "predict_at": "10d",
        "every": "10d",
        "during": "watched",
        "windows": {"watched": {"start": "trigger", "end": "end of record"}},
        "groups": [
            {"name": "landmark", "elapsed": True},
            {"name": "phase", "elapsed": True, "bands": [15.0]},
        ],
    }
    rows, _ = cohorts.build(
        store(one("a", death=35, end=35) + BOTH), study(cohort=plan, task="survival", outcome=OUTCOME | {"follow_up": ""})
    )
    assert rows.source_id.tolist() == ["a"] * 3
    np.testing.assert_allclose(rows.target.dense.time, [25, 15, 5])
    assert rows.groups["landmark"].tolist() == ["10d", "20d", "30d"]
    assert rows.groups["phase"].tolist() == ["<15", ">=15", ">=15"]


def test_shards_give_the_times_that_the_whole_gives(store, study):
    told = study(cohort={"index": "START"}, task="survival", outcome=OUTCOME)
    shards = [store(events + BOTH) for events in (one("a", death=5, end=5), one("b", end=400))]
    whole, _ = joined([cohorts.labelled(shard, told) for shard in shards])
    assert whole.source_id.tolist() == ["a", "z", "y", "b", "z", "y"]
    np.testing.assert_array_equal(whole.target.dense.time, [5, 1, 1, 400, 1, 1])
    np.testing.assert_array_equal(whole.target.dense.cause, [1, 1, 2, 0, 1, 2])


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    st.lists(
        st.tuples(*[st.one_of(st.none(), st.integers(1, 6)) for _ in range(3)]).filter(any),
        min_size=1,
        max_size=6,
    )
)
def test_a_row_has_the_least_of_its_times_and_its_own_cause(store, study, subjects):
    names = ("death", "transplant", "end")
    events = [
        event
        for number, days in enumerate(subjects)
        for event in one(f"s{number}", **{name: day for name, day in zip(names, days, strict=True) if day})
    ]
    rows = asked(store, study, events)
    for number, (death, transplant, end) in enumerate(subjects):
        least = min(day for day in (death, transplant, end) if day)
        cause = 1 if death == least else 2 if transplant == least else 0
        name = f"s{number}"
        unusable = death == transplant == least or not (cause or end)
        assert (name in rows.source_id) != unusable
        if not unusable:
            assert told(rows, name) == (least, cause, 0.0)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"within": "30d"}, "the outcome of survival is its events"),
        ({"column": "died"}, "the outcome of survival is its events"),
        ({"code": []}, "the outcome of survival is its events"),
        ({"horizons": []}, "horizons is missing"),
        ({"horizons": ["1y", "30d"]}, "do not rise"),
        ({"horizons": ["0d"]}, "do not rise"),
        ({"code": ["EVENT//death", "EVENT//death"]}, "stands for two causes"),
        ({"classes": {"a": ["EVENT//death"], "b": ["EVENT//death"]}, "code": []}, "stands for two causes"),
        ({"classes": {"a": []}, "code": []}, "gathers no code"),
        ({"classes": {"a": ["EVENT//death"]}}, "name other codes"),
        ({"classes": ["death"]}, "is a table"),
    ],
)
def test_an_outcome_that_is_no_time_to_an_event_is_refused(store, study, wrong, message):
    with pytest.raises(ConfigError, match=message):
        asked(store, study, one("a", death=5), **wrong)


@pytest.mark.parametrize(
    "wrong", [{"code": ["EVENT//deaht"]}, {"follow_up": "FOLOW_UP//END"}, {"entry": "ENTYR"}, {"code": ["EVENT//death", "LAB"]}]
)
def test_a_code_that_the_data_does_not_have_is_named_with_the_nearest(store, study, wrong):
    with pytest.raises(DataError, match="the data has no"):
        asked(store, study, one("a", death=5), **wrong)


def test_rows_without_time_are_refused(store, study):
    with pytest.raises(ConfigError, match="needs rows with a time"):
        cohorts.build(store(one("a", death=5)), study(cohort={"index": "SAMPLE"}, task="survival", outcome=OUTCOME))


def test_a_window_and_other_questions_take_none_of_it(store, study):
    plan = {"index": "START", "windows": {"w": {}}}
    with pytest.raises(ConfigError, match="survival outcome is not read in a window"):
        cohorts.build(store(BOTH), study(cohort=plan, task="survival", outcome={"window": "w", "label": "p"}))
    with pytest.raises(ConfigError, match="of survival, not of a binary"):
        cohorts.build(store(BOTH), study(cohort={"index": "START"}, outcome={"code": "EVENT//death", "horizons": ["1y"]}))


@pytest.mark.parametrize(
    "group, message",
    [
        ({"name": "landmark", "elapsed": True, "code": "AGE"}, "a code beside elapsed"),
        ({"name": "landmark", "elapsed": True, "bands": [2.0, 1.0]}, "do not rise"),
    ],
)
def test_a_group_of_time_that_is_also_something_else_is_refused(store, study, group, message):
    plan = {"index": "START", "groups": [group]}
    with pytest.raises(ConfigError, match=message):
        cohorts.build(store(BOTH), study(cohort=plan, task="survival", outcome=OUTCOME))
