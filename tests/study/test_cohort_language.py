"""The cohort language clause by clause, on records small enough to read in the test."""

from __future__ import annotations

import time as clock

import numpy as np
import polars as pl
import pytest

from sequela.errors import ConfigError, DataError
from sequela.study import cohort
from sequela.study.predicates import Predicates

IN, OUT, DEATH = "HOSPITAL//ADMISSION", "HOSPITAL//DISCHARGE", "DEATH//IN_HOSPITAL"
NAMED = {"admission": {"code": IN}, "discharge": {"code": OUT}, "death": {"code": DEATH, "optional": True}}
STAY = {"stay": {"start": "trigger", "end": "start -> discharge"}}
REST = {"rest": {"start": "prediction", "end": "start -> discharge"}}


def stay(name: str, start: float, end: float, *inside: tuple, visit: int | None = None) -> list:
    """A hospital stay between these hours with events (hour, code, value) inside it."""
    events = [(start, IN, None), *inside, (end, OUT, None)]
    return [(name, hour, code, value, visit) for hour, code, value in events]


@pytest.fixture
def asked(study):
    """A study triggered by each admission, with these predicates and windows beside the plain ones."""

    def make(outcome, *, task="binary", predicates=None, windows=None, **keys):
        plan = {"trigger": "admission", "predicates": NAMED | (predicates or {}), "windows": windows or {}, **keys}
        return study(cohort=plan, outcome=outcome, task=task)

    return make


def labels(rows) -> dict[str, list[float | None]]:
    target = rows.target
    values = np.where(target.known, target.values, np.nan).tolist()
    return {row: [None if np.isnan(v) else v for v in line] for row, line in zip(rows.row_id.tolist(), values, strict=True)}


def out(flow) -> dict[str, int]:
    return {f"{step.what}: {step.reason}": step.out for step in flow.steps if step.out}


# ------------------------------------------------------------------------------------------------------------------ predicates


def seen(store, predicate: dict, **others) -> list[str]:
    """The codes of the events for which a predicate holds, in order."""
    from sequela import config

    plan = {"asked": predicate, **others}
    read = {name: config.convert(one, config.Predicate) for name, one in plan.items()}
    return Predicates(store, read).events("asked")["code"].to_list()


EVENTS = [
    ("a", 0, "ICD9CM//038.9", None),
    ("a", 1, "ICD9CM//995.91", None),
    ("a", 2, "LOINC//32693-4", 3.9),
    ("a", 3, "LOINC//32693-4", 4.0),
    ("a", 4, "LOINC//32693-4", None),
    ("a", 5, "OUT//HOME", "DEAD/EXPIRED"),
    ("a", 6, "OUT//HOME", "SNF"),
]


@pytest.mark.parametrize(
    ("predicate", "held"),
    [
        ({"code": "ICD9CM//038*"}, ["ICD9CM//038.9"]),
        ({"code": ["ICD9CM//038.9", "ICD9CM//995*"]}, ["ICD9CM//038.9", "ICD9CM//995.91"]),
        ({"code": r"/^ICD9CM//\d{3}\.9\d?$/"}, ["ICD9CM//038.9", "ICD9CM//995.91"]),
        ({"under": "ICD9CM//CHAPTER//001-139"}, ["ICD9CM//038.9"]),
        ({"phenotype": "Septicemia (except in labor)"}, ["ICD9CM//038.9", "ICD9CM//995.91"]),
        ({"code": "LOINC//32693-4", "value_min": 4.0}, ["LOINC//32693-4"]),
        ({"code": "LOINC//32693-4", "value_min": 4.0, "value_min_inclusive": False}, []),
        ({"code": "LOINC//32693-4", "value_max": 4.0}, ["LOINC//32693-4"] * 2),
        ({"code": "LOINC//32693-4", "value_max": 4.0, "value_max_inclusive": False}, ["LOINC//32693-4"]),
        ({"code": "OUT//HOME", "text": "DEAD*"}, ["OUT//HOME"]),
        ({"code": "OUT//HOME", "text": ["SNF", "/^DEAD/"]}, ["OUT//HOME"] * 2),
        ({"code": "NONE", "optional": True}, []),
    ],
)
def test_a_predicate_holds_for_the_events_that_it_names(store, predicate, held):
    assert seen(store(EVENTS), predicate) == held


