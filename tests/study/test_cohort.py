from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sequela.errors import ConfigError, DataError, UsageError
from sequela.study import cohort
from sequela.study.joined import joined

IN, OUT = "ICU//ADMISSION", "ICU//DISCHARGE"


def stay(name: str, *, discharge: float | None = 100, death: float | None = None, hr: tuple[float, ...] = (1,)) -> list:
    """A stay from hour 0, with heart rates at these hours."""
    events = [(name, 0, IN, None), *((name, hour, "HR", 80) for hour in hr)]
    events += [] if death is None else [(name, death, "DEATH", None)]
    return events + ([] if discharge is None else [(name, discharge, OUT, None)])


def reasons(flow) -> dict[str, int]:
    return {step.reason: step.out for step in flow.steps if step.out}


def adds_up(flow) -> bool:
    each = all(step.before == step.out + step.after for step in flow.steps)
    return each and all(a.after == b.before for a, b in zip(flow.steps, flow.steps[1:], strict=False))


def test_a_stay_gives_one_row_with_its_outcome(store, study):
    data = store(stay("a") + stay("b", death=90) + [("c", None, "AGE", 50)])
    rows, flow = cohort.build(data, study())
    assert rows.source_id.tolist() == ["a", "b"]
    assert rows.target.values[:, 0].tolist() == [0, 1]
    assert rows.target.known.all()
    assert rows.event.astype(str).tolist() == ["NaT", "2020-01-04T18:00:00.000000"]
    assert (rows.time - rows.start == np.timedelta64(48, "h")).all()
    assert flow.refused == {"c": "no ICU//ADMISSION event"}
    assert adds_up(flow)


def test_each_step_of_the_flow_is_counted_by_group(store, study):
    sexes = [("a", None, "SEX", "F"), ("b", None, "SEX", "M"), ("c", None, "SEX", "F")]
    data = store(stay("a") + stay("b", death=20) + stay("c", discharge=30) + stay("d") + sexes)
    _, flow = cohort.build(data, study(cohort={"index": IN, "predict_at": "48h", "groups": ["sex"]}))
    by_reason = {step.reason: step.groups for step in flow.steps}
    assert by_reason["no ICU//ADMISSION event"] == {}
    assert by_reason["the stay had ended before the prediction"] == {"sex": {"": (0, 1), "F": (1, 1), "M": (0, 1)}}
    assert by_reason["the outcome had already happened"] == {"sex": {"": (0, 1), "F": (0, 1), "M": (1, 0)}}


def test_a_store_in_shards_has_the_rows_and_the_flow_of_the_whole(store, study):
    sexes = [("a", None, "SEX", "F"), ("b", None, "SEX", "M"), ("c", None, "SEX", "F")]
    events = stay("a") + stay("b", death=90) + stay("c", discharge=30) + stay("d", death=60) + sexes
    asked = study(cohort={"index": IN, "predict_at": "48h", "groups": ["sex"]})
    whole, flow = cohort.build(store(events), asked)
    data = store(events)
    shards = [replace(data, subjects=data.subjects[k : k + 2], frame=data.events(None, [k, k + 1])) for k in (0, 2)]
    rows, counted = joined([cohort.labelled(shard, asked) for shard in shards])
    assert rows.row_id.tolist() == whole.row_id.tolist()
    assert (rows.target.values == whole.target.values).all()
    assert counted.as_json() == flow.as_json()
    with pytest.raises(DataError, match="leaves its labels"):
        joined([(replace(rows, target=replace(rows.target, names=(name,))), counted) for name in ("x", "y")])


def test_every_way_out_of_a_stay_is_counted_under_its_own_reason(store, study):
    data = store(
        stay("well")
        + stay("dead already", death=20)
        + stay("left", discharge=30)
        + stay("open", discharge=None)
        + stay("soon", death=50)
        + stay("ends in gap", discharge=49)
        + stay("later", death=80)
    )
    rows, flow = cohort.build(data, study(outcome={"code": "DEATH", "within": "stay", "gap": "4h"}))
    assert dict(zip(rows.source_id.tolist(), rows.target.values[:, 0].tolist(), strict=True)) == {"well": 0, "later": 1}
    assert flow.refused == {
        "dead already": "the outcome had already happened",
        "left": "the stay had ended before the prediction",
        "open": "not observed to the end of the horizon",
        "soon": "the outcome came within the gap",
        "ends in gap": "the stay ended within the gap",
    }
    assert adds_up(flow)


def test_an_outcome_after_discharge_is_none_of_the_stay(store, study):
    rows, _ = cohort.build(store([*stay("a"), ("a", 200, "DEATH", None), *stay("b", death=60)]), study())
    assert rows.target.values[:, 0].tolist() == [0, 1]


