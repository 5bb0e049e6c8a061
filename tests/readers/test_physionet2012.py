"""PhysioNet 2012: made stays read to the letter, bad ones refused by name, and the real set counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from sequela.errors import DataError
from sequela.readers import physionet2012
from sequela.store.cache import ingest
from sequela.store.store import Store

HEADER = "Time,Parameter,Value\n"
STATICS = "00:00,RecordID,{record}\n00:00,Age,54\n00:00,Gender,0\n00:00,Height,-1\n00:00,ICUType,4\n00:00,Weight,81.5\n"
OUTCOMES = "RecordID,SAPS-I,SOFA,Length_of_stay,Survival,In-hospital_death\n"
ADMITTED = datetime(2000, 1, 1)


def stay(record: int, *lines: str) -> str:
    return HEADER + STATICS.format(record=record) + "".join(f"{line}\n" for line in lines)


def make(folder: Path, stays: dict[int, str], outcomes: str = "") -> Path:
    (folder / "set-a").mkdir(parents=True)
    for record, text in stays.items():
        (folder / "set-a" / f"{record}.txt").write_bytes(text.encode("latin-1"))
    if outcomes:
        (folder / "Outcomes-a.txt").write_text(OUTCOMES + outcomes)
    return folder


def read(folder: Path, max_refused: float = 0.0) -> Store:
    reader = physionet2012.build(physionet2012.Config())
    return ingest(reader, "physionet2012", physionet2012.VERSION, folder, folder.parent / "icu.store", max_refused=max_refused)


def rows(store: Store, code: str) -> list[tuple[object, ...]]:
    return store.events(codes=[code]).select("subject_id", "time", "numeric_value", "text_value").rows()


def test_a_stay_is_read_to_the_letter(tmp_path: Path) -> None:
    store = read(
        make(tmp_path / "in", {1: stay(1, "00:07,HR,73", "47:59,HR,80.5", "48:00,Weight,82"), 2: stay(2, "00:07,GCS,15")})
    )
    assert rows(store, "HR") == [
        (1, ADMITTED + timedelta(minutes=7), 73.0, None),
        (1, ADMITTED + timedelta(hours=47, minutes=59), 80.5, None),
    ]
    assert rows(store, "WEIGHT")[:2] == [(1, ADMITTED, 81.5, None), (1, ADMITTED + timedelta(hours=48), 82.0, None)]
    assert rows(store, "AGE") == [(1, None, 54.0, None), (2, None, 54.0, None)]
    assert rows(store, "SEX")[0] == (1, None, None, "female")
    assert rows(store, "ICU_TYPE")[0] == (1, None, None, "surgical")
    assert rows(store, "HEIGHT") == []
    assert rows(store, "ICU//ADMISSION") == [(1, ADMITTED, None, None), (2, ADMITTED, None, None)]
    assert rows(store, "HOSPITAL//DISCHARGE") == []
    assert store.dataset.relative_times
    assert store.flow.accepted == 2


def test_outcomes_become_scores_discharge_and_death(tmp_path: Path) -> None:
    stays = {k: stay(k, "00:07,HR,73") for k in (1, 2, 3, 4)}
    outcomes = "1,6,1,5,-1,0\n2,-1,8,8,7,1\n3,1,1,-1,-1,0\n4,1,1,2,2,1\n9,1,1,5,-1,0\n"
    store = read(make(tmp_path / "in", stays, outcomes))
    assert rows(store, "SCORE//SAPS-I")[0] == (1, None, 6.0, None)
    assert [row[0] for row in rows(store, "SCORE//SAPS-I")] == [1, 3, 4]
    after_series = ADMITTED + timedelta(hours=48, minutes=1)
    leaving = [(1, ADMITTED + timedelta(days=5)), (2, ADMITTED + timedelta(days=8)), (3, after_series), (4, after_series)]
    assert [row[:2] for row in rows(store, "HOSPITAL//DISCHARGE")] == leaving
    assert [row[:2] for row in rows(store, "DEATH//IN_HOSPITAL")] == [leaving[1], leaving[3]]
    kinds = dict(store.codes.select("code", "kind").iter_rows())
    assert (kinds["DEATH//IN_HOSPITAL"], kinds["SCORE//SOFA"], kinds["HR"], kinds["SEX"]) == (
        "outcome",
        "score",
        "measurement",
        "static",
    )
    assert store.flow.notes["discharges without a length of stay, or within the series: put one minute after its end"] == 2
    assert store.flow.notes["rows of the outcomes without a stay, left out"] == 1


def test_impossible_values_are_left_out_and_counted(tmp_path: Path) -> None:
    store = read(
        make(tmp_path / "in", {1: stay(1, "00:07,pH,735", "01:00,pH,7.35", "00:07,Temp,0", "00:07,DiasABP,-1", "02:00,HR,0")})
    )
    assert [row[2] for row in rows(store, "pH")] == [pytest.approx(7.35)]
    assert rows(store, "Temp") == rows(store, "DiasABP") == []
    assert [row[2] for row in rows(store, "HR")] == [0.0]
    assert store.flow.notes == {f"values of {name} that are impossible, left out": 1 for name in ("pH", "Temp", "DiasABP")}


def test_a_stay_without_a_series_keeps_its_statics_alone(tmp_path: Path) -> None:
    store = read(make(tmp_path / "in", {1: stay(1), 2: stay(2, "00:07,HR,73")}))
    assert rows(store, "AGE")[0][0] == 1
    assert [row[0] for row in rows(store, "WEIGHT")] == [2]
    assert store.flow.notes == {"weights at admission of stays without a series, left out": 1}


def test_a_line_without_a_parameter_is_left_out_and_counted(tmp_path: Path) -> None:
    store = read(make(tmp_path / "in", {1: stay(1, "33:25,,3.1", "00:07,HR,73")}))
    assert store.flow.notes == {"lines without a parameter, left out": 1}
    assert len(store.events(codes=["HR"])) == 1


BAD = {
    "too few entries": (stay(1, "00:07,HR,73", "00:37,HR"), "set-a/1.txt line 9", "is not Time,Parameter,Value"),
    "too many entries": (stay(1, "00:07,HR,73,1"), "set-a/1.txt line 8", "is not Time,Parameter,Value"),
    "a blank line": (stay(1, "", "00:07,HR,73"), "set-a/1.txt line 8", "is not Time,Parameter,Value"),
    "cut short": (stay(1, "00:07,HR,73")[:-4], "set-a/1.txt line 8", "is not Time,Parameter,Value"),
    "a word as a time": (stay(1, "noon!,HR,73"), "set-a/1.txt line 8", "is not Time,Parameter,Value"),
    "61 minutes": (stay(1, "00:61,HR,73"), "set-a/1.txt line 8", "is not Time,Parameter,Value"),
    "a word as a value": (stay(1, "00:07,HR,high"), "set-a/1.txt line 8", "has no number"),
    "no value": (stay(1, "00:07,HR,"), "set-a/1.txt line 8", "has no number"),
    "infinite": (stay(1, "00:07,HR,inf"), "set-a/1.txt line 8", "has no number"),
    "the third day": (stay(1, "49:00,HR,73"), "set-a/1.txt line 8", "after 48:59"),
    "another parameter": (stay(1, "00:07,Mood,3"), "set-a/1.txt line 8", "unknown parameter"),
    "another record": (stay(7, "00:07,HR,73"), "set-a/1.txt line 2", "another RecordID"),
    "empty": ("", "set-a/1.txt", "the file is empty"),
    "another table": ("a;b\n1;2\n", "set-a/1.txt", "line 1 is not"),
    "not text": (HEADER + "00:07,HR,\xff\n", "set-a/1.txt", "bytes that are not text"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_stay_is_refused_by_name_and_the_others_are_read(tmp_path: Path, bad: str) -> None:
    text, where, why = BAD[bad]
    store = read(make(tmp_path / "in", {0: stay(0, "00:07,HR,70"), 1: text, 2: stay(2, "00:07,HR,72")}), max_refused=0.5)
    assert [row[::2] for row in rows(store, "HR")] == [(0, 70.0), (2, 72.0)]
    (refusal,) = store.flow.refused
    assert refusal.first == [where]
    assert why in refusal.reason
    assert store.flow.accepted == 2


def test_a_record_in_two_folders_is_taken_once(tmp_path: Path) -> None:
    folder = make(tmp_path / "in", {1: stay(1, "00:07,HR,70")})
    (folder / "set-b").mkdir()
    (folder / "set-b" / "1.txt").write_text(stay(1, "00:07,HR,99"))
    store = read(folder, max_refused=0.5)
    assert [row[2] for row in rows(store, "HR")] == [70.0]
    assert store.flow.refused[0].first == ["set-b/1.txt"]


def test_a_bad_row_of_the_outcomes_is_refused_by_its_line(tmp_path: Path) -> None:
    store = read(
        make(tmp_path / "in", {k: stay(k, "00:07,HR,73") for k in (1, 2)}, "1,6,1,5,-1,0\n2,6,1,5,-1,maybe\n"), max_refused=0.5
    )
    assert store.flow.refused[0].first == ["Outcomes-a.txt line 3"]
    assert [row[0] for row in rows(store, "HOSPITAL//DISCHARGE")] == [1]


def test_other_outcome_columns_are_refused(tmp_path: Path) -> None:
    folder = make(tmp_path / "in", {1: stay(1, "00:07,HR,73")})
    (folder / "Outcomes-a.txt").write_text("RecordID,death\n1,0\n")
    with pytest.raises(DataError, match=r"Outcomes-a.txt has the columns \['RecordID', 'death'\]"):
        read(folder)


def test_a_folder_without_stays_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("nothing")
    with pytest.raises(DataError, match="has no stays"):
        read(tmp_path / "in")


@pytest.mark.slow
@pytest.mark.data("physionet2012")
def test_the_real_set_is_read_whole(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    reader = physionet2012.build(physionet2012.Config())
    store = ingest(
        reader, "physionet2012", physionet2012.VERSION, real_data("physionet2012"), tmp_path / "icu.store", max_refused=0.0
    )
    measured = store.codes.filter(pl.col("kind") == "measurement")["code"].to_list()
    events = store.events()
    assert (store.flow.accepted, store.flow.refused) == (12_000, [])
    assert events.filter(pl.col("code") == "DEATH//IN_HOSPITAL")["subject_id"].n_unique() == 1707  # 14.2 %
    assert events.filter(pl.col("code") == "HOSPITAL//DISCHARGE")["subject_id"].n_unique() == 12_000
    assert events.filter(pl.col("code").is_in(measured))["subject_id"].n_unique() == 11_988
    assert events.filter(pl.col("code") == "HR").height == 687_134
    assert len(measured) == 37
    splits = pl.read_csv(real_data("physionet2012") / "splits" / "split1.csv")
    assert set(splits["RecordID"]) == set(events.filter(pl.col("code").is_in(measured))["subject_id"])
