"""Survival tables come back as what they say of time; what cannot be understood is refused by file and row."""

from __future__ import annotations

import io

import h5py
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sequela
from sequela.config import convert
from sequela.errors import ConfigError, DataError
from sequela.readers import survival
from sequela.store.source import open_source

PLAIN = {"subject": "id", "time": "t", "event": "e", "causes": {"death": 1, "transplant": 2}, "unit": "days"}
VISITS = {**PLAIN, "visit": "day", "static": ["sex"]}
LONG = "id,t,e,day,sex,bili\n7,50,2,0,f,1.5\n7,50,2,20,f,2.5\n8,30,0,0,m,\n"


def moments(sink, code):
    """Subject, days after the anchor and number of each event of this code."""
    events = sink.of(code)
    days = (events["time"] - survival.ANCHOR).dt.total_microseconds() / 86_400e6
    return list(zip(events["source_id"].to_list(), days.to_list(), events["numeric_value"].to_list(), strict=True))


def read(sink, path, **options):
    """The sink with what the reader writes of this file."""
    survival.build(convert(options, survival.Config, "options")).read(open_source(path), sink)
    return sink


def refused(written, text, **options):
    """The reasons of refusal by row of the file."""
    sink = written("survival", {"a.csv": text}, **options)
    return {where.removeprefix("a.csv row "): reason for where, reason in sink.refused.items()}


# ----------------------------------------------------------------------------------------------------------------------- tables


def test_a_line_a_subject(written):
    sink = written("survival", {"a.csv": "id,t,e,age,sex\nA,50,1,61,f\nB,12.5,0,70,m\nC,3,2,,f\n"}, **PLAIN)
    assert moments(sink, "START") == [("A", 0, None), ("B", 0, None), ("C", 0, None)]
    assert moments(sink, "EVENT//death") == [("A", 50, None)] and moments(sink, "EVENT//transplant") == [("C", 3, None)]
    assert moments(sink, "FOLLOW_UP//END") == [("A", 50, None), ("B", 12.5, None), ("C", 3, None)]
    assert sink.of("age").select("source_id", "time", "numeric_value").rows() == [("A", None, 61.0), ("B", None, 70.0)]
    assert sink.of("sex").select("source_id", "text_value").rows() == [("A", "f"), ("B", "m"), ("C", "f")]
    assert {code: kind for code, (kind, _) in sink.codes.items()} == {
        "START": "event",
        "age": "static",
        "sex": "static",
        "EVENT//death": "outcome",
        "EVENT//transplant": "outcome",
        "FOLLOW_UP//END": "outcome",
    }
    assert sink.relative and sink.accepted == 3 and not sink.refused


def test_a_line_a_visit(written):
    sink = written("survival", {"a.csv": LONG}, **VISITS)
    assert moments(sink, "VISIT") == [("7", 0, None), ("7", 20, None), ("8", 0, None)]
    assert moments(sink, "bili") == [("7", 0, 1.5), ("7", 20, 2.5)]
    assert moments(sink, "EVENT//transplant") == [("7", 50, None)]
    assert sink.codes["bili"][0] == "measurement" and sink.codes["sex"][0] == "static"


def test_rows_without_a_subject_are_one_each_and_excluded_columns_are_gone(written):
    options = {name: value for name, value in PLAIN.items() if name != "subject"}
    sink = written("survival", {"a.csv": "t,e,x,y\n1,0,5,6\n2,1,7,8\n"}, **options, exclude=["y"])
    assert moments(sink, "EVENT//death") == [("000003", 2, None)] and set(sink.codes) >= {"x"} and "y" not in sink.codes


@pytest.mark.parametrize("unit, days", [("hours", 0.5), ("days", 12), ("weeks", 84), ("months", 365.25), ("years", 4383)])
def test_every_unit_is_told_in_days(written, unit, days):
    sink = written("survival", {"a.csv": "id,t,e\nA,12,1\n"}, **{**PLAIN, "unit": unit})
    assert moments(sink, "FOLLOW_UP//END") == [("A", days, None)]