def test_any_and_all_hold_at_moments_and_count_each_once(store):
    data = store(
        [("a", 0, "X//1", None), ("a", 0, "Y//1", None), ("a", 1, "X//1", None), ("a", 1, "X//1", None), ("a", 2, "Y//1", 1)]
    )
    parts = {"x": {"code": "X//1"}, "y": {"code": "Y//1"}}
    assert len(seen(data, {"any": ["x", "y"]}, **parts)) == 3
    assert len(seen(data, {"all": ["x", "y"]}, **parts)) == 1


@pytest.mark.parametrize(
    ("predicates", "message"),
    [
        ({"a": {"code": "X", "any": ["b"]}, "b": {"code": "X"}}, "needs one of"),
        ({"a": {}}, "needs one of"),
        ({"a": {"any": ["nobody"]}}, "made of 'nobody'"),
        ({"a": {"any": ["b"]}, "b": {"all": ["a"]}}, "made of itself"),
        ({"a": {"any": ["b"], "value_min": 1}, "b": {"code": "X"}}, "no value, text or optional"),
        ({"trigger": {"code": "X"}}, "cannot be called 'trigger'"),
        ({"a b": {"code": "X"}}, "cannot be called 'a b'"),
        ({"a": {"code": "/(/"}}, "is not a regular expression"),
        ({"a": {"phenotype": "Shok"}}, "no phenotype is called"),
    ],
)
def test_a_predicate_that_means_nothing_is_refused(store, asked, predicates, message):
    with pytest.raises(ConfigError, match=message):
        cohort.build(store(stay("a", 0, 9)), asked({"window": "rest", "label": "death"}, predicates=predicates, windows=REST))


def test_a_code_that_the_data_does_not_have_is_an_error_with_the_nearest(store, asked):
    with pytest.raises(DataError, match=r"(?s)no event for the predicate 'ward'.*HOSPITAL//ADMISSION"):
        cohort.build(
            store(stay("a", 0, 9)),
            asked({"window": "rest", "label": "death"}, predicates={"ward": {"code": "HOSPITAL//ADMISION"}}, windows=REST),
        )


# --------------------------------------------------------------------------------------------------------------------- windows


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"windows": {"w": {"start": "trigger + 24 hours"}}}, "is not a moment"),
        ({"windows": {"w": {"start": "triger"}}}, "'triger', which is no moment"),
        ({"windows": {"w": {"end": "start -> admision"}}}, "'admision', which is no predicate"),
        ({"windows": {"w": {"has": {"admision": 1}}}}, "'admision', which is no predicate"),
        ({"windows": {"w": {"has": {"death": "(2, 1)"}}}}, "is not a count"),
        ({"windows": {"w": {"has": {"death": ">= 1"}}}}, "is not a count"),
        ({"windows": {"w": {"start": "end - 1h", "end": "start + 1h"}}}, "told from the other"),
        ({"windows": {"v": {"end": "w.end"}, "w": {"end": "v.end"}}}, "lean on each other"),
        ({"windows": {"w": {"end": "x.end"}}}, "'x.end', which is no moment"),
        ({"predict_at": "prediction"}, "told from the prediction"),
        ({"predict_at": "soon"}, "'soon', which is no moment"),
        ({"every": "1h"}, "until when"),
        ({"during": "stay"}, "'stay', which is no window"),
        ({"index": IN}, "either an index event or a trigger"),
        ({"windows": STAY, "during": "stay", "every": "0h"}, "never comes again"),
    ],
)
def test_a_cohort_that_means_nothing_is_refused(store, asked, keys, message):
    with pytest.raises(ConfigError, match=message):
        cohort.build(store(stay("a", 0, 9)), asked({"window": "rest", "label": "death"}, **{"windows": REST, **keys}))


def test_each_window_that_leaves_rows_out_is_counted_under_its_own_clause(store, asked):
    windows = REST | {
        "before": {"start": "trigger", "end": "prediction", "has": {"lab": "(2, None)"}},
        "gap": {"start": "prediction", "end": "start + 10h", "has": {"discharge": 0}, "reason": "left in the gap"},
    }
    data = store(
        [
            *stay("few", 0, 99, (1, "LAB//K", 4)),
            *stay("leaves", 0, 30, (1, "LAB//K", 4), (2, "LAB//K", 4)),
            *stay("stays", 0, 99, (1, "LAB//K", 4), (2, "LAB//K", 4), (99, DEATH, None)),
        ]
    )
    plan = asked({"window": "rest", "label": "death"}, predicates={"lab": {"code": "LAB//*"}}, windows=windows, predict_at="24h")
    rows, flow = cohort.build(data, plan)
    assert labels(rows) == {"stays#1": [1]}
    assert out(flow) == {"window before: lab: not at least 2": 1, "window gap, later: left in the gap": 1}
    assert cohort.eligible(data, plan)[0].row_id.tolist() == ["leaves#1", "stays#1"]


