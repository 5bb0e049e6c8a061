"""The sentences that vectors are learnt from, of every form of text."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.errors import ConfigError
from sequela.prep.vectors.corpus import corpus
from sequela.types import Ragged, Spec, Wording

NAMES = ("", "no", "fever", "today")
OFFSETS = np.array([0, 3, 3, 5])
TIMES = np.zeros(5)


def test_the_words_of_a_row_are_a_sentence_without_those_that_are_not_known() -> None:
    found = corpus(Ragged(OFFSETS, np.array([1, 0, 2, 3, 3]), TIMES), Spec("text", (), "index", NAMES, 4))
    assert found.words.tolist() == [1, 2, 3, 3]
    assert found.sentence.tolist() == [0, 0, 2, 2]
    assert found.names == NAMES


def test_words_that_are_told_once_are_taken_wherever_they_stand() -> None:
    spelt = np.array([[2, 7, 4, 5], [1, 7, 6, 0]])
    ragged = Ragged(OFFSETS, spelt, TIMES, take=np.array([0, 1, 1, 1, 0]))
    found = corpus(ragged, Spec("text", (4,), "index", NAMES, 4, words=Wording(9, 8)))
    assert found.words.tolist() == [2, 1, 1, 1, 2]


def test_each_sentence_of_a_row_is_one_by_itself() -> None:
    values = np.array([[1, 2], [3, 1], [0, 2], [3, 3], [2, 2]])
    seen = np.array([[True, True], [True, False], [True, True], [False, False], [True, True]])
    found = corpus(Ragged(OFFSETS, values, TIMES, seen), Spec("text", (2,), "index", NAMES, 4))
    assert found.words.tolist() == [1, 2, 3, 2, 2, 2]
    assert found.sentence.tolist() == [0, 0, 1, 2, 4, 4]


def test_numbers_have_no_vectors() -> None:
    with pytest.raises(ConfigError, match="a step of 'measurements' holds none with a name"):
        corpus(Ragged(OFFSETS, np.zeros((5, 2)), TIMES), Spec("measurements", (2,), "days"))