def test_whole_units_end_half_a_unit_later(written):
    sink = written("survival", {"a.csv": "id,t,e\nA,0,1\nB,3,0\n"}, **PLAIN, whole_units=True)
    assert moments(sink, "EVENT//death") == [("A", 0.5, None)]
    assert moments(sink, "FOLLOW_UP//END") == [("A", 0.5, None), ("B", 3.5, None)]


def test_entry_is_told_where_a_column_says_it(written):
    sink = written("survival", {"a.csv": "id,t,e,in\nA,9,1,2\n"}, **PLAIN, entry="in")
    assert moments(sink, "ENTRY") == [("A", 2, None)]


def test_several_codes_are_one_cause_and_whole_numbers_may_be_written_with_a_point(written):
    sink = written("survival", {"a.csv": "id,t,e\nA,9,1.0\nB,9,3\n"}, **{**PLAIN, "causes": {"death": [1, 3]}})
    assert [who for who, *_ in moments(sink, "EVENT//death")] == ["A", "B"]


def test_a_cause_that_came_to_nobody_and_all_censored_are_noted(written):
    sink = written("survival", {"a.csv": "id,t,e\nA,9,1\n"}, **PLAIN)
    assert sink.notes["no subject had the event of transplant"] == 1 and "EVENT//death" in sink.codes
    sink = written("survival", {"a.csv": "id,t,e\nA,9,0\n"}, **PLAIN)
    assert {text for text in sink.notes if text.startswith("no subject")} == {
        "no subject had the event of death",
        "no subject had the event of transplant",
    }


def test_the_parts_of_a_column_are_taken(written):
    sink = written("survival", {"a.csv": "id,t,e,part\nA,9,1,train\nB,9,1,valid\nC,9,0,x\n"}, **PLAIN, part="part")
    assert sink.parts == {"A": "train", "B": "tune"} and len(sink.refused) == 1


def test_new_subjects_need_no_outcome(written):
    sink = written("survival", {"a.csv": "id,day,sex,bili\n7,0,f,1.5\n"}, **VISITS, **survival.UNLABELLED)
    assert set(sink.codes) == {"START", "VISIT", "sex", "bili"}
    assert any("nobody says what became of them" in text for text in sink.notes)


def test_what_a_file_tells_of_new_subjects_is_read_and_blanks_are_none(written):
    text = "id,t,e,day,sex,bili\nA,50,1,0,f,1\nB,,,0,m,2\nC,,0,0,f,3\nD,,1,0,f,4\nE,9,,0,f,5\nF,9,7,0,f,6\n"
    sink = written("survival", {"a.csv": text}, **VISITS, **survival.UNLABELLED)
    assert [who for who, *_ in moments(sink, "START")] == ["A", "B", "C"]
    assert moments(sink, "EVENT//death") == moments(sink, "FOLLOW_UP//END") == [("A", 50, None)]
    assert {where[-1]: reason for where, reason in sink.refused.items()} == {
        "5": "no time in the column 't'",
        "6": "no event code in the column 'e'",
        "7": "an event code in the column 'e' that is neither 0 nor among causes",
    }


def test_a_time_of_which_no_column_says_what_it_ended_by_is_none(written):
    sink = written("survival", {"a.csv": "id,t,day,sex,bili\nA,50,0,f,1\n"}, **VISITS, **survival.UNLABELLED)
    assert set(sink.codes) == {"START", "VISIT", "sex", "bili"} and not sink.refused


# ------------------------------------------------------------------------------------------------------------ parquet and arrays


def test_parquet_says_the_same_as_csv(written):
    frame = pl.read_csv(io.StringIO(LONG))
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    text = written("survival", {"a.csv": LONG}, **VISITS, file="*.csv").all
    held = written("survival", {"a.parquet": buffer.getvalue()}, **VISITS, file="*.parquet").all
    assert text.equals(held)


