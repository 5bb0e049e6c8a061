"""Tables of health records: chunks change nothing, every row is accounted for, and what is wrong is refused by its number."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.errors import ConfigError, DataError
from sequela.readers import _rows, _rows_csv, _rows_even, _tables
from sequela.readers._row_types import Account, ColumnType
from sequela.readers._rows import chunks
from sequela.readers._tables import Code, Event, Table, chosen, find
from sequela.store.source import open_source

if TYPE_CHECKING:
    from tests.readers.conftest import Memory

COLUMNS: Mapping[str, ColumnType] = {"id": "whole", "time": "time", "code": "code", "value": "number", "words": "text"}
HEADER = "id,time,code,value,words\n"
ROW = "1,2101-05-01 10:30:00,0389,1.5,yes\n"
TABLE = Table(
    "LABS",
    COLUMNS,
    subject="id",
    visit="",
    needs=("time",),
    ignored={"an error": pl.col("words") == "error"},
    events=(Event(Code(pl.format("X//{}", "code"), columns=("code",)), pl.col("time"), value=pl.col("value")),),
)


def taken(file: Path, *, columns: Mapping[str, ColumnType] = COLUMNS, sink: Memory | None = None) -> pl.DataFrame:
    frames = list(chunks(file, columns, {}, Account("LABS", file.name, sink)))
    return pl.concat(frames) if frames else pl.DataFrame()


def written(folder: Path, text: str | bytes, name: str = "labs.csv") -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    content = text.encode() if isinstance(text, str) else text
    (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return folder / name


def imported(folder: Path, sink: Memory, table: Table = TABLE) -> None:
    _tables.read([table], find(open_source(folder), [table.name], [], sink), sink)


# ------------------------------------------------------------------------------------------------------------------------ rows


def test_columns_come_in_their_types_whatever_the_case_of_the_header(tmp_path: Path) -> None:
    frame = taken(written(tmp_path, HEADER.upper() + ROW + "2,2101-05-02,,,\n"))
    assert frame.columns == ["row", *COLUMNS]
    assert frame.row(0)[2:] == (datetime(2101, 5, 1, 10, 30), "0389", 1.5, "yes")
    assert frame.row(1) == (3, 2, datetime(2101, 5, 2), None, None, None)


@pytest.mark.parametrize("time", ["2101-05-01 10:30:00", "2101-05-01T10:30:00", "2101-05-01 10:30:00.000", "2101-05-01 10:30"])
def test_every_form_of_a_time_is_the_same_time(time: str, tmp_path: Path) -> None:
    frame = taken(written(tmp_path, HEADER + ROW + ROW.replace("2101-05-01 10:30:00", time)))
    assert frame["time"].n_unique() == 1 and len(frame) == 2


CELLS = st.text(st.sampled_from('ab,"\n é'), max_size=4)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(st.integers(0, 99), CELLS, CELLS), min_size=1, max_size=30), block=st.integers(60, 400))
def test_where_blocks_and_chunks_end_changes_nothing(
    rows: Sequence[tuple[int, str, str]], block: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    written_ = io.StringIO(newline="")
    csv.writer(written_, lineterminator="\n").writerows([("id", "code", "words"), *rows])
    file = written(tmp_path_factory.mktemp("it"), written_.getvalue())
    columns: Mapping[str, ColumnType] = {"id": "whole", "code": "code", "words": "text"}
    expected = [(number, one, two or None, three or None) for number, (one, two, three) in enumerate(rows, start=2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_rows_csv, "BLOCK_BYTES", block)
        patch.setattr(_rows, "CHUNK_ROWS", 3)
        assert taken(file, columns=columns).rows() == expected


@given(st.lists(st.integers(0, 90), min_size=1, max_size=200), st.integers(0, 40))
def test_rows_are_even_only_where_each_has_the_entries_of_the_header(lengths: list[int], common: int) -> None:
    blocks = [",".join("x" * (k % 3) for k in range(common + 1)) + "\n" for _ in lengths]
    assert _rows_even.even("".join(blocks).encode(), common + 1, False) == len(lengths)
    mixed = "".join("," * length + "\n" for length in lengths).encode()
    assert _rows_even.even(mixed, common + 1, False) == (len(lengths) if set(lengths) == {common} else -1)


@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(st.sampled_from([2, 3, 3, 3, 3, 4]), min_size=4, max_size=40).filter(lambda s: 2 * s.count(3) > len(s)))
def test_rows_of_another_length_are_refused_even_where_their_entries_add_up(
    sizes: list[int], tmp_path_factory: pytest.TempPathFactory, memory: Callable[[], Memory]
) -> None:
    sink = memory()
    text = "id,code,words\n" + "".join(",".join(["7"] * size) + "\n" for size in sizes)
    file = written(tmp_path_factory.mktemp("it"), text)
    frame = taken(file, columns={"id": "whole", "code": "code", "words": "text"}, sink=sink)
    good = [row for row, size in enumerate(sizes, start=2) if size == 3]
    assert frame["row"].to_list() == good
    assert len(sink.refused) == len(sizes) - len(good)


def test_a_row_at_fault_is_refused_by_file_and_number_and_the_rest_is_read(tmp_path: Path, sink: Memory) -> None:
    bad = {
        4: "x,2101-05-01 10:30:00,0389,1.5,yes\n",
        6: "1,2101-05-01 10:30:00,0389,high,yes\n",
        8: "1,01/05/2101,0389,1.5,yes\n",
        10: "1,2101-05-01 10:30:00,0389,1.5,yes,no\n",
        12: "1,2101-05-01 10:30:00\n",
    }
    text = HEADER + "".join(bad.get(row, ROW) for row in range(2, 40))
    frame = taken(written(tmp_path, text), sink=sink)
    assert sorted(set(range(2, 40)) - set(frame["row"])) == sorted(bad)
    assert set(sink.refused) == {f"labs.csv row {row}" for row in bad}
    assert sink.refused["labs.csv row 8"] == "LABS: not a time as YYYY-MM-DD HH:MM:SS in time"


def test_whole_numbers_that_another_program_wrote_with_a_point_are_whole_numbers(tmp_path: Path, sink: Memory) -> None:
    frame = taken(
        written(tmp_path, HEADER + 20 * ROW + ROW.replace("1,", "142345.0,", 1) + ROW.replace("1,", "1.5,", 1)), sink=sink
    )
    assert frame["id"].to_list() == [*20 * [1], 142345]
    assert list(sink.refused) == ["labs.csv row 23"]


def test_bytes_that_are_not_text_cost_their_row_alone(tmp_path: Path, sink: Memory) -> None:
    content = (HEADER + 20 * ROW).encode() + ROW.encode().replace(b"yes", b"\xff\xfe") + ROW.encode()
    assert len(taken(written(tmp_path, content), sink=sink)) == 21
    assert sink.refused == {"labs.csv row 22": "LABS: bytes that are not UTF-8"}


def test_a_quotation_mark_inside_a_word_is_no_quotation(tmp_path: Path, sink: Memory) -> None:
    frame = taken(written(tmp_path, HEADER + ROW + ROW.replace("yes", 'the 5" needle') + 20 * ROW), sink=sink)
    assert len(frame) == 22 and frame["words"][1] == 'the 5" needle' and not sink.refused


def test_gzip_and_windows_line_ends_and_a_last_line_without_one_are_read(tmp_path: Path) -> None:
    plain = taken(written(tmp_path, HEADER + 3 * ROW))
    zipped = taken(written(tmp_path, (HEADER + 3 * ROW).replace("\n", "\r\n").rstrip(), "labs.csv.gz"))
    assert zipped.equals(plain)


def test_parquet_is_read_as_the_same_rows(tmp_path: Path) -> None:
    plain = taken(written(tmp_path, HEADER + 3 * ROW))
    plain.drop("row").rename(str.upper).write_parquet(tmp_path / "labs.parquet")
    assert taken(tmp_path / "labs.parquet").drop("row").equals(plain.drop("row"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("\n" + ROW, "is empty, or its first line is"),
        (HEADER.replace("value", "vlaue") + ROW, "no column 'value'(?s:.)*did you mean 'vlaue'"),
        (HEADER.replace(",", ";") + ROW.replace(",", ";"), "separated by semicolons"),
        (HEADER.replace(",", "\t") + ROW.replace(",", "\t"), "separated by tabs"),
        (HEADER.replace("words", "words,value") + ROW, "2 columns 'value'"),
        (HEADER + 40 * ROW.replace("2101-05-01 10:30:00", "05/01/2101"), r"(\d+) of \1 rows(?s:.)*pattern '99/99/9999'"),
        (HEADER + ROW + '2,2101-05-01 10:30:00,"0389,' + "a" * 5000, "quotation mark never closed"),
    ],
)
def test_a_file_that_is_misread_is_refused_with_what_was_found(
    text: str, says: str, tmp_path: Path, sink: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_rows_csv, "BLOCK_BYTES", 1024)
    monkeypatch.setattr(_rows_csv, "LONGEST_ROW", 1024)
    with pytest.raises(DataError, match=says):
        taken(written(tmp_path, text), sink=sink)


def test_a_damaged_gzip_file_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, HEADER + 9999 * ROW, "labs.csv.gz")
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(DataError, match="damaged gzip"):
        taken(file)


def test_codes_that_were_stored_as_numbers_are_refused(tmp_path: Path) -> None:
    taken(written(tmp_path, HEADER + ROW)).drop("row").cast({"code": pl.Int64}).write_parquet(tmp_path / "labs.parquet")
    with pytest.raises(DataError, match=r"numbers .* for the codes in 'code'(?s:.)*leading zeros"):
        taken(tmp_path / "labs.parquet")


def test_a_hundred_columns_that_nobody_asked_for_are_counted_and_left(tmp_path: Path, sink: Memory) -> None:
    more = ",".join(f"extra{i}" for i in range(100))
    frame = taken(written(tmp_path, f"{HEADER.rstrip()},{more}\n" + f"{ROW.rstrip()},{'9,' * 99}9\n"), sink=sink)
    assert frame.columns == ["row", *COLUMNS] and sink.notes["LABS: columns not read"] == 100


# ---------------------------------------------------------------------------------------------------------------------- tables


def test_what_was_read_is_refused_ignored_or_used(tmp_path: Path, sink: Memory) -> None:
    lines = [ROW, ROW.replace("yes", "error"), ROW.replace("1,", ",", 1), ROW.replace("2101-05-01 10:30:00", ""), ROW]
    lines += [ROW.replace("0389", ""), *20 * [ROW]]
    written(tmp_path, HEADER + "".join(lines), "LABS.csv")
    imported(tmp_path, sink)
    assert sink.refused == {"LABS.csv row 4": "LABS: no id", "LABS.csv row 5": "LABS: no time"}
    assert sink.notes["LABS: rows read"] == 26
    assert sink.notes["LABS: rows ignored: an error"] == 1
    assert sink.notes["LABS: rows ignored: they tell no event"] == 1  # it has no code
    assert sink.accepted == 22 == len(sink.all)
    assert sink.codes == {"X//0389": ("event", "")}


@settings(max_examples=40, deadline=None)
@given(codes=st.lists(st.sampled_from(["0389", "4019", "", "V45", "7"]), min_size=1, max_size=60), rows=st.integers(1, 9))
def test_codes_do_not_depend_on_the_chunk_in_which_they_appear(codes: list[str], rows: int, memory: Callable[[], Memory]) -> None:
    frame = pl.DataFrame({"code": [code or None for code in codes], "other": range(len(codes))})
    for columns in (("code",), ("code", "other")):
        sink = memory()
        coder = _tables._Coder(Code(pl.format("X//{}", "code"), columns=columns), sink)  # type: ignore[arg-type]
        made = pl.concat([coder.of(part).cast(pl.String) for part in frame.iter_slices(rows)])
        assert made.to_list() == [f"X//{code}" if code else None for code in codes]
        assert set(sink.codes) == {f"X//{code}" for code in codes if code}


def test_rows_that_share_a_key_are_all_refused_wherever_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: Callable[[], Memory]
) -> None:
    monkeypatch.setattr(_rows_csv, "BLOCK_BYTES", 128)
    monkeypatch.setattr(_rows, "CHUNK_ROWS", 2)
    table = replace(TABLE, key=("id",))
    ids = [1, 2, 3, 4, 5, 2, 6, 7]
    for order in (ids, ids[::-1]):
        sink = memory()
        written(tmp_path, HEADER + "".join(ROW.replace("1,", f"{number},", 1) for number in order), "LABS.csv")
        imported(tmp_path, sink, table)
        assert sorted(sink.all["source_id"]) == [1, 3, 4, 5, 6, 7]
        assert set(sink.refused.values()) == {"LABS: other rows have the same id"} and len(sink.refused) == 2


def test_an_unreadable_code_is_refused_with_its_row(tmp_path: Path, sink: Memory) -> None:
    code = Code(pl.when(pl.col("code") != "bad").then(pl.col("code")), columns=("code",), refusal="code is no code")
    written(tmp_path, HEADER + 9 * ROW + ROW.replace("0389", "bad"), "LABS.csv")
    imported(tmp_path, sink, Table("LABS", COLUMNS, (Event(code, pl.col("time")),), subject="id", visit=""))
    assert sink.refused == {"LABS.csv row 11": "LABS: code is no code"} and sink.accepted == 9


def test_missing_tables_are_noted_and_required_ones_refused_with_what_is_there(tmp_path: Path, sink: Memory) -> None:
    written(tmp_path, HEADER, "LABS.CSV")
    files = find(open_source(tmp_path), ["LABS", "NOTES"], ["LABS"], sink)
    assert "LABS" in files and sink.notes["tables that are not there: NOTES"] == 1
    with pytest.raises(DataError, match=r"no table NOTES(?s:.)*LABS\.CSV"):
        find(open_source(tmp_path), ["LABS", "NOTES"], ["NOTES"], sink)


def test_a_table_in_two_files_is_refused(tmp_path: Path, sink: Memory) -> None:
    written(tmp_path, HEADER, "labs.csv")
    written(tmp_path, HEADER, "LABS.csv.gz")
    with pytest.raises(DataError, match="two files"):
        find(open_source(tmp_path), ["LABS"], [], sink)


def test_a_table_that_an_option_misspells_is_named_with_the_nearest() -> None:
    assert chosen(["LABS", "NOTES"], ["notes"]) == ["NOTES"]
    with pytest.raises(ConfigError, match=r"'note'(?s:.)*did you mean 'notes'"):
        chosen(["LABS", "NOTES"], ["note"])
