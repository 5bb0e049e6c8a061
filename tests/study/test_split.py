from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela import config
from sequela.errors import ConfigError, DataError, LeakError
from sequela.study import split
from sequela.types import PARTS, Cohort, Target

STUDY = {
    "name": "t", "question": "?", "data": {"source": "x"}, "cohort": {"index": "SAMPLE"}, "outcome": {"column": "y"},
    "inputs": {"x": {"modality": "image", "encoder": "cnn"}}, "task": "binary",
}  # fmt: skip


class NoParts:
    parts: ClassVar[dict[int, str]] = {}


def cohort_of(subject, label, groups=None, hours=None) -> Cohort:
    subject, label = np.array(subject), np.array(label, float)
    count = len(subject)
    start = (
        np.full(count, np.datetime64("NaT"), "datetime64[us]")
        if hours is None
        else np.datetime64("2020-01-01", "us") + np.array(hours) * 3_600_000_000
    )
    target = Target(np.nan_to_num(label)[:, None], ~np.isnan(label)[:, None], ("y",))
    names = np.char.add("s", subject.astype(str))
    return Cohort(subject, names, np.arange(count).astype(str), start, start, np.full(count, ""), target, groups or {})


def planned(cohort, base=Path(), store=None, **settings) -> list[split.Plan]:
    return split.plans(cohort, config.convert({**STUDY, "split": settings}, config.Study), store or NoParts(), base)


def crowd(subjects: int = 200, prevalence: float = 0.1, rows: int = 1) -> Cohort:
    """Subjects of whom the first have the event, with several rows each."""
    subject = np.repeat(np.arange(subjects), rows)
    return cohort_of(subject, subject < prevalence * subjects)


def test_each_part_gets_its_share_of_subjects_and_of_events():
    cohort = crowd()
    (plan,) = planned(cohort)
    events = cohort.target.values[:, 0] == 1
    assert [int((plan.part == part).sum()) for part in PARTS] == [140, 30, 30]
    assert [int((events & (plan.part == part)).sum()) for part in PARTS] == [14, 3, 3]


def test_the_seed_alone_decides():
    first, again, other = (planned(crowd(), seed=seed)[0].part for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


@given(
    rows=st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=40, max_size=90),
    by=st.sampled_from(["subject", "folds"]),
    seed=st.integers(0, 5),
)
@settings(max_examples=60, deadline=None)
def test_a_subject_is_in_one_part_only(rows, by, seed):
    cohort = cohort_of(*zip(*sorted(rows), strict=True))
    try:
        plans = planned(cohort, by=by, seed=seed, folds=3)
    except DataError:
        return  # too few units of a class
    for plan in plans:
        assert not len(split.overlapping(plan.part, cohort.subject_id))
        assert set(plan.part) == set(PARTS)


def test_every_subject_is_tested_in_exactly_one_fold():
    plans = planned(crowd(rows=3), by="folds", folds=4)
    assert [plan.name for plan in plans] == ["split-1", "split-2", "split-3", "split-4"]
    assert (sum((plan.part == "test").astype(int) for plan in plans) == 1).all()
    assert all((plan.part == "tune").any() for plan in plans)


def test_as_many_folds_as_subjects_leave_each_out_once_whatever_its_class():
    cohort = cohort_of(np.arange(40), np.arange(40) % 2 == 0)
    plans = planned(cohort, by="folds", folds=40)
    tested = np.stack([plan.part == "test" for plan in plans])
    assert (tested.sum(1) == 1).all() and (tested.sum(0) == 1).all()
    assert all(len(np.unique(cohort.target.values[plan.part == "tune"])) == 2 for plan in plans)
    with pytest.raises(DataError, match="one unit for a fold needs 39"):
        planned(cohort, by="folds", folds=39)


def test_a_group_holds_its_subjects_together():
    family = np.array([f"f{n // 4}" for n in range(200)])
    cohort = cohort_of(np.arange(200), np.arange(200) % 3 == 0, {"family": np.where(np.arange(200) < 10, "", family)})
    (plan,) = planned(cohort, unit="family")
    assert all(len(set(plan.part[family == name])) == 1 for name in set(family[10:]) - {"f2"})


def test_the_named_sites_are_the_test():
    site = np.array(["A", "B", "C", ""] * 50)
    cohort = cohort_of(np.arange(200), np.arange(200) % 8 < 4, {"site": site})
    (plan,) = planned(cohort, by="site", column="site", test=["B"])
    assert set(plan.part[site == "B"]) == {"test"}
    assert set(plan.part[site == ""]) == {""}
    assert set(plan.part[(site == "A") | (site == "C")]) == {"train", "tune"}
    with pytest.raises(ConfigError, match="no row has the test site 'D'"):
        planned(cohort, by="site", column="site", test=["D"])


def test_time_orders_the_parts_and_keeps_a_moment_whole():
    hours = np.repeat(np.arange(50), 4)
    cohort = cohort_of(np.arange(200), np.arange(200) % 2, hours=hours)
    (plan,) = planned(cohort, by="time", shares=(0.705, 0.145, 0.15))
    last = [hours[plan.part == part].max() for part in PARTS]
    first = [hours[plan.part == part].min() for part in PARTS]
    assert last[0] < first[1] <= last[1] < first[2]