def arrays(**change):
    """An HDF5 file as DeepSurv's."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for group, count in (("train", 3), ("test", 2)):
            held = {
                "x": np.arange(count * 2, dtype=np.float32).reshape(count, 2),
                "t": np.arange(count, dtype=np.float32) + 1.5,
                "e": np.array([1, 0, 1][:count], np.int32),
            }
            for key, values in (held | change).items():
                if values is not None:
                    file.create_dataset(f"{group}/{key}", data=values)
    return buffer.getvalue()


ONE = {"causes": {"death": 1}, "unit": "months"}


def test_the_layout_of_deepsurv_gives_parts_and_columns(written):
    sink = written("survival", {"a.h5": arrays()}, **ONE, names=["age", "stage"])
    assert sink.parts == {"train-000001": "train", "train-000002": "train", "train-000003": "train"} | {
        "test-000001": "test",
        "test-000002": "test",
    }
    assert moments(sink, "EVENT//death")[0] == ("test-000001", 1.5 * 30.4375, None)
    assert sink.of("stage")["numeric_value"].to_list() == [1, 3, 1, 3, 5]
    assert "x2" in written("survival", {"a.h5": arrays()}, **ONE).codes


@pytest.mark.parametrize(
    "change, options, message",
    [
        ({"e": np.array([True, False])}, {}, "holds bool"),
        ({"x": np.zeros((2, 2)), "t": np.ones(1)}, {}, "expected"),
        ({"t": None}, {}, "no dataset 't'"),
        ({"x": np.zeros(2)}, {}, "expected"),
        ({}, {"names": ["age"]}, "2 columns in x, and names says 1"),
        ({}, {"names": ["age", "t"]}, "2 columns 't'"),
        ({}, {"exclude": ["x9"]}, "no column 'x9'"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(written, change, options, message):
    with pytest.raises(DataError, match=message):
        written("survival", {"a.h5": arrays(**change)}, **ONE, **options)


def test_arrays_without_groups_are_refused(written):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["x"] = np.zeros(3)
    with pytest.raises(DataError, match="no group train or test"):
        written("survival", {"a.h5": buffer.getvalue()}, **ONE)


# -------------------------------------------------------------------------------------------------------------------- intervals


INTERVALS = {**PLAIN, "time": "stop", "visit": "start", "intervals": True}


def test_intervals_say_the_same_as_visits(written):
    stretches = "id,start,stop,e,bili\n7,0,20,0,1.5\n7,20,50,2,2.5\n8,0,30,0,3\n"
    visits = "id,day,t,e,bili\n7,0,50,2,1.5\n7,20,50,2,2.5\n8,0,30,0,3\n"
    one = written("survival", {"a.csv": stretches}, **INTERVALS, file="a.csv").all
    other = written("survival", {"b.csv": visits}, **PLAIN, visit="day", file="b.csv").all
    assert one.equals(other)


def test_a_later_first_interval_is_entered_then(written):
    sink = written("survival", {"a.csv": "id,start,stop,e\n7,5,20,1\n"}, **INTERVALS)
    assert moments(sink, "ENTRY") == [("7", 5, None)] and moments(sink, "EVENT//death") == [("7", 20, None)]


@pytest.mark.parametrize(
    "rows, reason",
    [
        ("7,0,20,0\n7,25,50,1", "overlap or leave a gap"),
        ("7,0,20,0\n7,15,50,1", "overlap or leave a gap"),
        ("7,0,20,1\n7,20,50,0", "an event before the last interval"),
        ("7,20,20,1", "does not end after it begins"),
    ],
)
def test_intervals_that_are_no_follow_up_are_refused(written, rows, reason):
    sink = written("survival", {"a.csv": f"id,start,stop,e\n{rows}\n8,0,9,1\n"}, **INTERVALS)
    assert len(sink.refused) == rows.count("\n") + 1 and all(reason in why for why in sink.refused.values())


# --------------------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "row, reason",
    [
        ("A,-1,1", "a negative time"),
        ("A,,1", "no time"),
        ("A,soon,1", "no number in the column 't'"),
        ("A,inf,1", "no number in the column 't'"),
        ("A,9,", "no event code"),
        ("A,9,3", "neither 0 nor among causes"),
        ("A,9,0.5", "neither 0 nor among causes"),
        ("A,9,true", "no number in the column 'e'"),
        ("A,400000,1", "more than 1000 years"),
        (",9,1", "no subject"),
        ("A,9,1,7", "more or fewer entries"),
    ],
)
def test_what_a_row_cannot_mean_is_refused_by_its_row(written, row, reason):
    found = refused(written, f"id,t,e\n{row}\nB,5,1\n", **PLAIN)
    assert list(found) == ["2"] and reason in found["2"]


@pytest.mark.parametrize(
    "rows, options, count, reason",
    [
        ("A,9,1,0,1,1\nA,9,0,3,1,1", {"visit": "day"}, 2, "the outcome differs"),
        ("A,9,1,0,1,1\nA,8,1,3,1,1", {"visit": "day"}, 2, "the outcome differs"),
        ("A,9,1,0,1,1\nA,9,1,10,1,1", {"visit": "day"}, 1, "measured after the end of follow-up"),
        ("A,9,1,0,1,1\nA,9,1,,1,1", {"visit": "day"}, 1, "no visit time"),
        ("A,9,1,-3,1,9", {"entry": "in"}, 1, "entry is not before the end"),
        ("A,9,1,-3,1,-9", {"entry": "in"}, 1, "a negative entry"),
        ("A,9,1,-3,1,", {"entry": "in"}, 1, "no entry"),
        ("A,9,1,0,1,1\nA,9,1,1,2,1", {"visit": "day", "static": ["age"]}, 2, "'age' differs"),
        ("A,9,1,0,1,1\nA,9,1,1,1,1", {}, 2, "several rows"),
    ],
)
def test_subjects_of_whom_two_things_are_said_are_refused(written, rows, options, count, reason):
    found = refused(written, f"id,t,e,day,age,in\n{rows}\nB,5,1,0,7,1\n", **PLAIN, **options)
    assert len(found) == count and all(reason in why for why in found.values())


def test_a_visit_before_the_start_is_history(written):
    sink = written("survival", {"a.csv": "id,t,e,day,bili\nA,9,1,-3,2\n"}, **PLAIN, visit="day")
    assert moments(sink, "bili") == [("A", -3, 2)] and not sink.refused


def test_a_word_among_numbers_is_refused_and_a_column_of_words_is_a_category(written):
    text = "id,t,e,age,sex\nA,9,1,50,f\nB,9,1,?,m\nC,9,1,60,f\n"
    sink = written("survival", {"a.csv": text}, **PLAIN)
    assert list(sink.refused.values()) == ["no number in the column 'age'"] and len(sink.of("sex")) == 2


def test_words_measured_at_visits_are_refused_with_what_to_say(written):
    with pytest.raises(DataError, match="'sex' holds words") as error:
        written("survival", {"a.csv": LONG}, **{**VISITS, "static": []})
    assert 'static = ["sex"]' in (error.value.hint or "")


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "is empty"),
        ("id,t,e\n", "no row of survival times"),
        ("id,time,e\nA,1,1\n", "no column 't'"),
        ("id,t,e,t\nA,1,1,1\n", "2 columns 't'"),
        ("id;t\x00", "no column"),
    ],
)
def test_a_table_that_is_none_is_refused(written, text, message):
    with pytest.raises(DataError, match=message):
        written("survival", {"a.csv": text}, **PLAIN)


def test_files_of_other_columns_and_columns_of_dates_are_refused(written):
    with pytest.raises(DataError, match=r"b.csv has other columns than a.csv"):
        written("survival", {"a.csv": "id,t,e,x\nA,1,1,2\n", "b.csv": "id,t,e\nB,1,1\n"}, **PLAIN)
    buffer = io.BytesIO()
    pl.DataFrame({"id": ["A"], "t": [1], "e": [1], "born": [survival.ANCHOR]}).write_parquet(buffer)
    with pytest.raises(DataError, match="'born', expected numbers or words"):
        written("survival", {"c.parquet": buffer.getvalue()}, **PLAIN, file="c.parquet")


def test_a_table_of_refusals_is_no_store(tmp_path):
    (tmp_path / "a.csv").write_text("id,t,e\n" + "A,-1,1\n" * 30 + "B,1,1\n")
    with pytest.raises(DataError, match="were refused"):
        sequela.import_data("survival", tmp_path / "a.csv", tmp_path / "a.store", options=PLAIN)


@pytest.mark.parametrize(
    "rows, reason",
    [
        ("A,-1,1", "a negative time in the column 't'"),
        ("A,9,true", "in the column 'e'; a word or a boolean is not taken for a cause"),
        ("A,9,dead", "in the column 'e'; a word or a boolean is not taken for a cause"),
        ("A,9,1.5", "neither 0 nor among causes"),
    ],
)
@pytest.mark.parametrize("allowed, refused", [(0.1, True), (1.0, False)])
def test_a_table_of_which_nothing_can_be_used_is_refused_with_the_reason(rows, reason, allowed, refused, tmp_path):
    (tmp_path / "a.csv").write_text(f"id,t,e\n{rows}\n")
    with pytest.raises(DataError, match=reason if refused else "found no events"):
        sequela.import_data("survival", tmp_path / "a.csv", tmp_path / "a.store", options=PLAIN, max_refused=allowed)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"causes": {"death": 0}}, "not above 0"),
        ({"causes": {"death": 1, "gone": [1]}}, "names a code twice"),
        ({"causes": {"death": []}}, "without a name or a code"),
        ({"causes": {"death": True}}, "causes"),
        ({"causes": {}}, "causes names no event"),
        ({"unit": "fortnights"}, "unit"),
        ({"visit": "day", "subject": ""}, "no column says whose"),
        ({"intervals": True}, "intervals go from visit to time"),
        ({"exclude": ["t"]}, "another option names it"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        survival.build(convert({**PLAIN, **options}, survival.Config, "options"))


def test_the_unit_is_asked_for():
    with pytest.raises(ConfigError, match="unit"):
        convert({"causes": {"death": 1}}, survival.Config, "options")


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.tuples(st.floats(0, 900), st.integers(0, 2)), min_size=1, max_size=8),
    st.sampled_from(["hours", "weeks", "years"]),
)
def test_no_time_and_no_cause_is_lost_on_the_way(memory, tmp_path_factory, subjects, unit):
    place = tmp_path_factory.getbasetemp() / "table.csv"
    rows = [f"s{number},{time!r},{event}" for number, (time, event) in enumerate(subjects)]
    place.write_text("\n".join(["id,t,e", *rows]) + "\n")
    sink = read(memory(), place, **{**PLAIN, "unit": unit})
    ends = {who: days for who, days, _ in moments(sink, "FOLLOW_UP//END")}
    assert list(ends) == [f"s{number}" for number in range(len(subjects))]
    for number, (time, event) in enumerate(subjects):
        assert ends[f"s{number}"] == pytest.approx(time * survival.DAYS[unit], abs=1e-10)
        events = sink.all.filter((pl.col("source_id") == f"s{number}") & pl.col("code").str.starts_with("EVENT//"))
        assert events["code"].to_list() == [[], ["EVENT//death"], ["EVENT//transplant"]][event]


def test_the_two_forms_of_pbcseq_are_one(real_data, memory):
    shared = {"subject": "id", "causes": {"death": 2, "transplant": 1}, "unit": "days", "static": ["trt", "age", "sex"]}
    forms = [
        {"time": "futime", "event": "status", "visit": "day", "exclude": ["time1", "time2", "event"]},
        {"time": "time2", "event": "event", "visit": "time1", "intervals": True, "exclude": ["futime", "status", "day"]},
    ]
    made = []
    for form in forms:
        sink = read(memory(), real_data("survival") / "pbcseq.csv", **shared, **form)
        assert not sink.refused
        made.append(sink.all.sort("source_id", "code", "time"))
    assert made[0].equals(made[1])
    assert (made[0]["code"] == "EVENT//death").sum() == 140 and (made[0]["code"] == "EVENT//transplant").sum() == 29
