"""FASTA: what a record is, what its header tells, and what is refused by its line."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.errors import ConfigError, DataError
from sequela.readers import _sequence_lines, fasta
from sequela.store.source import open_source

TWO = ">a first one\nACgt\nNN\n\n>b\tsecond\nTT*\n"


@pytest.fixture
def read(written: Callable[..., Any]) -> Callable[..., Any]:
    return partial(written, "fasta")


def letters(sink: Any, name: str = "sequence") -> dict[str, str]:
    return dict(sink.of(f"SEQUENCE//{name}").select("source_id", "text_value").iter_rows())


def test_lines_of_a_record_are_joined_and_keep_their_case(read: Any) -> None:
    assert letters(read({"a.fa": TWO})) == {"a": "ACgtNN", "b": "TT*"}
    assert letters(read({"a.fa": TWO.replace("\n", "\r\n")}, sequence="dna"), "dna") == {"a": "ACgtNN", "b": "TT*"}
    assert letters(read({"a.fa": b"\xef\xbb\xbf" + TWO.encode()})) == {"a": "ACgtNN", "b": "TT*"}
    assert letters(read({"a.fa": f";a comment\n{TWO}"})) == {"a": "ACgtNN", "b": "TT*"}


def test_records_of_several_files_are_told_apart_and_have_the_part_of_their_file(read: Any) -> None:
    sink = read({"a.fa": TWO, "b.faa.gz": gzip.compress(TWO.encode(), mtime=0)}, parts={"train": "a.fa", "test": "b.*"})
    assert set(letters(sink)) == {"a-a", "a-b", "b.faa-a", "b.faa-b"} and sink.parts["b.faa-a"] == "test"


def test_headers_tell_labels_and_statics_by_key_and_value(read: Any) -> None:
    headers = (
        ">x class=promoter [organism=Homo sapiens] [sex=f]",
        ">sp|P01308|INS Insulin OS=Mus musculus OX=10090 class=other",
        ">z no pair at all",
    )
    sink = read(
        {"a.fa": "".join(f"{header}\nAC\n" for header in headers)}, labels=["class", "OX"], static=["organism", "OS", "file"]
    )
    assert list(sink.of("LABEL//class").select("source_id", "text_value").rows()) == [
        ("x", "promoter"),
        ("sp|P01308|INS", "other"),
    ]
    assert list(sink.of("ORGANISM")["text_value"]) == ["Homo sapiens"] and list(sink.of("OS")["text_value"]) == ["Mus musculus"]
    assert list(sink.of("LABEL//OX")["text_value"]) == ["10090"] and list(sink.of("FILE")["text_value"]) == ["a"] * 3


def test_groups_of_a_pattern_are_columns_of_a_header(read: Any) -> None:
    pattern = r"^(?P<name>\w+)\|(?P<y>[01])\|(?P<part>training|testing)$"
    sink = read({"a.fa": ">P1|1|training\nAC\n>P2|0|testing\nGT\n"}, pattern=pattern, subject="name", labels=["y"], part="part")
    assert set(letters(sink)) == {"P1", "P2"} and list(sink.of("LABEL//y")["numeric_value"]) == [1, 0]
    assert sink.parts == {"P1": "train", "P2": "test"}
    with pytest.raises(ConfigError, match="no named group"):
        read({}, pattern="a|b")
    with pytest.raises(ConfigError, match="not a regular expression"):
        read({}, pattern="(")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b">x\n", "empty sequence"),
        (b">\nAC\n", "without an id"),
        (b">x\nAC\0GT\n", "none of FASTA's"),
        (b">x\nAC7GT\n", "none of FASTA's"),
        (b">x\nAC GT\n", "none of FASTA's"),
        (b">x\n\xff\xfe\n", "none of FASTA's"),
        (b">x \xff\nACGT\n", "no text in UTF-8"),
        (b">a\nGG\n", "same id"),
    ],
)
def test_a_faulty_record_is_refused_by_its_line_and_the_others_kept(read: Any, record: bytes, reason: str) -> None:
    sink = read({"a.fa": b">a\nAC\n" + record + b">b\nGT\n"})
    assert letters(sink) == {"a": "AC", "b": "GT"}
    assert list(sink.refused) == ["a.fa line 3"] and reason in sink.refused["a.fa line 3"]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "is empty"),
        (b"ACGT\nAC\n", "line 1 stands before any header"),
        (b"\n\n", "has no header"),
        (gzip.compress(TWO.encode() * 99, mtime=0)[:40], "damaged gzip"),
    ],
)
def test_what_is_no_fasta_is_refused_whole(read: Any, content: bytes, found: str) -> None:
    with pytest.raises(DataError, match=found):
        read({"a.fa": content})


def test_a_line_longer_than_any_chromosome_is_refused(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sequence_lines, "LONGEST", 1000)
    assert len(letters(read({"a.fa": ">a\n" + "A" * 999 + "\n"}))["a"]) == 999
    with pytest.raises(DataError, match="longer than 1,000 bytes"):
        read({"a.fa": ">a\n" + "A" * 1001 + "\n"})


def test_labels_that_no_header_tells_are_refused(read: Any) -> None:
    with pytest.raises(DataError, match="has a label 'class'"):
        read({"a.fa": TWO}, labels=["class"])


@settings(max_examples=30, deadline=None)
@given(
    held=st.lists(st.text("ACGTacgtnXx*-.", min_size=1, max_size=40), min_size=1, max_size=6),
    width=st.integers(1, 15),
)
def test_records_broken_anywhere_are_read_whole(held: list[str], width: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("fasta")
    lines = [[f">{n}", *(one[at : at + width] for at in range(0, len(one), width))] for n, one in enumerate(held)]
    (folder / "a.fa").write_text("\n".join(line for record in lines for line in record))
    assert [record.letters for record in fasta.records(open_source(folder), "a.fa")] == held