def test_a_horizon_that_was_not_observed_gives_no_label_and_never_zero(store, study):
    asked = study(outcome={"code": "DEATH", "within": "10d"})
    data = store([*stay("short"), *stay("long"), ("long", 48 + 240, "HR", 70), *stay("died", death=120)])
    rows, flow = cohort.build(data, asked)
    assert rows.source_id.tolist() == ["long", "died"]
    assert flow.refused == {"short": "not observed to the end of the horizon"}
    kept, _ = cohort.build(data, asked, labelled=False)
    assert kept.target.known[:, 0].tolist() == [False, True, True]


def test_an_outcome_may_recur_only_where_the_study_says_so(store, study):
    days = 24
    visits = [
        ("a", day * days, code, None) for day, code in [(0, "ADMIT//X"), (3, "LEAVE//X"), (10, "ADMIT//X"), (12, "LEAVE//X")]
    ]
    data = store([*visits, ("a", 60 * days, "HR", 1)])
    plan = {"index": "EACH//LEAVE//X"}
    with pytest.raises(DataError, match="the outcome had already happened"):
        cohort.build(data, study(cohort=plan, outcome={"code": "ADMIT//X", "within": "30d"}))
    rows, _ = cohort.build(data, study(cohort=plan, outcome={"code": "ADMIT//X", "within": "30d", "recurs": True}))
    assert rows.row_id.tolist() == ["a#1", "a#2"]
    assert rows.target.values[:, 0].tolist() == [1, 0]


def test_several_codes_are_several_labels_each_masked_by_itself(store, study):
    data = store([*stay("a", death=90), ("a", 10, "SEPSIS", None), *stay("b"), ("b", 60, "SEPSIS", None)])
    rows, _ = cohort.build(data, study(task="multilabel", outcome={"code": ["DEATH", "SEPSIS"], "within": "stay"}))
    assert rows.target.names == ("DEATH", "SEPSIS")
    assert rows.target.known.tolist() == [[True, False], [True, True]]
    assert rows.target.values.tolist() == [[1, 0], [0, 1]]


def test_the_next_number_is_a_regression_target(store, study):
    series = [("a", hour, "HR", 60 + hour) for hour in range(5)]
    rows, flow = cohort.build(
        store(series), study(cohort={"index": "EACH//HR"}, task="regression", outcome={"code": "HR", "value": "first"})
    )
    assert rows.target.values[:, 0].tolist() == [61, 62, 63, 64]
    assert flow.refused == {"a#5": "label not known"}


@pytest.mark.parametrize(("which", "expected"), [("first", 50), ("last", 70), ("mean", 60), ("min", 50), ("max", 70)])
def test_a_value_summarises_the_numbers_of_the_horizon_alone(store, study, which, expected):
    data = store([("a", 0, IN, None), ("a", 1, "HR", 1), ("a", 49, "HR", 50), ("a", 50, "HR", 70), ("a", 99, "HR", 999)])
    rows, _ = cohort.build(data, study(task="regression", outcome={"code": "HR", "within": "10h", "value": which}))
    assert rows.target.values[0, 0] == expected


def test_a_sample_has_the_label_of_its_subject(store, study):
    data = store([("a", None, "LABEL//y", "yes"), ("b", None, "LABEL//y", 0), ("c", None, "IMAGE", None)])
    rows, flow = cohort.build(data, study(cohort={"index": "SAMPLE"}, outcome={"column": "y"}))
    assert rows.source_id.tolist() == ["a", "b"]
    assert rows.target.values[:, 0].tolist() == [1, 0]
    assert np.isnat(rows.time).all()
    assert flow.refused == {"c": "label not known"}


def test_a_timed_row_has_the_label_stamped_as_its_index(store, study):
    beats = [("r", hour, "BEAT//X", None) for hour in range(3)]
    marks = [("r", 0, "LABEL//aami", "N"), ("r", 1, "LABEL//aami", "V"), ("r", 1.5, "LABEL//aami", "S")]
    asked = study(
        cohort={"index": "EACH//BEAT//X", "predict_at": "1h"},
        task="multiclass",
        outcome={"column": "aami", "classes": ["N", "V"]},
    )
    rows, flow = cohort.build(store(beats + marks), asked)
    assert rows.row_id.tolist() == ["r#1", "r#2"]
    assert rows.target.values[:, 0].tolist() == [0, 1]
    assert flow.refused == {"r#3": "label not known"}


