"""Words and tags: what tags of any scheme mark, what is refused, what conlleval would read, and a real corpus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sequela
from sequela import registry
from sequela.errors import ConfigError, DataError
from sequela.readers import _tags
from sequela.readers._tags import Stretch, Tag
from sequela.store.source import open_source
from sequela.text import documents, scheme

TWO = "Marfan\tB-Disease\nsyndrome\tI-Disease\nis\tO\nrare\tO\n.\tO\n\nIt\tO\nis\tO\nMFS\tB-Disease\n"


@pytest.fixture
def read(written: Callable[..., Any]) -> Callable[..., Any]:
    return partial(written, "conll")


def marked(sink: Any) -> list[list[tuple[str, str]]]:
    """Of each document, the type and the words of its marks."""
    texts = sink.of("NOTE")["text_value"]
    held = [documents.marks(text) for text in sink.of("SPANS//entities")["text_value"]]
    assert [one.document for one in held] == [documents.key(text) for text in texts]
    pairs = zip(texts, held, strict=True)
    return [[(mark.type, text[mark.begin : mark.end]) for mark in one.spans] for text, one in pairs]


def test_each_sentence_is_a_document_whose_words_stand_one_blank_apart(read: Any) -> None:
    sink = read({"a.tsv": TWO})
    assert list(sink.of("NOTE")["text_value"]) == ["Marfan syndrome is rare .", "It is MFS"]
    assert list(sink.of("NOTE")["source_id"]) == ["a-00001", "a-00002"]
    assert marked(sink) == [[("Disease", "Marfan syndrome")], [("Disease", "MFS")]]


def test_so_many_sentences_make_a_document_with_a_line_each(read: Any) -> None:
    sink = read({"a.tsv": TWO}, sentences=2)
    assert list(sink.of("NOTE")["text_value"]) == ["Marfan syndrome is rare .\nIt is MFS"]
    assert marked(sink) == [[("Disease", "Marfan syndrome"), ("Disease", "MFS")]]


def test_documents_begin_where_the_file_says(read: Any) -> None:
    sink = read({"a.txt": f"-DOCSTART- -X- O O\n\n{TWO}\n-DOCSTART- -X- O O\n{TWO}".replace("\t", " x ")})
    assert len(sink.of("NOTE")) == 2 and marked(sink)[0] == marked(sink)[1]
    whole = read({"a.txt": f"-DOCSTART- -X- O O\n\n{TWO}\n-DOCSTART- -X- O O\n{TWO}".replace("\t", " x ")}, sentences=3)
    assert len(whole.of("NOTE")) == 2, "a document does not reach into the next one"


def test_a_refused_first_sentence_does_not_join_two_documents(read: Any) -> None:
    bad = "word\tI-Disease\n\n"
    sink = read({"a.tsv": f"-DOCSTART-\tO\n\n{TWO}\n-DOCSTART-\tO\n\n{bad}{TWO}"})
    assert len(sink.of("NOTE")) == 2 and list(sink.refused) == ["a.tsv line 15"]


def test_columns_say_where_word_and_tag_stand(read: Any) -> None:
    sink = read({"a.txt": "1 MFS NN S-X extra\n2 rare JJ O extra\n"}, columns=[1, 3])
    assert list(sink.of("NOTE")["text_value"]) == ["MFS rare"] and marked(sink) == [[("X", "MFS")]]
    with pytest.raises(ConfigError, match="twice"):
        read({}, columns=[1, 1])


def test_a_word_may_hold_a_blank_where_columns_are_parted_by_tabs(read: Any) -> None:
    assert list(read({"a.tsv": "New York\tB-X\n2 %\tO\n"}).of("NOTE")["text_value"]) == ["New York 2 %"]


def test_tags_without_a_type_are_of_the_one_that_the_marks_are_called(read: Any) -> None:
    assert marked(read({"a.tsv": "BRCA1\tB\ngene\tI\n"})) == [[("entities", "BRCA1 gene")]]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("word", "too few columns"),
        ("\tO", "without a word"),
        ("word\tX-Disease", "neither O nor B"),
        ("word\tB-", "neither O nor B"),
        ("word\tI-Other", "may not stand there"),
    ],
)
def test_a_sentence_with_a_faulty_line_is_refused_by_that_line_and_never_shown(read: Any, line: str, reason: str) -> None:
    sink = read({"a.tsv": f"{TWO}\nMFS\tB-Disease\n{line}\n\n{TWO}"})
    assert len(sink.of("NOTE")) == 4
    assert list(sink.refused) == ["a.tsv line 12"] and reason in sink.refused["a.tsv line 12"]
    assert "MFS" not in sink.refused["a.tsv line 12"]


def test_illegal_tags_are_repaired_as_by_conlleval_where_that_is_asked_for(read: Any) -> None:
    bad = f"{TWO}\nno\tO\nMFS\tI-Disease\nTurner\tI-Person\nhere\tI-Person\n"
    sink = read({"a.tsv": bad}, illegal="repair")
    assert marked(sink)[2] == [("Disease", "MFS"), ("Person", "Turner here")] and not sink.refused
    assert sum(sink.notes.values()) == 1


def test_a_scheme_that_is_told_is_kept_to(read: Any) -> None:
    only = "MFS\tI-Disease\nis\tO\n\nIt\tO\nis\tO\n"
    assert marked(read({"a.tsv": only})) == [[("Disease", "MFS")], []]
    assert list(read({"a.tsv": only}, scheme="BIO").refused) == ["a.tsv line 1"]


def test_a_file_without_words_and_tags_is_refused(read: Any) -> None:
    with pytest.raises(DataError, match=r"a\.tsv has no sentence"):
        read({"a.tsv": "a letter\nto the editor\n"})


def test_parts_are_told_by_file(read: Any) -> None:
    sink = read({"a.tsv": TWO, "b.tsv": TWO}, parts={"train": "a.tsv", "test": "b.*"})
    assert sink.parts == {"a-00001": "train", "a-00002": "train", "b-00001": "test", "b-00002": "test"}


# ------------------------------------------------------------------------------------------------------------------- properties

runs = st.lists(st.tuples(st.sampled_from(["", "A", "B-c"]), st.integers(1, 3)), min_size=1, max_size=8)


def laid(pieces: Sequence[tuple[str, int]]) -> list[Stretch]:
    """The stretches of so many words each; those of the type "" are outside."""
    found, at = [], 0
    for type_, length in pieces:
        if type_:
            found.append(Stretch(at, at + length, type_))
        at += length
    return found


def tags_of(pieces: Sequence[tuple[str, int]], form: str) -> list[str]:
    """The tags that the scheme has for these stretches: written from its definition."""
    found, before = [], ""
    for type_, length in pieces:
        parts = {"BIO": "B" + "I" * (length - 1), "IOBES": "S" if length == 1 else f"B{'I' * (length - 2)}E"}
        parts["IOB1"] = ("B" if before == type_ else "I") + "I" * (length - 1)
        parts["BMES"] = parts["IOBES"].replace("I", "M")
        parts["BILOU"] = parts["IOBES"].replace("S", "U").replace("E", "L")
        found += [f"{part}-{type_}" if type_ else "O" for part in parts[form]]
        before = type_
    return found


@settings(max_examples=60, deadline=None)
@given(pieces=runs, form=st.sampled_from(["BIO", "IOB1", "IOBES", "BMES", "BILOU"]))
def test_what_any_scheme_tags_is_found_again_and_legal(pieces: list[tuple[str, int]], form: str) -> None:
    tags = [_tags.tag(text, "") for text in tags_of(pieces, form)]
    assert _tags.stretches(tags) == laid(pieces)
    assert _tags.illegal(tags, _tags.detected([tags])) is None


def conlleval(tags: Sequence[Tag]) -> list[Stretch]:
    """Chunks by conlleval's two rules (startOfChunk, endOfChunk), transcribed as a table of letters."""
    letters = {-1: "O", scheme.BEGIN: "B", scheme.INSIDE: "I", scheme.END: "E", scheme.WHOLE: "S"}
    found, begin, before = [], 0, Tag(-1, "")
    for place, one in enumerate([*tags, Tag(-1, "")]):
        pair = letters[before.part] + letters[one.part]
        changed = before.type != one.type
        if before.part >= 0 and (
            pair in ("BB", "BS", "BO", "IB", "IS", "IO", "EE", "EI", "EO", "EB", "ES") or changed or pair[0] == "S"
        ):
            found.append(Stretch(begin, place, before.type))
        if one.part >= 0 and (
            pair in ("BB", "IB", "OB", "EB", "SB", "OI", "OE", "EI", "EE", "SI", "SE") or changed or pair[1] == "S"
        ):
            begin = place
        before = one
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(st.builds(Tag, st.integers(0, 3), st.sampled_from(["A", "B"])) | st.just(Tag(-1, "")), max_size=12))
def test_any_tags_are_read_as_by_conlleval(tags: list[Tag]) -> None:
    assert _tags.stretches(tags) == conlleval(tags)


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, len(TWO) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_is_read_or_refused(place: int, byte: int, tmp_path_factory: Any, memory: Any) -> None:
    root = tmp_path_factory.mktemp("changed")
    damaged = bytearray(TWO.encode())
    damaged[place] = byte
    (root / "a.tsv").write_bytes(damaged)
    module, sink = registry.module("readers", "conll"), memory()
    try:
        module.build(module.Config()).read(open_source(root), sink)
    except DataError as error:
        assert "syndrome" not in str(error)
        return
    assert sink.accepted + len(sink.refused) > 0 and len(marked(sink)) == sink.accepted


@pytest.mark.slow
def test_the_ncbi_disease_corpus_has_its_published_sentences_and_marks(real_data: Any, tmp_path: Path) -> None:
    options = {"parts": {"train": "train.tsv", "tune": "devel.tsv", "test": "test.tsv"}}
    store = sequela.import_data("conll", real_data("ncbi_disease"), tmp_path / "ncbi.store", options=options)
    events = store.events(["SPANS//entities"])
    count = {"train": 0, "tune": 0, "test": 0}
    for subject in events["subject_id"]:
        count[store.parts[subject]] += 1
    assert count == {"train": 5424 + 8, "tune": 923, "test": 940}  # one abstract of 8 sentences stands twice in training
    assert sum(len(documents.marks(text).spans) for text in events["text_value"]) == 5145 + 787 + 960
    assert store.flow.refused == []