def test_a_result_that_was_stored_later_does_not_count_for_who_may_be_predicted(store, asked):
    windows = REST | {"before": {"start": "trigger", "end": "prediction", "has": {"lab": 1}}}
    late = [
        ("late", hour, code, None, None, available)
        for hour, code, available in [(0, IN, None), (1, "LAB//K", 30), (99, OUT, None)]
    ]
    data = store([*late, *stay("soon", 0, 99, (1, "LAB//K", 4))])
    rows, flow = cohort.build(
        data,
        asked({"window": "rest", "label": "death"}, predicates={"lab": {"code": "LAB//K"}}, windows=windows, predict_at="24h"),
    )
    assert rows.row_id.tolist() == ["soon#1"]
    assert flow.refused == {"late#1": "lab: not 1"}


def test_a_trigger_that_was_not_known_at_the_prediction_starts_no_row(store, asked):
    data = store([("a", 0, IN, None, None, 5), ("a", 9, OUT, None), ("b", 0, IN, None), ("b", 9, OUT, None)])
    rows, flow = cohort.build(data, asked({"window": "rest", "label": "death"}, windows=REST))
    assert rows.row_id.tolist() == ["b#1"]
    assert flow.refused == {"a#1": "what the row starts from was not known at the prediction"}


def test_a_window_of_the_same_visit_holds_nothing_of_another(store, asked):
    windows = REST | {"visit": {"same_visit": True, "has": {"icu": 1}}}
    data = store([*stay("a", 0, 50, (1, "ICU//IN", None), visit=7), ("a", 20, "ICU//IN", None, 8), *stay("b", 0, 50, visit=9)])
    rows, flow = cohort.build(
        data, asked({"window": "rest", "label": "death"}, predicates={"icu": {"code": "ICU//IN"}}, windows=windows)
    )
    assert rows.row_id.tolist() == ["a#1"]
    assert flow.refused == {"b#1": "icu: not 1"}


def test_what_has_no_time_belongs_to_windows_from_the_start_of_the_record(store, asked):
    windows = REST | {"ever": {"end": "trigger", "has": {"woman": 1}}}
    data = store([("a", None, "SEX", "F"), *stay("a", 0, 9), ("b", None, "SEX", "M"), *stay("b", 0, 9)])
    rows, _ = cohort.build(
        data, asked({"window": "rest", "label": "death"}, predicates={"woman": {"code": "SEX", "text": "F"}}, windows=windows)
    )
    assert rows.row_id.tolist() == ["a#1"]


# ----------------------------------------------------------------------------------------------------------------- predictions


def test_a_stay_is_asked_about_every_hour_until_it_ends(store, asked):
    data = store([*stay("a", 0, 4), *stay("a", 10, 13), ("a", 13, DEATH, None)])
    rows, _ = cohort.build(
        data, asked({"window": "rest", "label": "death"}, windows=STAY | REST, predict_at="1h", every="1h", during="stay")
    )
    assert ((rows.time - np.datetime64("2020-01-01T00:00")) / np.timedelta64(1, "h")).tolist() == [1, 2, 3, 11, 12]
    assert labels(rows) == {"a#1": [0], "a#2": [0], "a#3": [0], "a#4": [1], "a#5": [1]}


def test_a_patient_who_is_still_in_is_asked_about_to_the_end_of_the_record(store, asked):
    data = store([("a", 0, IN, None), ("a", 3, "HR", 80), *stay("b", 0, 2)])
    plan = asked({"window": "rest", "label": "death"}, windows=STAY | REST, every="1h", during="stay")
    rows, _ = cohort.eligible(data, plan, subjects=["a"])
    assert len(rows) == 4
    assert not rows.target.known.any()