def test_two_labels_that_differ_refuse_the_row(store, study):
    data = store(
        [("a", None, "LABEL//y", 0), ("a", None, "LABEL//y", 1), ("b", None, "LABEL//y", 1), ("b", None, "LABEL//y", "1")]
    )
    rows, flow = cohort.build(data, study(cohort={"index": "SAMPLE"}, outcome={"column": "y"}))
    assert rows.source_id.tolist() == ["b"]
    assert flow.refused == {"a": "two different labels"}


VOLUMES = [
    ("a", None, "LABEL//ml", 2.5),
    ("b", None, "LABEL//ml", 3.5),
    ("c", None, "LABEL//ml", 3.0),
    ("d", None, "IMAGE", None),
]


@pytest.mark.parametrize(
    ("task", "cuts", "names", "values"),
    [("binary", [3], (">=3",), [0, 1, 1]), ("multiclass", [3, 3.2], ("<3", "3-3.2", ">=3.2"), [0, 2, 1])],
)
def test_the_number_of_a_column_is_the_class_between_its_cuts(store, study, task, cuts, names, values):
    asked = study(cohort={"index": "SAMPLE"}, task=task, outcome={"column": "ml", "cuts": cuts})
    rows, flow = cohort.build(store(VOLUMES), asked)
    assert rows.target.names == names and rows.target.values[:, 0].tolist() == values
    assert flow.refused == {"d": "label not known"}


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        ({"column": "ml", "cuts": [3, 4]}, "one cut"),
        ({"column": "ml", "cuts": [4, 3]}, "do not rise"),
        ({"column": "ml", "cuts": [3], "classes": ["0", "1"]}, "classes of one column"),
    ],
)
def test_cuts_of_a_column_that_mean_no_two_classes_are_refused(store, study, outcome, reason):
    with pytest.raises(ConfigError, match=reason):
        cohort.build(store(VOLUMES), study(cohort={"index": "SAMPLE"}, outcome=outcome))


def test_classes_gather_raw_labels_and_count_the_others(store, study):
    data = store([(name, None, "LABEL//beat", raw) for name, raw in zip("abcd", ["N", "L", "V", "?"], strict=True)])
    asked = study(
        cohort={"index": "SAMPLE"},
        task="multiclass",
        outcome={"column": "beat", "classes": {"normal": ["N", "L"], "ventricular": ["V"]}},
    )
    rows, flow = cohort.build(data, asked)
    assert rows.target.names == ("normal", "ventricular")
    assert rows.target.values[:, 0].tolist() == [0, 0, 1]
    assert flow.notes == {"labels that no class gathers": 1}


def test_exclusions_are_counted_in_their_order(store, study):
    data = store(
        [
            *stay("child"), ("child", None, "AGE", 12),
            *stay("old"), ("old", None, "AGE", 90),
            *stay("palliative"), ("palliative", 3, "CARE//COMFORT", None),
            *stay("silent", hr=()),
            *stay("late", hr=(60,)),
            *stay("listed"),
        ]
    )  # fmt: skip
    plan = {
        "index": IN,
        "predict_at": "48h",
        "exclude": [
            {"when": "AGE < 18", "reason": "a child"},
            {"code": "CARE//*", "reason": "comfort care"},
            {"when": "no measurement", "reason": "no series"},
            {"subjects": ["listed"], "reason": "withdrew"},
        ],
    }
    rows, flow = cohort.build(data, study(cohort=plan))
    assert rows.source_id.tolist() == ["old"]
    assert reasons(flow) == {"a child": 1, "comfort care": 1, "no series": 2, "withdrew": 1}
    assert adds_up(flow)


def test_history_bounds_what_counts_as_measured(store, study):
    plan = {"index": IN, "predict_at": "48h", "history": "24h", "exclude": [{"when": "no measurement", "reason": "none"}]}
    _, flow = cohort.build(store(stay("early", hr=(23,)) + stay("edge", hr=(24,))), study(cohort=plan))
    assert flow.refused == {"early": "none"}


def test_only_the_first_rows_of_a_subject_are_taken(store, study):
    data = store([("a", hour, "HR", hour) for hour in range(5)] + [("b", 0, "HR", 1), ("b", 1, "HR", 2)])
    asked = study(
        cohort={"index": "EACH//HR", "max_rows_per_subject": 2}, task="regression", outcome={"code": "HR", "value": "first"}
    )
    rows, _ = cohort.build(data, asked)
    assert rows.row_id.tolist() == ["a#1", "a#2", "b#1"]


def test_groups_are_text_bands_and_nothing_where_unknown(store, study):
    data = store(
        [
            *stay("a"),
            ("a", None, "AGE", 45),
            ("a", None, "SEX", "F"),
            *stay("b"),
            ("b", None, "AGE", 80),
            ("b", None, "SEX", 1),
            *stay("c"),
        ]
    )
    rows, _ = cohort.build(data, study(cohort={"index": IN, "predict_at": "48h", "groups": ["sex", "age_band"]}))
    assert {name: column.tolist() for name, column in rows.groups.items()} == {
        "sex": ["F", "1", ""],
        "age_band": ["45-65", ">=80", ""],
    }