def test_one_series_split_in_time_needs_the_reason():
    cohort = cohort_of(np.zeros(100, int), np.arange(100) / 7, hours=np.arange(100))
    with pytest.raises(LeakError, match="1 of 1 subjects"):
        planned(cohort, by="time")
    (plan,) = planned(cohort, by="time", shares=(0.8, 0.0, 0.2), allow_overlap="a single series")
    assert [int((plan.part == part).sum()) for part in PARTS] == [68, 12, 20]
    assert plan.notes == {"units in more than one part": 1}


def test_lists_are_read_whatever_their_header_and_unlisted_rows_are_in_no_part(tmp_path):
    parts = ["train"] * 4 + ["val"] * 4 + ["Test"] * 4
    lines = [f"s{n},{part}" for n, part in enumerate(parts)]
    (tmp_path / "one.csv").write_text("\n".join(["RecordID,part", *lines, "s99,train"]))
    (tmp_path / "two.csv").write_text("\n".join(["subject,split", *lines]))
    cohort = cohort_of(np.arange(14), np.arange(14) % 2)
    first, second = planned(cohort, tmp_path, by="list", files=["one.csv", "two.csv"])
    assert first.part.tolist() == second.part.tolist() == ["train"] * 4 + ["tune"] * 4 + ["test"] * 4 + [""] * 2
    assert first.notes == {"subjects of the list that are not in the cohort": 1, "rows that are in no part": 2}


def test_a_list_without_tune_has_it_drawn_from_train():
    cohort = cohort_of(np.arange(60), np.arange(60) % 2)
    names = [f"s{n}" for n in range(60)]
    (plan,) = planned(cohort, by="list", parts={"train": names[:40], "test": names[40:]})
    assert [int((plan.part == part).sum()) for part in PARTS] == [34, 6, 20]
    assert set(plan.part[40:]) == {"test"}


def test_the_parts_of_the_source_are_used_where_no_list_is_given():
    class Parts:
        parts: ClassVar[dict[int, str]] = {n: ("train", "tune", "test")[n % 3] for n in range(30)}

    (plan,) = planned(cohort_of(np.arange(30), np.arange(30) % 2), store=Parts(), by="list")
    assert plan.part.tolist() == [PARTS[n % 3] for n in range(30)]
    with pytest.raises(ConfigError, match="assigns no subject"):
        planned(crowd(), by="list")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("id,part\ns0,train\ns0,test\n", LeakError, "entry 2, puts a subject into a second part"),
        ("id,part\ns0,later\n", DataError, "entry 1, assigns a subject to 'later'"),
        ("id,when\ns0,train\n", DataError, "has the columns id, when"),
        ("id,part\nx0,train\n", DataError, "none of the 200 subjects"),
        ("", DataError, "not a table"),
    ],
)
def test_a_wrong_list_is_refused_with_its_place(tmp_path, text, error, message):
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(error, match=message):
        planned(crowd(), tmp_path, by="list", files=["list.csv"])


def test_one_patient_cannot_be_split():
    with pytest.raises(DataError, match="3 parts need 3 units, one for a part; the cohort has 1"):
        planned(cohort_of([0] * 50, np.arange(50) % 2))


def test_a_class_rarer_than_the_parts_is_refused():
    with pytest.raises(DataError, match="one of 2 classes has rows in 2 of 200 units"):
        planned(crowd(prevalence=0.01))


def test_a_part_of_one_class_only_is_refused():
    names = [f"s{n}" for n in range(60)]
    cohort = cohort_of(np.arange(60), np.arange(60) < 30)
    with pytest.raises(DataError, match="20 labelled rows of the test part have one label only"):
        planned(cohort, by="list", parts={"train": names[:40], "test": names[40:]})


def test_shares_that_do_not_sum_to_one_are_refused():
    with pytest.raises(ConfigError, match="sum to 1"):
        planned(crowd(), shares=(0.5, 0.1, 0.1))


def test_a_missing_file_and_an_unknown_group_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="no split file 'x"):
        planned(crowd(), tmp_path, by="list", files=["x.csv"])
    with pytest.raises(ConfigError, match="the group 'family'") as caught:
        planned(crowd(), unit="family")
    assert "family" in caught.value.hint


def test_each_part_gets_its_share_of_the_levels_of_a_group():
    kind = np.where(np.arange(200) % 10 == 0, "colour", "grey")
    cohort = cohort_of(np.arange(200), np.zeros(200), {"kind": kind})
    (plan,) = planned(cohort, stratify="kind")
    assert [int(((kind == "colour") & (plan.part == part)).sum()) for part in PARTS] == [14, 3, 3]
    for fold in planned(cohort, by="folds", folds=5, stratify="kind"):
        assert int(((kind == "colour") & (fold.part == "test")).sum()) == 4
    with pytest.raises(ConfigError, match="the group 'color', which"):
        planned(cohort, stratify="color")
