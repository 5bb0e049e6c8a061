"""A guessed mapping: what is sure is used as it stands, what is not is a question, and no entry of a row is shown."""

from __future__ import annotations

import gzip
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sequela
from sequela.cli import main
from sequela.errors import ConfigError, DataError
from sequela.pipeline import guess_mapping
from sequela.store.store import Store

LABS = "patient_id,charttime,test,result,unit\n1,2020-05-01T09:00:00Z,Na,140,mmol/L\n2,2020-05-01T09:30:00Z,K,4,mmol/L\n"


def written(tmp_path: Path, **files: str | bytes) -> Path:
    folder = tmp_path / "in"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        suffix = ".csv.gz" if isinstance(content, bytes) else ".csv"
        (folder / f"{name}{suffix}").write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def tables(tmp_path: Path, **files: str | bytes) -> list[dict[str, Any]]:
    """The guessed tables, without their file."""
    text = guess_mapping("csv", written(tmp_path, **files))
    return [{key: value for key, value in table.items() if key != "file"} for table in tomllib.loads(text).get("tables", [])]


def imported(tmp_path: Path, **files: str | bytes) -> Store:
    """The store by the mapping as it was guessed."""
    folder = written(tmp_path, **files)
    mapping = tomllib.loads(guess_mapping("csv", folder))
    return sequela.import_data("csv", folder, tmp_path / "a.store", options=mapping, max_refused=0.0)


def column(name: str, *entries: str) -> str:
    """A table of measurements whose time column has these entries."""
    return f"patient,{name},test,value\n" + "".join(f"{n % 2},{entry},Na,1\n" for n, entry in enumerate(entries))


def test_a_sure_mapping_is_used_as_it_stands(tmp_path: Path) -> None:
    (table,) = tables(tmp_path, labs=LABS)
    assert table == {"subject": "patient_id", "time": "charttime", "code": "test", "value": "result", "unit": "unit"}
    store = imported(tmp_path, labs=LABS)
    assert set(store.codes["code"]) == {"Na", "K"} and len(store.events()) == 2


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_the_separator_is_found_and_gzip_is_read(tmp_path: Path, separator: str) -> None:
    store = imported(tmp_path, labs=gzip.compress(LABS.replace(",", separator).encode()))
    assert len(store.events()) == 2


def test_a_time_without_an_offset_asks_for_its_zone_and_is_refused_until_it_is_answered(tmp_path: Path) -> None:
    (table,) = tables(tmp_path, labs=LABS.replace("Z,", ","))
    assert table["timezone"] == "?"
    with pytest.raises(ConfigError, match=r"labs.csv leaves open: timezone"):
        imported(tmp_path, labs=LABS.replace("Z,", ","))


def test_day_and_month_that_nothing_tells_apart_are_asked_for(tmp_path: Path) -> None:
    text = column("when", "01/02/2020 12:00", "03/04/2020 13:00")
    assert tables(tmp_path, l=text)[0]["time_format"] == "?"
    said = guess_mapping("csv", written(tmp_path, l=text))
    assert '"%d/%m/%Y %H:%M" or "%m/%d/%Y %H:%M"' in said


@pytest.mark.parametrize(
    ("entry", "form"),
    [
        ("31/12/2020 12:00", "%d/%m/%Y %H:%M"),
        ("12/31/2020 12:00:30", "%m/%d/%Y %H:%M:%S"),
        ("31.12.2020", "%d.%m.%Y"),
        ("31.12.20", "%d.%m.%y"),
        ("12/31/2020 11:30 PM", "%m/%d/%Y %I:%M %p"),
    ],
)
def test_one_entry_that_tells_day_from_month_is_enough(tmp_path: Path, entry: str, form: str) -> None:
    other = entry.replace("31", "02").replace("12/02", "03/02", 1)
    (table,) = tables(tmp_path, l=column("when", other, entry))
    assert table["time_format"] == form


def test_times_that_are_numbers_have_the_unit_of_their_name_or_ask_for_it(tmp_path: Path) -> None:
    assert tables(tmp_path, l=column("hours_since_admission", "0", "1.5"))[0]["time_unit"] == "hours"
    (table,) = tables(tmp_path, l=column("offset", "0", "1.5"))
    assert (table["time"], table["time_unit"]) == ("offset", "?")


def test_which_of_several_times_is_asked_for_and_the_one_of_storing_is_told(tmp_path: Path) -> None:
    text = "patient,opened,closed,test,value\n1,2020-05-01,2020-05-02,Na,1\n1,2020-05-01,2020-05-02,Na,2\n"
    assert tables(tmp_path, l=text)[0]["time"] == "?"
    (table,) = tables(tmp_path, l=text.replace("opened", "charttime").replace("closed", "storetime"))
    assert (table["time"], table["known"]) == ("charttime", "storetime")


def test_an_unknown_subject_is_asked_for_with_the_likely_columns(tmp_path: Path) -> None:
    folder = written(tmp_path, l="pseudonym,when,test,value\n" + "".join(f"X{n},2020-05-01T12:00:00Z,Na,1\n" for n in range(20)))
    said = guess_mapping("csv", folder)
    assert 'subject = "?"' in said and "(pseudonym)" in said


