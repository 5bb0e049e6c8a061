"""Texts from files, tables and JSON lines: character by character, and what cannot be used refused by file and row."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sequela
from sequela import config, registry
from sequela.errors import ConfigError, DataError
from sequela.readers import _documents
from sequela.readers._documents import Document
from sequela.store.source import open_source
from sequela.text import documents
from sequela.text.documents import Mark

TABLE = (
    'id,written,kind,dx,note\n1,2020-01-02 10:00,Ward,I10;E11.9,"Chest pain,\nno ""fever""."\n2,2020-01-03 11:30,Clinic,,Well.\n'
)
COLUMNS = {"text": "note", "subject": "id", "time": "written", "timezone": "UTC", "category": "kind", "labels": ["dx"]}


@pytest.fixture
def read(written: Callable[..., Any]) -> Callable[..., Any]:
    return partial(written, "text")


def texts(sink: Any) -> list[str]:
    return [row["text_value"] for frame in sink.frames for row in frame.iter_rows(named=True) if row["code"].startswith("NOTE")]


# ---------------------------------------------------------------------------------------------------------------- tables


def test_a_row_of_a_table_is_a_document_with_time_category_and_labels(read: Any) -> None:
    sink = read({"notes.csv": TABLE}, **COLUMNS)
    (first,) = sink.of("NOTE//Ward").iter_rows(named=True)
    assert (first["source_id"], first["text_value"]) == ("1", 'Chest pain,\nno "fever".')
    assert first["time"] == datetime(2020, 1, 2, 10) and sink.codes["NOTE//Ward"] == ("text", "")
    assert list(sink.of("LABEL//dx")["text_value"]) == ["I10;E11.9"], "an empty label is missing"
    assert sink.accepted == 2 and not sink.refused


def test_json_lines_are_read_as_a_table_is(read: Any) -> None:
    rows = [dict(row) for row in csv.DictReader(io.StringIO(TABLE))]
    lines = "\n".join(json.dumps(row | {"id": int(row["id"]), "dx": row["dx"].split(";") if row["dx"] else None}) for row in rows)
    told = [read({name: text}, file=name, **COLUMNS).all for name, text in {"a.jsonl": lines, "b.csv": TABLE}.items()]
    assert told[0].sort("source_id", "code").equals(told[1].sort("source_id", "code"))


def test_a_row_without_a_subject_of_its_own_is_one(read: Any) -> None:
    sink = read({"a.tsv": "text\tlabel\nx, y\tA\nz\tB\n", "b.tsv": "text\tlabel\nw\tA\n"}, text="text", labels=["label"])
    assert list(sink.of("NOTE")["source_id"]) == ["a-00002", "a-00003", "b-00002"]


def test_subjects_of_two_files_are_kept_apart_where_that_is_asked_for(read: Any) -> None:
    files = {"a.csv": "id,text\n1,x\n", "b.csv": "id,text\n1,y\n"}
    assert set(read(files, text="text", subject="id").of("NOTE")["source_id"]) == {"1"}
    sink = read(files, text="text", subject="id", per_file=True, parts={"train": "a.csv", "test": "b.csv"})
    assert sink.parts == {"a-1": "train", "b-1": "test"}


def test_marks_may_stand_in_a_column(read: Any) -> None:
    row = {"text": "no fever", "where": [[3, 8, "symptom", "R50.9"]]}
    sink = read({"a.jsonl": json.dumps(row) + '\n{"text": "well", "where": []}\n{"text": "?"}'}, text="text", spans=["where"])
    held = [documents.marks(text) for text in sink.of("SPANS//where")["text_value"]]
    assert [one.spans for one in held] == [[Mark(3, 8, "symptom", "R50.9")], []], "of the third nobody told"
    table = 'text,where\nno fever,"[[3, 8, ""symptom""]]"\n'
    assert documents.marks(
        read({"b.csv": table}, file="b.csv", text="text", spans=["where"]).of("SPANS//where")["text_value"][0]
    ).spans


def test_columns_describe_the_subject_once(read: Any) -> None:
    sink = read({"a.csv": "id,text,sex\n1,x,F\n1,y,F\n1,z,M\n"}, text="text", subject="id", static=["sex"])
    assert list(sink.of("SEX")["text_value"]) == ["F"] and sink.of("SEX")["time"].null_count() == 1
    assert sink.refused == {"a.csv row 4": "its subject was told to be of another SEX"}


def test_a_document_is_known_from_when_it_was_stored_and_belongs_to_a_visit(read: Any) -> None:
    table = "id,text,at,stored,stay\n1,x,2020-01-02T10:00:00+02:00,2020-01-02T11:00:00+02:00,77\n"
    sink = read({"a.csv": table}, text="text", subject="id", time="at", known="stored", visit="stay")
    assert sink.of("NOTE").select("time", "available", "visit").row(0) == (datetime(2020, 1, 2, 8), datetime(2020, 1, 2, 9), 77)


def test_parts_may_be_told_by_a_column(read: Any) -> None:
    sink = read({"a.csv": "id,text,part\n1,x,train\n2,y,dev\n3,z,later\n"}, text="text", subject="id", part="part")
    assert sink.parts == {"1": "train", "2": "tune"}
    assert list(sink.refused) == ["a.csv row 4"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("3,2020-01-02 10:00,Ward,I10", "more or fewer entries"),
        ('3,2020-01-02 10:00,Ward,I10,"a" b', "quotation marks"),
        ("3,yesterday,Ward,I10,Secret.", "no time that can be read"),
        ("3,,Ward,I10,Secret.", "no time that can be read"),
        ("3,2020-01-02 10:00,Ward,I10,", "empty"),
        ("3,2020-01-02 10:00,Ward,I10, \t ", "empty"),
        (",2020-01-02 10:00,Ward,I10,Secret.", "without a subject"),
        ("3,2020-01-02 10:00,Ward,I10;fever,Secret.", "labels not in the code system"),
        ("3,2020-01-02 10:00,Ward,0389,Secret.", "labels not in the code system"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_by_its_number_and_never_shown(read: Any, row: str, reason: str) -> None:
    sink = read({"notes.csv": TABLE + row + "\n"}, **COLUMNS, label_system={"dx": "icd10"})
    assert list(sink.refused) == ["notes.csv row 4"], sink.refused
    said = sink.refused["notes.csv row 4"]
    assert reason in said and "Secret" not in said and "fever" not in said
    assert len(texts(sink)) == 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"text": "x"', "not an object in JSON"),
        ("[1, 2]", "not an object in JSON"),
        ('{"text": "Secret", "dx": "", "text": "x"}', "an object in JSON with a key given twice"),
        ('{"text": "Secret", "\\u0074ext": "x"}', "an object in JSON with a key given twice"),
        ('{"text": {"a": 1}}', "holds an object"),
        ('{"text": ["a", "b"]}', "the column 'text' holds a list, not a text"),
        ('{"text": "x", "dx": ["a", ["b"]]}', "list of other than"),
        ('{"text": "a\\ud800"}', "not an object in JSON"),
        ('{"text": null}', "empty"),
        ('{"text": "x", "spans": [[0, 9, "A"]]}', "a mark that is empty or reaches outside of its document"),
        ('{"text": "x", "spans": [[1, 1, "A"]]}', "a mark that is empty or reaches outside of its document"),
        ('{"text": "x", "spans": [[0]]}', "marks that are no list"),
        ('{"text": "x", "spans": "here"}', "marks that are no list"),
        ('{"text": "x", "spans": [[0, 1, ""]]}', "without a type"),
        ('{"text": ' + "[" * 100_000, "not an object in JSON"),
    ],
)
def test_a_line_that_cannot_be_used_is_refused_by_its_number(read: Any, line: str, reason: str) -> None:
    content = '{"text": "well", "spans": [], "dx": ""}\n' + line + "\n"
    sink = read({"a.jsonl": content}, text="text", spans=["spans"], labels=["dx"])
    assert list(sink.refused) == ["a.jsonl line 2"] and reason in sink.refused["a.jsonl line 2"], sink.refused
    assert "Secret" not in sink.refused["a.jsonl line 2"]
    assert texts(sink) == ["well"]


@pytest.mark.parametrize(
    ("system", "good", "bad"),
    [
        ("icd10", "I10; E11.9;c7a010", "I10.123456"),
        ("icd9", "0389;V45.81", "V4"),
        ("icd9_procedures", "96.71", "9"),
        ("icd10_procedures", "0BH17EZ", "0BH17EO"),
        ("atc", "C03CA01", "C03C01"),
    ],
)
def test_codes_are_held_against_their_system(read: Any, system: str, good: str, bad: str) -> None:
    files = {"a.csv": f"text,dx\nx,{good}\ny,{bad}\nz,\n"}
    sink = read(files, text="text", labels=["dx"], label_system={"dx": system})
    assert list(sink.refused) == ["a.csv row 3"] and len(texts(sink)) == 2


def test_a_column_that_is_not_there_is_an_error_that_names_the_nearest(read: Any) -> None:
    for name, text in {"a.csv": TABLE, "b.jsonl": '{"note": "x", "idd": 1}'}.items():
        with pytest.raises(DataError, match="has no column 'nota'") as refused:
            read({name: text}, file=name, text="nota")
        assert "note" in refused.value.hint
    with pytest.raises(DataError, match="several columns 'a'"):
        read({"c.csv": "a,a\nx,y\n"}, file="c.csv", text="a")


def test_a_table_of_which_nobody_says_where_the_text_is_is_an_error(read: Any) -> None:
    with pytest.raises(DataError, match=r"a\.csv is a table") as refused:
        read({"a.csv": TABLE})
    assert 'text = "COLUMN"' in refused.value.hint


@pytest.mark.parametrize("options", [{}, {"file": "**"}, {"parts": {"train": "*"}}], ids=str)
def test_tables_beside_plain_files_are_an_error_until_an_option_decides(read: Any, options: dict[str, Any]) -> None:
    files = {"notes.csv": TABLE, "1.txt": "x"}
    with pytest.raises(DataError, match=r"notes\.csv.*1\.txt") as refused:
        read(files, **options)
    assert 'text = "COLUMN"' in refused.value.hint and 'file = "*.txt"' in refused.value.hint
    assert texts(read(files, file="*.txt")) == texts(read(files, parts={"train": "*.txt"})) == ["x"]
    assert len(texts(read(files, text="note"))) == 2


@pytest.mark.parametrize("name", ["LICENSE.txt", "a/README.txt", "license-mit.txt", "Readme_en.txt", "Licence.txt"])
def test_what_a_folder_says_of_itself_is_no_document_unless_it_is_named(read: Any, name: str) -> None:
    with pytest.raises(DataError, match="has no file with the ending"):
        read({name: "All rights."})
    assert texts(read({}, file=name)) == ["All rights."]
    assert texts(read({"1.txt": "x", "licensed.txt": "y"})) == ["x", "y"]
    with pytest.raises(DataError, match=r"notes\.csv.*1\.txt"):
        read({"notes.csv": TABLE})


def test_a_licence_beside_tables_is_not_taken_for_the_notes(read: Any) -> None:
    with pytest.raises(DataError, match=r"notes\.csv is a table"):
        read({"notes.csv": TABLE, "LICENSE.txt": "All rights."})


def test_tables_may_be_zipped(read: Any) -> None:
    sink = read({"a.jsonl.gz": gzip.compress(b'{"text": "x"}'), "b.csv.gz": gzip.compress(b"text\ny\n")}, text="text")
    assert texts(sink) == ["x", "y"]
    with pytest.raises(DataError, match=r"c\.csv\.gz: a damaged gzip file"):
        read({"c.csv.gz": gzip.compress(b"text\ny\n")[:12]}, text="text", file="c.csv.gz")


def test_a_quotation_mark_that_is_never_closed_is_an_error(read: Any) -> None:
    with pytest.raises(DataError, match="row 4 has a quotation mark that is never closed"):
        read({"a.csv": TABLE + '3,2020-01-02,Ward,,"Secret\n' + "4,2020-01-02,Ward,,x\n" * 5}, **COLUMNS)


def test_times_of_no_zone_are_refused(read: Any) -> None:
    with pytest.raises(DataError, match="no offset"):
        read({"a.csv": TABLE}, **{**COLUMNS, "timezone": ""})


# ---------------------------------------------------------------------------------------------------------------- plain files


def test_the_path_of_a_plain_file_may_say_whose_it_is_and_more(read: Any) -> None:
    files = {"train/pos/7_2020-01-02.txt": "Well.\r\n", "test/neg/8_2020-01-03.txt": "Not well."}
    pattern = r"(?P<part>train|test)/(?P<polarity>pos|neg)/(?P<subject>\d+)_(?P<time>[\d-]+)"
    sink = read(files, pattern=pattern, timezone="UTC", labels=["polarity"], static=["polarity"])
    assert sink.parts == {"7": "train", "8": "test"}
    assert dict(sink.of("NOTE").select("source_id", "text_value").iter_rows()) == {"7": "Well.\r\n", "8": "Not well."}
    assert dict(sink.of("LABEL//polarity").select("time", "text_value").iter_rows()) == {
        datetime(2020, 1, 2): "pos",
        datetime(2020, 1, 3): "neg",
    }


def test_a_plain_file_is_a_subject_by_its_path(read: Any) -> None:
    sink = read({"a/1.txt": "x", "b/1.txt": "y", "b/notes.csv": "z"}, parts={"train": "a/*", "test": "b/*.txt"})
    assert sink.parts == {"a/1": "train", "b/1": "test"}


def test_a_path_that_does_not_say_whose_it_is_is_refused(read: Any) -> None:
    sink = read({"7_note.txt": "x", "note.txt": "y"}, pattern=r"(?P<subject>\d+)_")
    assert sink.refused == {"note.txt": "a document without a subject"} and texts(sink) == ["x"]


@pytest.mark.parametrize(
    ("content", "record", "reason"),
    [
        (b"", "bad.txt", "empty"),
        (b" \n", "bad.txt", "empty"),
        (b"a\0b", "bad.txt: byte 0x00 at 1", "utf-16-le"),
        (b"Well.\nF\xe9brile", "bad.txt: byte 0xe9 at 7 (line 2) is not UTF-8", '"latin-1"'),
    ],
)
def test_a_file_that_is_no_text_is_refused_and_the_others_are_read(read: Any, content: bytes, record: str, reason: str) -> None:
    sink = read({"bad.txt": content, "good.txt": b"Well."})
    ((named, said),) = sink.refused.items()
    assert named.startswith(record) and reason in said and "Well" not in said
    assert texts(sink) == ["Well."]


def test_a_row_with_a_character_that_no_text_has_is_refused_where_the_encoding_is_told(read: Any) -> None:
    files = {"a.csv": "text\nx\na\0b\n"}
    with pytest.raises(DataError, match=r"a\.csv: byte 0x00 at 8"):
        read(files, text="text")
    sink = read(files, text="text", encoding="utf-8")
    assert list(sink.refused) == ["a.csv row 3"] and texts(sink) == ["x"]


def test_an_encoding_may_be_told_or_tell_itself(read: Any) -> None:
    assert texts(read({"a.txt": "Fi\xe8vre".encode("latin-1")}, encoding="latin-1")) == ["Fi\xe8vre"]
    assert texts(read({"a.txt": "发热".encode("gb18030")}, encoding="gb18030")) == ["发热"]
    assert texts(read({"a.txt": "\ufeff发热".encode("utf-16-le")})) == ["发热"]


def test_a_text_of_20_megabytes_is_one_document(read: Any) -> None:
    long = "no fever. 血压正常。\n" * 1_000_000
    assert len(long.encode()) > 20e6
    assert texts(read({"a.txt": long})) == [long]
    before, part = csv.field_size_limit(), long[:1_000_000]
    assert texts(read({"b.csv": f'text\n"{part}"\n'}, file="b.csv", text="text")) == [part]
    assert csv.field_size_limit() == before < len(part), "what csv takes elsewhere stays as it was"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pattern": "(?P<subject"}, "not a regular expression"),
        ({"pattern": r"\d+"}, "no named group"),
        ({"labels": ["polarity"]}, "no group of pattern is called 'polarity'"),
        ({"text": "note", "label_system": {"dx": "icd10"}}, "not among the labels"),
        ({"text": "note", "label_system": {"dx": "icd11"}, "labels": ["dx"]}, "icd11"),
        ({"text": "note", "label_separator": ""}, "label_separator"),
        ({"text": "note", "time": "t", "timezone": "Mars"}, "not a time zone"),
        ({"text": "note", "known": "t"}, "no column says their time"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, Any], message: str) -> None:
    module = registry.module("readers", "text")
    with pytest.raises(ConfigError, match=message):
        module.build(config.convert(options, module.Config, "options"))


# ---------------------------------------------------------------------------------------------------------------- properties

some_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip)


@settings(max_examples=25, deadline=None)
@given(found=st.lists(some_text, min_size=1, max_size=4))
def test_every_character_comes_back_from_every_form(found: list[str], tmp_path_factory: Any, memory: Any) -> None:
    root = tmp_path_factory.mktemp("texts")
    table = io.StringIO(newline="")
    csv.writer(table).writerows([["a", "text"], *(["1", text] for text in found)])
    (root / "a.csv").write_bytes(table.getvalue().encode())
    (root / "a.jsonl").write_bytes("\n".join(json.dumps({"text": text}) for text in found).encode())
    for number, text in enumerate(found):
        (root / f"{number}.txt").write_bytes(text.removeprefix("\ufeff").encode())
    module = registry.module("readers", "text")
    for options in ({"text": "text", "file": "a.csv"}, {"text": "text", "file": "a.jsonl"}, {"file": "*.txt"}):
        sink = memory()
        module.build(config.convert(options, module.Config, "options")).read(open_source(root), sink)
        expected = found if "text" in options else [text.removeprefix("\ufeff") for text in found]
        assert texts(sink) == [text for text in expected if text.strip()]


@settings(max_examples=25, deadline=None)
@given(place=st.integers(0, len(TABLE) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_is_read_or_refused(place: int, byte: int, tmp_path_factory: Any, memory: Any) -> None:
    root = tmp_path_factory.mktemp("changed")
    damaged = bytearray(TABLE.encode())
    damaged[place] = byte
    (root / "a.csv").write_bytes(damaged)
    module, sink = registry.module("readers", "text"), memory()
    try:
        module.build(config.convert(COLUMNS, module.Config, "options")).read(open_source(root), sink)
    except DataError as error:
        assert "Chest" not in str(error)
        return
    assert len(texts(sink)) == sink.accepted


# ---------------------------------------------------------------------------------------------------------------- writing


def test_documents_are_written_in_batches_as_at_once(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Document(str(number), f"text {number}", labels={"a": "x"}, part="train") for number in range(7)]
    whole, parts = memory(), memory()
    _documents.write(found, whole)
    monkeypatch.setattr(_documents, "TOGETHER", 10)
    _documents.write(found, parts)
    assert parts.all.equals(whole.all) and len(parts.frames) > len(whole.frames) and parts.parts == whole.parts


def test_the_dialogues_of_mts_are_read_as_published(real_data: Any, tmp_path: Path) -> None:
    source = real_data("mts_dialog")
    parts = {"train": "*TrainingSet.csv", "tune": "*ValidationSet.csv", "test": "*TestSet-*.csv"}
    options = {
        "text": "dialogue",
        "labels": ["section_header"],
        "parts": parts,
        "pattern": r"TestSet-(?P<set>\d)",
        "static": ["set"],
    }
    store = sequela.import_data("text", source, tmp_path / "mts.store", options=options)
    assert Counter(store.parts.values()) == {"train": 1201, "tune": 100, "test": 400} and store.flow.refused == []
    assert Counter(store.events(["SET"])["text_value"]) == {"1": 200, "2": 200}
    assert len(set(store.events(["LABEL//section_header"])["text_value"])) == 20
    with (source / "MTS-Dialog-ValidationSet.csv").open(encoding="utf-8", newline="") as file:
        expected = {row["dialogue"] for row in csv.DictReader(file)}
    assert expected <= set(store.events(["NOTE"])["text_value"])
