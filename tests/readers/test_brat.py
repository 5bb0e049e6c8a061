"""brat standoff: marks, concepts, pieces, and what is refused by its line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela import registry
from sequela.errors import DataError
from sequela.store.source import open_source
from sequela.text import documents
from sequela.text.documents import Mark

TEXT = "Tumours of the skin\r\nand of the 🫁 lung."
MARKS = (
    "T1\tDisease 0 19\tTumours of the skin\nT2\tOrgan 34 38\tlung\nN1\tReference T1 MESH:D012878\tSkin Neoplasms\n"
    "N2\tReference T1 DOID:3151\tskin cancer\nR1\tin Arg1:T1 Arg2:T2\t\n#1\tAnnotatorNotes T1\tsure?\nA1\tNegated T1\n"
)


@pytest.fixture
def read(written: Callable[..., Any]) -> Callable[..., Any]:
    return partial(written, "brat")


def marks_of(sink: Any) -> list[Mark]:
    (text,) = sink.of("SPANS//entities")["text_value"]
    held = documents.marks(text)
    assert held.document == documents.key(sink.of("NOTE")["text_value"][0])
    return held.spans


def test_marks_count_in_characters_of_the_text_as_it_stands(read: Any) -> None:
    sink = read({"a.txt": TEXT, "a.ann": MARKS})
    assert list(sink.of("NOTE")["text_value"]) == [TEXT] and list(sink.of("NOTE")["source_id"]) == ["a"]
    assert [TEXT[mark.begin : mark.end] for mark in marks_of(sink)] == ["Tumours of the skin", "lung"]
    assert sink.accepted == 3 and not sink.refused


def test_normalisations_are_the_concepts_of_a_mark(read: Any) -> None:
    assert [mark.concept for mark in marks_of(read({"a.txt": TEXT, "a.ann": MARKS}))] == ["MESH:D012878|DOID:3151", ""]


def test_what_is_no_mark_is_left_out_and_counted(read: Any) -> None:
    sink = read({"a.txt": TEXT, "a.ann": MARKS + "N3\tReference T9 MESH:D1\tx\n*\tEquiv T1 T2\n"})
    assert dict(sink.notes) == {
        "attributes, left out": 1,
        "relations, left out": 2,
        "remarks, left out": 1,
        "normalisations of what is no mark, left out": 1,
    }


def test_a_mark_in_pieces_is_refused_or_taken_as_its_hull(read: Any) -> None:
    files = {"a.txt": TEXT, "a.ann": "T1\tDisease 0 10;34 38\tTumours of lung\n"}
    sink = read(files)
    assert list(sink.refused) == ["a.ann line 1"] and "several pieces" in sink.refused["a.ann line 1"] and not marks_of(sink)
    assert marks_of(read(files, pieces="hull")) == [Mark(0, 38, "Disease")]


def test_pieces_between_which_there_are_blanks_alone_are_one_mark(read: Any) -> None:
    sink = read({"a.txt": TEXT, "a.ann": "T1\tDisease 15 19;21 24\tskin and\n"})
    assert marks_of(sink) == [Mark(15, 24, "Disease")] and not sink.refused


def test_a_text_that_nobody_marked_has_no_marks_and_one_that_somebody_read_has_none_found(read: Any) -> None:
    sink = read({"a.txt": TEXT, "b.txt": TEXT, "b.ann": ""})
    assert list(sink.of("SPANS//entities")["source_id"]) == ["b"]
    assert sink.notes["texts without marks of anyone beside them"] == 1


def test_marks_without_a_text_are_refused(read: Any) -> None:
    assert list(read({"a.txt": TEXT, "b.ann": MARKS}).refused) == ["b.ann"]


def test_parts_are_told_by_folder(read: Any) -> None:
    files = {"train/a.txt": TEXT, "train/a.ann": MARKS, "test/a.txt": "x", "test/a.ann": ""}
    sink = read(files, parts={"train": "train/*", "test": "test/*"})
    assert sink.parts == {"train/a": "train", "test/a": "test"} and not sink.refused


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("T9\tDisease 0 7\tTumour", "not what stands"),
        ("T9\tDisease 34 99\tlung.", "not what stands"),
        ("T9\tDisease 3 3\t", "not what stands"),
        ("T9\tDisease 0 7", "neither a mark"),
        ("T9\tDisease zero 7\tTumours", "whole numbers"),
        ("T9\tDisease 0 " + "9" * 5000 + "\tTumours", "whole numbers"),
        ("T1\tDisease 0 7\tTumours", "an id twice"),
        ("N9\tReference T1", "which mark"),
        ("Tumours", "neither a mark"),
    ],
)
def test_a_line_that_cannot_be_used_is_refused_by_its_number_and_never_shown(read: Any, line: str, reason: str) -> None:
    sink = read({"a.txt": TEXT, "a.ann": MARKS + line + "\n"})
    assert list(sink.refused) == ["a.ann line 8"] and reason in sink.refused["a.ann line 8"]
    assert "umour" not in sink.refused["a.ann line 8"] and len(marks_of(sink)) == 2


def test_a_pair_in_another_encoding_is_refused_and_the_others_are_read(read: Any) -> None:
    sink = read({"a.txt": b"F\xe9brile", "a.ann": "", "b.txt": TEXT, "b.ann": MARKS})
    (record,) = sink.refused
    assert record.startswith("a.txt: byte 0xe9 at 1") and "latin-1" in sink.refused[record] and len(marks_of(sink)) == 2


@settings(max_examples=40, deadline=None)
@given(place=st.integers(0, len(MARKS) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_is_read_or_refused(place: int, byte: int, tmp_path_factory: Any, memory: Any) -> None:
    root = tmp_path_factory.mktemp("changed")
    damaged = bytearray(MARKS.encode())
    damaged[place] = byte
    (root / "a.txt").write_bytes(TEXT.encode())
    (root / "a.ann").write_bytes(damaged)
    module, sink = registry.module("readers", "brat"), memory()
    module.build(module.Config()).read(open_source(root), sink)
    assert len(sink.frames) == 1 or sink.refused
    for reason in sink.refused.values():
        assert "skin" not in reason


def test_a_folder_without_texts_is_refused(read: Any) -> None:
    with pytest.raises(DataError, match=r"no file with the ending \.txt"):
        read({"a.ann": MARKS})


def test_texts_without_any_marks_are_refused(read: Any) -> None:
    with pytest.raises(DataError, match="no marks"):
        read({"a.txt": TEXT})