def test_a_table_of_measurements_side_by_side(tmp_path: Path) -> None:
    text = "id,hour,hr,sbp,sex,died\n1,0,80,120,f,0\n1,1,85,121,f,0\n2,0,70,110,m,1\n"
    (table,) = tables(tmp_path, l=text)
    assert table == {
        "subject": "id", "time": "hour", "time_unit": "hours", "values": ["hr", "sbp"], "static": ["sex"], "label": ["died"]
    }  # fmt: skip
    assert dict(imported(tmp_path, l=text).codes.select("code", "kind").iter_rows())["LABEL//died"] == "label"


def test_a_table_of_one_row_a_subject(tmp_path: Path) -> None:
    text = "patient,name,bmi,sex,outcome,split\nA,Ann,20.5,f,1,train\nB,Bob,21.5,m,0,test\nC,Cid,21.5,m,0,test\n"
    (table,) = tables(tmp_path, l=text)
    assert table == {"subject": "patient", "values": ["bmi"], "static": ["sex"], "label": ["outcome"], "part": "split"}
    said = guess_mapping("csv", written(tmp_path, l=text))
    assert '# not taken from l.csv: "name"' in said, "who it is was made an input"
    assert imported(tmp_path, l=text).parts


def test_times_that_are_events_become_events(tmp_path: Path) -> None:
    visits = (
        "patient,visit,admitted,discharged,kind\n"
        "1,10,2020-05-01T08:00:00Z,2020-05-03T08:00:00Z,planned\n"
        "1,11,2020-06-01T08:00:00Z,,emergency\n"
    )
    patients = "patient,sex,born,died\n1,f,1950-05-01T00:00:00Z,\n2,m,1960-05-01T00:00:00Z,2020-05-01T00:00:00Z\n"
    store = imported(tmp_path, visits=visits, patients=patients)
    counts = dict(store.events()["code"].value_counts().iter_rows())
    assert counts == {"HOSPITAL//ADMISSION": 2, "HOSPITAL//DISCHARGE": 1, "MEDS_BIRTH": 2, "MEDS_DEATH": 1, "sex": 2}
    admissions = store.events(codes=["HOSPITAL//ADMISSION"]).sort("time").select("visit", "text_value").rows()
    assert admissions == [(10, "planned"), (11, "emergency")]
    kinds = dict(store.codes.select("code", "kind").iter_rows())
    assert (kinds["HOSPITAL//ADMISSION"], kinds["MEDS_DEATH"], kinds["sex"]) == ("event", "outcome", "static")
    assert store.flow.notes["rows without a time in the column 'died': no MEDS_DEATH"] == 1


def test_a_column_of_a_known_system_names_it_before_its_codes(tmp_path: Path) -> None:
    store = imported(tmp_path, l="patient,visit,time,icd10\n1,7,2020-05-01T12:00:00Z,E11.9\n1,7,2020-05-01T12:00:00Z,A41.9\n")
    assert set(store.codes["code"]) == {"ICD10CM//E11.9", "ICD10CM//A41.9"} and set(store.codes["kind"]) == {"event"}


def test_numbers_mixed_with_words_keep_the_words_as_text(tmp_path: Path) -> None:
    (table,) = tables(tmp_path, labs=LABS.replace("140", "haemolysed"))
    assert (table["value"], table["text"]) == ("result", "result")


def test_files_of_one_header_are_one_table(tmp_path: Path) -> None:
    folder = written(tmp_path, labs_2019=LABS, labs_2020=LABS, stays=LABS.replace("test", "item"))
    found = tomllib.loads(guess_mapping("csv", folder))["tables"]
    assert [table["file"] for table in found] == ["labs_20*.csv", "stays.csv"]


def test_several_rows_a_subject_without_a_time_are_asked_about(tmp_path: Path) -> None:
    assert tables(tmp_path, l="patient,x\n1,5\n1,6\n2,7\n")[0]["time"] == "?"


def test_no_entry_of_a_row_is_shown(tmp_path: Path) -> None:
    said = guess_mapping("csv", written(tmp_path, labs=LABS.replace("Na", "SECRET").replace("\n1,", "\nHIDDEN,")))
    assert "SECRET" not in said and "HIDDEN" not in said and "2020" not in said


@pytest.mark.parametrize("content", ["", "patient,time\n"])
def test_a_source_without_rows_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError, match="has no table with rows"):
        guess_mapping("csv", written(tmp_path, l=content))


def test_the_command_prints_it_and_what_it_prints_can_be_given_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, file, store = written(tmp_path, labs=LABS), tmp_path / "m.toml", tmp_path / "a.store"
    assert main(["import", "csv", "--guess", str(folder)]) == 0
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    assert main(["import", "csv", str(folder), "--mapping", str(file), str(store)]) == 0
    capsys.readouterr()


def test_guessing_is_for_tables_and_a_store_is_needed_for_anything_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", "meds", "--guess", str(written(tmp_path, labs=LABS))]) == 2
    assert "takes no mapping" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["import", "csv", str(tmp_path)])


@pytest.mark.parametrize("fixture", ["mimic3_demo", "mimic4_demo"])
def test_every_table_of_a_real_source_gets_a_mapping(real_data: Callable[[str], Path], fixture: str) -> None:
    found = tomllib.loads(guess_mapping("csv", real_data(fixture)))["tables"]
    assert {table["subject"] for table in found} >= {"subject_id"}
