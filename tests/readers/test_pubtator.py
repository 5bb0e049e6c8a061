"""PubTator: places hold, what does not fit is refused by its line, and the published counts of a real corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sequela
from sequela import registry
from sequela.errors import ConfigError, DataError
from sequela.store.source import open_source
from sequela.text import documents
from sequela.text.documents import Mark

DOCUMENT = (
    "17|t|Skin tumour in mice.\n17|a|The tumour (ST) is not a melanoma.\n"
    "17\t0\t11\tSkin tumour\tDiseaseClass\tD012878\n17\t25\t31\ttumour\tModifier\tD009369|D012878\n"
    "17\t46\t54\tmelanoma\tSpecificDisease\tD008545+D009369\n"
)
PARTS = {"train": "NCBItrainset_corpus.txt", "tune": "NCBIdevelopset_corpus.txt", "test": "NCBItestset_corpus.txt"}


@pytest.fixture
def read(written: Callable[..., Any]) -> Callable[..., Any]:
    return partial(written, "pubtator")


def marks_of(sink: Any, subject: str, name: str = "entities") -> list[Mark]:
    rows = sink.of(f"SPANS//{name}").filter(source_id=subject)
    return documents.marks(rows["text_value"][0]).spans


def test_title_and_abstract_are_one_text_in_which_the_places_of_the_file_hold(read: Any) -> None:
    sink = read({"a.txt": DOCUMENT})
    text = sink.of("NOTE")["text_value"][0]
    assert text == "Skin tumour in mice.\nThe tumour (ST) is not a melanoma."
    assert [text[mark.begin : mark.end] for mark in marks_of(sink, "17")] == ["Skin tumour", "tumour", "melanoma"]
    assert [mark.concept for mark in marks_of(sink, "17")] == ["D012878", "D009369|D012878", "D008545+D009369"]
    assert sink.accepted == 4 and not sink.refused


def test_the_marks_name_their_document_by_its_content(read: Any) -> None:
    sink = read({"a.txt": DOCUMENT})
    held = documents.marks(sink.of("SPANS//entities")["text_value"][0])
    assert held.document == documents.key(sink.of("NOTE")["text_value"][0])


def test_types_are_gathered_and_those_that_none_gathers_are_counted(read: Any) -> None:
    types = {"Disease": ["DiseaseClass", "SpecificDisease"]}
    sink = read({"a.txt": DOCUMENT}, types=types, spans="disease")
    assert [mark.type for mark in marks_of(sink, "17", "disease")] == ["Disease", "Disease"]
    assert sink.notes["marks of a type that the option types does not gather, left out"] == 1


def test_a_type_gathered_twice_is_an_error_of_the_options(read: Any) -> None:
    with pytest.raises(ConfigError, match="gathers 'Modifier' twice"):
        read({"a.txt": DOCUMENT}, types={"A": ["Modifier"], "B": ["Modifier"]})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("17\t1\t12\tSkin tumour\tDisease\tD1", "not what stands"),
        ("17\t46\t9999\tmelanoma.\tDisease\tD1", "not what stands"),
        ("17\t5\t5\t\tDisease\tD1", "not what stands"),
        ("17\tfour\t11\ttumour\tDisease\tD1", "whole numbers"),
        ("17\t5\t" + "9" * 5000 + "\ttumour\tDisease\tD1", "whole numbers"),
        ("17\t5\t11\ttumour\t \tD1", "without a type"),
        ("18\t5\t11\ttumour\tDisease\tD1", "of the document above"),
        ("17|a|A second abstract", "second abstract"),
        ("a word", "of the document above"),
    ],
)
def test_a_line_that_cannot_be_used_is_refused_by_its_number_and_never_shown(read: Any, line: str, reason: str) -> None:
    sink = read({"a.txt": DOCUMENT + line + "\n"})
    (record, said) = next(iter(sink.refused.items()))
    assert record == "a.txt line 6" and reason in said and "tumour" not in said
    assert len(marks_of(sink, "17")) == 3


def test_blanks_told_around_a_mark_are_no_part_of_it(read: Any) -> None:
    sink = read({"a.txt": "1|t|A cancer.\n1\t2\t8\tcancer  \tDisease\t D1\n"})
    assert marks_of(sink, "1") == [Mark(2, 8, "Disease", "D1")]
    assert sum(sink.notes.values()) == 1


def test_relations_are_left_out_and_counted(read: Any) -> None:
    sink = read({"a.txt": DOCUMENT + "17\tCID\tD008094\tD006973\n"})
    assert sink.notes["relations between concepts, left out"] == 1 and not sink.refused


def test_a_mark_without_a_concept_is_kept(read: Any) -> None:
    assert marks_of(read({"a.txt": "1|t|A cancer.\n1\t2\t8\tcancer\tDisease\n"}), "1") == [Mark(2, 8, "Disease", "")]


def test_a_document_in_which_nothing_was_found_was_read_nevertheless(read: Any) -> None:
    assert marks_of(read({"a.txt": "1|t|Nothing.\n1|a|Nothing at all.\n"}), "1") == []


def test_a_document_that_stands_twice_is_written_once(read: Any) -> None:
    sink = read({"a.txt": f"{DOCUMENT}\n{DOCUMENT}"})
    assert len(sink.of("NOTE")) == len(sink.of("SPANS//entities")) == 1
    assert sink.notes["documents that stand twice, with the same marks, kept once"] == 1 and not sink.refused


def test_another_document_of_the_same_number_is_refused(read: Any) -> None:
    sink = read({"a.txt": DOCUMENT + "\n17|t|Another title.\n"})
    assert list(sink.refused) == ["a.txt 17"] and len(sink.of("NOTE")) == 1


def test_a_document_of_two_parts_is_refused_in_the_second(read: Any) -> None:
    sink = read({"a.txt": DOCUMENT, "b.txt": DOCUMENT}, parts={"test": "b.txt", "train": "a.txt"})
    assert sink.parts == {"17": "train"}
    assert sink.refused == {"b.txt 17": "its PMID stands in the part train too"}


def test_a_file_of_two_parts_is_an_error_of_the_options(read: Any) -> None:
    with pytest.raises(ConfigError, match=r"a\.txt is of two parts"):
        read({"a.txt": DOCUMENT}, parts={"test": "*.txt", "train": "a.txt"})


def test_a_part_without_a_file_is_refused(read: Any) -> None:
    with pytest.raises(DataError, match=r"no file named 'c\.txt'"):
        read({"a.txt": DOCUMENT}, parts={"test": "c.txt", "train": "a.txt"})


def test_bytes_that_are_no_text_are_refused_by_file_and_place_with_the_remedy(read: Any) -> None:
    with pytest.raises(DataError, match=r"a\.txt: byte 0xe9 at 5 ") as refused:
        read({"a.txt": "1|t|F\xe9brile".encode("latin-1")})
    assert "latin-1" in refused.value.hint
    assert read({"a.txt": "1|t|F\xe9brile".encode("latin-1")}, encoding="latin-1").of("NOTE")["text_value"][0] == "F\xe9brile"


def test_line_feeds_of_other_systems_are_no_part_of_the_text(read: Any) -> None:
    sink = read({"a.txt": DOCUMENT.replace("\n", "\r\n")})
    assert sink.of("NOTE")["text_value"][0].endswith("melanoma.") and not sink.refused


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, len(DOCUMENT) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_is_read_or_refused(place: int, byte: int, tmp_path_factory: Any, memory: Any) -> None:
    root = tmp_path_factory.mktemp("changed")
    damaged = bytearray(DOCUMENT.encode())
    damaged[place] = byte
    (root / "a.txt").write_bytes(damaged)
    module, sink = registry.module("readers", "pubtator"), memory()
    try:
        module.build(module.Config()).read(open_source(root), sink)
    except DataError as error:
        assert "tumour" not in str(error)
    texts = [text for frame in sink.frames for text in frame.filter(code="NOTE")["text_value"]]
    found = [documents.marks(text) for frame in sink.frames for text in frame.filter(code="SPANS//entities")["text_value"]]
    assert len(texts) <= 2 and [one.document for one in found] == [documents.key(text) for text in texts]


def test_the_ncbi_disease_corpus_has_its_published_documents_and_marks(real_data: Any, tmp_path: Path) -> None:
    source = real_data("ncbi_disease")
    types = {"Disease": ["DiseaseClass", "SpecificDisease", "CompositeMention", "Modifier"]}
    options = {"parts": PARTS, "spans": "disease", "types": types}
    store = sequela.import_data("pubtator", source, tmp_path / "ncbi.store", options=options)
    events = store.events(["SPANS//disease"])
    # PMID 8528200 with its 11 marks stands twice in the training file
    assert Counter(store.parts.values()) == {"train": 592, "tune": 100, "test": 100} and len(events) == 792
    assert sum(len(documents.marks(text).spans) for text in events["text_value"]) == 5145 - 11 + 787 + 960
