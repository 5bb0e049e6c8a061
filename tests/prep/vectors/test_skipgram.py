"""Skip-gram: words of like use and of like spelling come together; the same text gives the same vectors."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.errors import ConfigError, DataError
from sequela.prep.vectors.corpus import Corpus
from sequela.prep.vectors.skipgram import Config, learn, ngrams

NAMES = ("", "cat", "dog", "oak", "elm", "purrs", "eats", "grows", "sheds", "catty", "never")
CAT, DOG, OAK, ELM, CATTY, NEVER = 1, 2, 3, 4, 9, 10
SMALL = Config(width=16, epochs=4, window=2, frequent=0)


def spoken(sentences: int = 1500, seed: int = 0) -> Corpus:
    """Animals purr and eat, trees grow and shed; nobody says the last word."""
    random = np.random.default_rng(seed)
    kind = random.integers(0, 2, sentences)
    words = np.stack([1 + 2 * kind + random.integers(0, 2, sentences), 5 + 2 * kind + random.integers(0, 2, sentences)], 1)
    words[np.flatnonzero(kind == 0)[:30], 0] = CATTY
    return Corpus(words.ravel(), np.repeat(np.arange(sentences), 2), NAMES)


def likeness(vectors: np.ndarray) -> np.ndarray:
    sized = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return sized @ sized.T


@pytest.mark.parametrize("longest", [0, 6])
def test_words_that_stand_among_the_same_words_come_together(longest: int) -> None:
    alike = likeness(learn(spoken(), Config(width=16, epochs=4, window=2, frequent=0, longest=longest), 0))
    assert min(alike[CAT, DOG], alike[OAK, ELM]) > 0.2 + max(alike[CAT, OAK], alike[CAT, ELM], alike[DOG, OAK], alike[DOG, ELM])


def test_a_rare_word_is_told_by_its_letters() -> None:
    apart = Config(width=16, epochs=1, window=2, frequent=0, longest=0)
    together = Config(width=16, epochs=1, window=2, frequent=0, longest=6)
    with_letters, without = (likeness(learn(spoken(200), one, 0))[CAT, CATTY] for one in (together, apart))
    assert with_letters > without
    assert with_letters > 0.5


def test_the_same_text_gives_the_same_vectors_and_another_seed_others() -> None:
    first, again, other = (learn(spoken(200), SMALL, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_what_nobody_said_has_no_vector() -> None:
    vectors = learn(spoken(200), SMALL, 0)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(NAMES), 16)
    assert not vectors[[0, NEVER]].any()
    assert vectors[1:NEVER].any(1).all()


def test_words_of_two_sentences_are_no_neighbours() -> None:
    alone = Corpus(np.array([1, 2, 3, 4]), np.arange(4), NAMES)
    with pytest.raises(DataError, match="no two known words in a sentence"):
        learn(alone, SMALL, 0)


def test_each_pair_in_the_window_is_met_from_both_sides() -> None:
    """Without negatives in the way, a step moves every word that has a neighbour, first and last of a sentence alike."""
    text = Corpus(np.array([1, 2, 3]), np.zeros(3, np.int64), NAMES)
    before = learn(text, Config(width=4, epochs=1, window=1, lr=1e-9, longest=0, frequent=0), 0)
    after = learn(text, Config(width=4, epochs=3, window=1, lr=0.5, longest=0, frequent=0), 0)
    assert (np.abs(after - before)[[1, 2, 3]].max(1) > 1e-3).all()


def test_frequent_words_are_passed_over_and_all_still_get_vectors() -> None:
    vectors = learn(spoken(), Config(width=8, epochs=1, frequent=1e-2), 0)
    assert vectors[1:NEVER].any(1).all()


def test_ngrams_are_those_between_the_marks_of_a_word_but_not_the_whole() -> None:
    assert ngrams("no", 3, 6) == ("<no", "no>")
    assert ngrams("发", 3, 6) == ()
    assert ngrams("aaaa", 2, 2) == ("<a", "aa", "a>")
    assert ngrams("fever", 3, 0) == ()


def test_ngrams_that_end_before_they_begin_are_refused() -> None:
    with pytest.raises(ConfigError, match="from 4 to 3 characters"):
        learn(spoken(10), Config(shortest=4, longest=3), 0)