def test_a_cohort_without_rows_names_the_step_that_emptied_it(store, study):
    with pytest.raises(DataError, match=r"include left out the last 2 rows \(not in the list of subjects\)"):
        cohort.build(store(stay("a") + stay("b")), study(cohort={"index": IN, "include": ["z"]}))


def test_eligibility_gives_a_row_or_a_reason_for_each_subject_asked(store, study):
    data = store(
        stay("a", discharge=None)
        + stay("gone", discharge=20)
        + stay("dead", death=3)
        + stay("child")
        + [("child", None, "AGE", 3)]
    )
    plan = {"index": IN, "predict_at": "48h", "exclude": [{"when": "AGE < 18", "reason": "a child"}]}
    rows, flow = cohort.eligible(data, study(cohort=plan), subjects=["a", "gone", "dead", "child", "nobody"])
    assert rows.source_id.tolist() == ["a"]
    assert not rows.target.known.any()
    assert flow.refused == {
        "gone": "the stay had ended before the prediction",
        "dead": "the outcome had already happened",
        "child": "a child",
        "nobody": "not in the data",
    }


def test_a_time_asked_for_takes_the_index_before_it(store, study):
    data = store(
        [("a", 0, "VISIT//X", None), ("a", 50, "VISIT//X", None), ("a", 99, "VISIT//X", None), ("b", 90, "VISIT//X", None)]
    )
    asked = study(cohort={"index": "EACH//VISIT//X"}, outcome={"code": "DEATH", "within": "stay"})
    at = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=60)
    rows, flow = cohort.eligible(data, asked, at=at)
    assert rows.row_id.tolist() == ["a#2"]
    assert rows.time[0] == np.datetime64("2020-01-03T12:00")
    assert flow.refused["b#1"] == "the index event comes after the time asked for"
    with pytest.raises(UsageError, match="no time zone"):
        cohort.eligible(data, asked, at=at.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"outcome": {"code": "DEATH", "column": "y"}}, "either a code or a column"),
        ({"outcome": {"code": "DEATH"}}, "within is missing"),
        ({"outcome": {"code": ["A", "B"], "within": "stay"}}, "one code, not 2"),
        ({"task": "regression"}, "needs outcome.value"),
        ({"task": "multiclass"}, "read from a label column"),
        ({"cohort": {"index": IN, "exclude": [{"when": "AGE is low", "reason": "r"}]}}, "not understood"),
        ({"cohort": {"index": IN, "exclude": [{"when": "AGE < 1", "code": "X", "reason": "r"}]}}, "exactly one"),
        ({"cohort": {"index": IN, "groups": ["weight_band"]}}, "has no bands"),
        ({"cohort": {"index": IN, "predict_at": "48h", "groups": ["sex"]}}, "needs the code 'SEX'"),
        ({"task": "prognosis"}, "no task is called"),
    ],
)
def test_a_study_that_means_nothing_is_refused(store, study, sections, message):
    with pytest.raises(ConfigError, match=message):
        cohort.build(store(stay("a") + stay("b", death=60)), study(**sections))


def test_an_unknown_index_names_the_nearest_code(store, study):
    with pytest.raises(DataError, match="did you mean 'ICU//ADMISSION'"):
        cohort.build(store(stay("a")), study(cohort={"index": "ICU//ADMISION"}))


stays = st.lists(
    st.tuples(st.none() | st.integers(1, 120), st.none() | st.integers(1, 120), st.lists(st.integers(0, 120), max_size=4)),
    min_size=1,
    max_size=8,
)


@given(stays=stays, gap=st.integers(0, 10))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_stay_is_a_row_or_has_a_reason_and_the_flow_adds_up(store, study, stays, gap):
    events = [e for n, (out, death, hr) in enumerate(stays) for e in stay(f"s{n}", discharge=out, death=death, hr=tuple(hr))]
    asked = study(outcome={"code": "DEATH", "within": "stay", "gap": f"{gap}h"})
    try:
        rows, flow = cohort.build(store(events), asked)
    except DataError as error:
        assert "the cohort is empty" in str(error)
        return
    assert adds_up(flow)
    assert len(rows) + len(flow.refused) == len(stays)
    for name, label in zip(rows.source_id.tolist(), rows.target.values[:, 0], strict=True):
        out, death, _ = stays[int(name[1:])]
        positive = death is not None and 48 + gap < death and (out is None or death <= out)
        assert label == positive
        assert positive or (out is not None and out >= 48)