def test_a_prediction_after_the_window_it_must_lie_in_is_left_out(store, asked):
    data = store(stay("short", 0, 5) + stay("long", 0, 50))
    rows, flow = cohort.build(
        data, asked({"window": "rest", "label": "death"}, windows=STAY | REST, predict_at="24h", during="stay")
    )
    assert rows.row_id.tolist() == ["long#1"]
    assert flow.refused == {"short#1": "the window stay was over before the prediction"}


def test_a_prediction_may_stand_just_before_the_end_of_a_window(store, asked):
    rows, _ = cohort.build(
        store(stay("a", 0, 5)), asked({"window": "rest", "label": "death"}, windows=STAY | REST, predict_at="stay.end - 30min")
    )
    assert (rows.time - rows.start)[0] == np.timedelta64(270, "m")


# -------------------------------------------------------------------------------------------------------------------- outcomes


CODED = stay("a", 0, 9, (9, "DX//1.1", None), (9, "DX//2", None)) + stay("b", 0, 9, (9, "DX//1.1", None))


def test_several_predicates_are_several_labels(store, asked):
    parts = {"one": {"code": "DX//1*"}, "two": {"code": "DX//2"}}
    rows, _ = cohort.build(
        store(CODED), asked({"window": "rest", "label": ["one", "two"]}, task="multilabel", predicates=parts, windows=REST)
    )
    assert labels(rows) == {"a#1": [1, 1], "b#1": [1, 0]}


def test_a_vocabulary_is_the_codes_that_enough_subjects_have(store, asked):
    outcome = {"window": "rest", "codes": "DX//*", "min_subjects": 2}
    rows, _ = cohort.build(store(CODED), asked(outcome, task="multilabel", windows=REST))
    assert rows.target.names == ("DX//1.1",)
    rows, _ = cohort.build(
        store(CODED), asked({"window": "rest", "codes": ["DX//2", "DX//1.1"]}, task="multilabel", windows=REST)
    )
    assert rows.target.names == ("DX//1.1", "DX//2")
    assert labels(rows) == {"a#1": [1, 1], "b#1": [1, 0]}


def test_a_broader_label_holds_where_a_code_below_it_is_met(store, asked):
    data = store(stay("a", 0, 9, (9, "ICD9CM//428.0", None)) + stay("b", 0, 9, (9, "ICD9CM//038.11", None)))
    outcome = {"window": "rest", "codes": "/^ICD9CM//[^./]+$/", "broader": True}
    rows, _ = cohort.build(data, asked(outcome, task="multilabel", windows=REST))
    assert rows.target.names == ("ICD9CM//038", "ICD9CM//428")
    assert labels(rows) == {"a#1": [0, 1], "b#1": [1, 0]}


@pytest.mark.parametrize(
    ("outcome", "task", "expected"),
    [
        ({"length": "hours"}, "regression", 36.0),
        ({"length": "days"}, "regression", 1.5),
        ({"length": "hours", "cuts": [12, 36]}, "multiclass", 2.0),
        ({"label": "k", "value": "max"}, "regression", 5.0),
        ({"label": "k", "value": "first"}, "regression", 3.0),
        ({"label": "k", "value": "last", "cuts": [4.5]}, "multiclass", 1.0),
    ],
)
def test_a_window_gives_its_length_and_its_numbers(store, asked, outcome, task, expected):
    data = store(stay("a", 0, 36, (1, "LAB//K", 3), (2, "LAB//K", 4), (3, "LAB//K", 5)))
    rows, _ = cohort.build(
        data, asked({"window": "rest", **outcome}, task=task, predicates={"k": {"code": "LAB//K"}}, windows=REST)
    )
    assert labels(rows) == {"a#1": [expected]}


def test_classes_are_named_by_their_cuts(store, asked):
    outcome = {"window": "rest", "length": "days", "cuts": [3, 7]}
    rows, _ = cohort.build(store(stay("a", 0, 36)), asked(outcome, task="multiclass", windows=REST))
    assert rows.target.names == ("<3", "3-7", ">=7")


def test_a_record_that_ends_before_its_window_gives_no_label_unless_the_study_says_so(store, asked):
    ahead = {"ahead": {"start": "prediction", "end": "start + 30d"}}
    data = store(
        [*stay("gone", 0, 9), *stay("seen", 0, 9), ("seen", 24 * 40, "HR", 1), *stay("died", 0, 9), ("died", 9, DEATH, None)]
    )
    rows, flow = cohort.build(data, asked({"window": "ahead", "label": "death"}, windows=ahead))
    assert labels(rows) == {"seen#1": [0], "died#1": [1]}
    assert flow.refused == {"gone#1": "the record ends before the window does"}
    rows, flow = cohort.build(data, asked({"window": "ahead", "label": "death", "censored": "negative"}, windows=ahead))
    assert labels(rows) == {"gone#1": [0], "seen#1": [0], "died#1": [1]}
    assert flow.notes == {"rows whose record ends within the window, taken as negatives": 1}


