"""Documents and what was marked in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequela.errors import DataError
from sequela.text import documents
from sequela.text.documents import Mark


@given(st.text(min_size=1, max_size=50), st.data())
def test_marks_come_back_as_they_were_for_any_text(text: str, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(begin + 1, len(text)))
    found = documents.marks(documents.marked(text, [Mark(begin, end, "Disease", "D003110")]))
    assert found.spans == [Mark(begin, end, "Disease", "D003110")]
    assert found.document == documents.key(text)


def test_marks_are_kept_in_the_order_of_the_text() -> None:
    found = documents.marks(documents.marked("fever, cough", [Mark(7, 12, "x"), Mark(0, 5, "x")]))
    assert [mark.begin for mark in found.spans] == [0, 7]


@pytest.mark.parametrize("mark", [Mark(0, 6, "x"), Mark(-1, 2, "x"), Mark(2, 2, "x"), Mark(3, 1, "x")])
def test_a_mark_outside_of_its_document_is_refused_without_a_word_of_it(mark: Mark) -> None:
    with pytest.raises(DataError, match="reaches from character") as refused:
        documents.marked("fever", [mark])
    assert "fever" not in str(refused.value)


def test_an_event_of_another_form_is_refused() -> None:
    with pytest.raises(DataError, match="not of the form"):
        documents.marks("[1, 2]")


def test_documents_that_differ_by_one_character_have_other_keys() -> None:
    assert documents.key("fever ") != documents.key("fever")
    assert documents.code() == "NOTE" and documents.code("Radiology") == "NOTE//Radiology"
