"""What was marked in texts, as the truth of the task entities."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from sequela.errors import ConfigError, DataError
from sequela.study import cohort as cohorts
from sequela.study import spanned
from sequela.text import documents, scheme
from sequela.text.documents import BETWEEN, Mark
from sequela.types import Cohort, Piece, Places, Spanned

NOTE = "No fever. Cough since May."
OTHER = "Asthma."
KINDS = {"NOTE": "text", "SPANS//findings": "label"}
OUTCOME = {"spans": "findings"}


def marked(subject: str, text: str, *marks: Mark, hour: float | None = None) -> list[Any]:
    return [(subject, hour, "NOTE", text), (subject, hour, "SPANS//findings", documents.marked(text, list(marks)))]


def built(store: Any, study: Any, events: list[Any], labelled: bool = True, **outcome: Any) -> Cohort:
    asked = study(cohort={"index": "SAMPLE"}, task="entities", outcome=OUTCOME | outcome)
    return cohorts.build(store(events, KINDS), asked, labelled=labelled)[0]


def words(*texts: str) -> Places:
    """Each text as a row of words between spaces, of one document or of those between blank lines."""
    cut = [[(word.start(), word.end()) for word in re.finditer(r"\w+|[^\w\s]", text)] for text in texts]
    edges = np.array([edge for row in cut for edge in row], np.int32).reshape(-1, 2)
    pieces = []
    for text in texts:
        begin, held = 0, []
        for document in text.split(BETWEEN):
            held.append(Piece(begin, documents.key(document), "NOTE"))
            begin += len(document) + len(BETWEEN)
        pieces.append(tuple(held))
    return Places(np.cumsum([0, *map(len, cut)]), edges[:, 0], edges[:, 1], texts, tuple(pieces))


def test_marks_are_found_by_type_and_reach_the_words(store, study):
    rows = built(store, study, marked("p1", NOTE, Mark(3, 8, "symptom"), Mark(10, 15, "symptom")))
    assert rows.target.names == ("symptom",) and rows.target.values.tolist() == [[2]]
    found = spanned.placed(rows.target, words(NOTE)).dense
    assert isinstance(found, Spanned)
    assert [scheme.names(("symptom",))[tag] for tag in found.tags.value] == [
        "O", "S-symptom", "O", "S-symptom", "O", "O", "O",
    ]  # fmt: skip


def test_a_text_in_which_nothing_was_found_is_known_and_one_that_nobody_read_is_left_out(store, study):
    rows = built(store, study, [*marked("p1", NOTE), ("p2", None, "NOTE", OTHER)], classes=["symptom"])
    assert rows.source_id.tolist() == ["p1"] and rows.target.known.tolist() == [[True]] and rows.target.values.tolist() == [[0]]
    unread = built(store, study, [("p2", None, "NOTE", OTHER)], labelled=False, classes=["symptom"])
    assert unread.target.known.tolist() == [[False]]
    assert (spanned.placed(unread.target, words(OTHER)).dense.tags.value == -1).all()


def test_marks_find_their_document_wherever_it_stands_in_the_row(store, study):
    rows = built(store, study, [("p1", None, "NOTE", OTHER), *marked("p1", NOTE, Mark(10, 15, "symptom", "D003371"))])
    text = OTHER + BETWEEN + NOTE
    found = spanned.placed(rows.target, words(text)).dense.spans
    assert [text[begin:end] for begin, end in zip(found.begin, found.end, strict=True)] == ["Cough"]
    assert found.concept.tolist() == ["D003371"]


def test_of_a_row_that_does_not_hold_the_marked_document_nothing_is_known(store, study):
    rows = built(store, study, marked("p1", NOTE, Mark(10, 15, "symptom")))
    found = spanned.placed(rows.target, words(OTHER))
    assert not len(found.dense.spans.begin) and found.values.tolist() == [[0]] and found.known.tolist() == [[False]]
    assert (found.dense.tags.value == -1).all()


def test_of_documents_beside_the_marked_one_nothing_is_known(store, study):
    events = marked("p1", NOTE, Mark(3, 8, "symptom"), hour=1) + marked("p1", OTHER, Mark(0, 6, "symptom"), hour=5)
    rows, _ = cohorts.build(store(events, KINDS), study(cohort={"index": "EACH//NOTE"}, task="entities", outcome=OUTCOME))
    first, both = NOTE, NOTE + BETWEEN + OTHER
    found = spanned.placed(rows.target, words(first, both)).dense
    second = found.tags.value[found.tags.offsets[1] :]
    assert found.tags.value[:3].tolist() == [0, 4, 0]
    assert (second[:-2] == -1).all() and second[-2:].tolist() == [4, 0]  # the first note was judged in the row before
    assert found.unread.offsets.tolist() == [0, 0, 1] and found.unread.end.tolist() == [len(NOTE + BETWEEN)]


def test_a_text_that_stands_twice_in_a_row_is_marked_twice(store, study):
    rows = built(store, study, marked("p1", OTHER, Mark(0, 6, "disease")))
    found = spanned.placed(rows.target, words(OTHER + BETWEEN + OTHER))
    assert found.dense.tags.value.tolist() == [4, 0, 4, 0] and found.values.tolist() == [[2]]


def test_classes_gather_types_and_what_none_gathers_is_counted(store, study):
    events = marked("p1", NOTE, Mark(3, 8, "sign"), Mark(10, 15, "symptom"), Mark(22, 25, "date"))
    asked = study(cohort={"index": "SAMPLE"}, task="entities", outcome=OUTCOME | {"classes": {"finding": ["sign", "symptom"]}})
    rows, flow = cohorts.build(store(events, KINDS), asked)
    assert rows.target.names == ("finding",) and rows.target.dense.spans.label.tolist() == [0, 0]
    assert any("no class gathers" in note for note in flow.notes)


def test_each_of_several_notes_is_a_row_with_its_own_marks(store, study):
    events = marked("p1", NOTE, Mark(3, 8, "symptom"), hour=1) + marked("p1", OTHER, Mark(0, 6, "disease"), hour=5)
    asked = study(cohort={"index": "EACH//NOTE"}, task="entities", outcome=OUTCOME)
    rows, _ = cohorts.build(store(events, KINDS), asked)
    assert rows.target.names == ("disease", "symptom") and rows.target.dense.spans.label.tolist() == [1, 0]
    assert np.diff(rows.target.dense.spans.offsets).tolist() == [1, 1]


def test_an_outcome_of_entities_is_marks_alone(store, study):
    with pytest.raises(ConfigError, match="the name of marks in texts"):
        built(store, study, marked("p1", NOTE), column="x")
    with pytest.raises(DataError, match="no text of the data has marks 'finding'") as refused:
        built(store, study, marked("p1", NOTE), spans="finding")
    assert "findings" in str(refused.value.hint)


def test_marks_are_no_label_of_a_row(store, study):
    asked = study(cohort={"index": "SAMPLE"}, task="multiclass", outcome=OUTCOME)
    with pytest.raises(ConfigError, match="no stretches of a text"):
        cohorts.build(store(marked("p1", NOTE), KINDS), asked)


# ------------------------------------------------------------------------------------------------ several labels in one column


def coded(store: Any, study: Any, *raws: str | None, **outcome: Any) -> Cohort:
    events = [(f"p{k}", None, "LABEL//codes", raw) for k, raw in enumerate(raws) if raw is not None]
    events += [(f"p{k}", None, "NOTE", OTHER) for k in range(len(raws))]
    asked = study(cohort={"index": "SAMPLE"}, task="multilabel", outcome={"column": "codes", "separator": ";", **outcome})
    return cohorts.build(store(events, KINDS), asked)[0]


def test_labels_that_stand_together_are_a_column_each_and_a_separator_alone_says_none(store, study):
    rows = coded(store, study, "I10; E11.9", "I10", ";", None)
    assert rows.target.names == ("E11.9", "I10")
    assert rows.source_id.tolist() == ["p0", "p1", "p2"] and rows.target.known.all()
    assert rows.target.values.tolist() == [[1, 1], [0, 1], [0, 0]]


def test_rare_labels_are_left_out_and_classes_gather(store, study):
    assert coded(store, study, "I10;E11.9", "I10", min_subjects=2).target.names == ("I10",)
    rows = coded(store, study, "I10;E11.9", "E11.0", classes={"diabetes": ["E11.0", "E11.9"]})
    assert rows.target.names == ("diabetes",) and rows.target.values.tolist() == [[1], [1]]


def test_a_separator_is_of_one_column_of_several_labels(store, study):
    with pytest.raises(ConfigError, match="one column that holds several labels"):
        coded(store, study, "I10", column=["codes", "other"])
    with pytest.raises(ConfigError, match="no row has a label"):
        coded(store, study, ";", ";")