def test_what_was_known_already_is_no_question(store, asked):
    data = store(stay("a", 0, 50, (10, "SEPSIS", None)) + stay("b", 0, 50, (30, "SEPSIS", None)))
    parts = {"sepsis": {"code": "SEPSIS"}}
    rows, flow = cohort.build(
        data, asked({"window": "stay", "label": "sepsis"}, predicates=parts, windows=STAY, predict_at="24h")
    )
    assert labels(rows) == {"b#1": [1]}
    assert flow.refused == {"a#1": "the outcome had already happened"}
    outcome = {"window": "stay", "label": ["sepsis", "death"]}
    rows, _ = cohort.build(data, asked(outcome, task="multilabel", predicates=parts, windows=STAY, predict_at="24h"))
    assert labels(rows) == {"a#1": [None, 0], "b#1": [1, 0]}


@pytest.mark.parametrize(
    ("outcome", "task", "message"),
    [
        ({"window": "rst", "label": "death"}, "binary", "'rst', which is no window"),
        ({"window": "rest"}, "binary", "one of label, codes and length"),
        ({"window": "rest", "label": "death", "within": "30d"}, "binary", "takes no code, column, within"),
        ({"window": "rest", "label": ["death", "discharge"]}, "binary", "needs one label"),
        ({"window": "rest", "label": "deth"}, "binary", "no predicate is called 'deth'"),
        ({"window": "rest", "length": "days"}, "binary", "needs one label"),
        ({"window": "rest", "length": "days"}, "multiclass", "the cuts between"),
        ({"window": "rest", "length": "days", "cuts": [7, 3]}, "multiclass", "do not rise"),
        ({"window": "rest", "label": "death"}, "regression", "a label with a value"),
    ],
)
def test_an_outcome_that_does_not_fit_is_refused(store, asked, outcome, task, message):
    with pytest.raises(ConfigError, match=message):
        cohort.build(store(stay("a", 0, 9)), asked(outcome, task=task, windows=REST))


def test_an_empty_cohort_names_the_window_that_emptied_it(store, asked):
    windows = REST | {"before": {"end": "trigger", "has": {"death": "(1, None)"}}}
    with pytest.raises(DataError, match="window before left out the last 1 rows"):
        cohort.build(store(stay("a", 0, 9)), asked({"window": "rest", "label": "death"}, windows=windows))


def test_a_hundred_thousand_triggers_are_asked_about_in_seconds(store, asked):
    count, each = 2_000, 50
    hours = np.tile(np.arange(each) * 48, count)
    frame = pl.DataFrame({"subject_id": np.repeat(np.arange(count), each), "hour": hours})
    small = store([*stay("0", 0, 9), ("0", 1, "LAB//K", 1)])
    parts = [(IN, 0), ("LAB//K", 5), ("LAB//K", 30), (OUT, 40)]
    start = pl.datetime(2020, 1, 1, time_unit="us")
    events = [
        frame.select(
            "subject_id",
            time=start + pl.duration(hours=pl.col("hour") + after),
            code=pl.lit(code),
            available=start + pl.duration(hours=pl.col("hour") + after + 2),
        )
        for code, after in parts
    ]
    whole = (
        pl.concat([small.frame.clear(), *events], how="diagonal_relaxed").select(small.frame.columns).sort("subject_id", "time")
    )
    subjects = pl.DataFrame({"subject_id": range(count), "source_id": [str(n) for n in range(count)]})
    large = type(small)(whole, small.codes, subjects, {}, small.payloads)
    windows = STAY | REST | {"before": {"start": "trigger", "end": "prediction", "has": {"lab": "(1, 1)"}}}
    plan = asked(
        {"window": "rest", "label": "death"},
        predicates={"lab": {"code": "LAB//K"}},
        windows=windows,
        predict_at="24h",
        during="stay",
    )
    began = clock.process_time()
    rows, _ = cohort.build(large, plan)
    assert len(rows) == count * each
    assert clock.process_time() - began < 20
