"""Identity as it was planted, and as an alignment of all with all gives it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.residues import banded
from sequela.residues.identity import nearest
from sequela.residues.words import tidy, words

LETTERS = np.array(list("ACDEFGHIKLMNPQRSTVWY"))


def protein(random: np.random.Generator, length: int = 200) -> str:
    return "".join(random.choice(LETTERS, length))


def changed(text: str, kept: float, random: np.random.Generator, gaps: float = 0.02) -> str:
    """Each letter stays with this chance, else another takes its place; some are lost, and as many come in."""
    said = []
    for letter in text:
        drawn = random.random()
        if drawn >= gaps / 2:
            said.append(letter if random.random() < kept else random.choice(LETTERS[letter != LETTERS]))
        if drawn > 1 - gaps / 2:
            said.append(random.choice(LETTERS))
    return "".join(said)


def aligned(first: str, second: str) -> float:
    """Identity by an alignment of every letter with every letter (Needleman and Wunsch 1970, ends free)."""
    if len(first) > len(second):
        first, second = second, first
    score = [[(0, 0)] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, a in enumerate(first, 1):
        for j, b in enumerate(second, 1):
            same = a == b
            before = score[i - 1][j - 1]
            score[i][j] = max(
                (before[0] + (banded.MATCH if same else banded.MISMATCH), before[1] + same),
                (score[i - 1][j][0] - banded.GAP, score[i - 1][j][1]),
                (score[i][j - 1][0] - banded.GAP, score[i][j - 1][1]),
            )
    ends = [row[-1] for row in score] + score[-1]
    return max(ends)[1] / len(first)


@given(st.text("ACDE", min_size=1, max_size=14), st.text("ACDE", min_size=1, max_size=14))
@settings(max_examples=150, deadline=None)
def test_in_a_band_that_holds_everything_the_best_alignment_is_found(first, second):
    held = words([first, second])
    found = banded.identities(held, np.array([0]), np.array([1]), np.array([0]))
    back = banded.identities(held, np.array([1]), np.array([0]), np.array([0]))
    assert found[0] == pytest.approx(aligned(first, second))
    assert back[0] == pytest.approx(found[0])


@pytest.mark.parametrize(("kept", "least"), [(0.9, 1.0), (0.7, 1.0), (0.5, 0.95), (0.4, 0.8)])
def test_the_planted_nearest_is_found_with_the_identity_of_a_whole_alignment(kept, least):
    random = np.random.default_rng(int(kept * 10))
    among = [protein(random) for _ in range(400)]
    asked = [changed(one, kept, random) for one in among[:60]]
    near = nearest(asked, among)
    found = near.other == np.arange(60)
    assert found.mean() >= least
    whole = [aligned(asked[row], among[row]) for row in np.flatnonzero(found)[:4]]
    assert near.identity[found][:4] == pytest.approx(whole, abs=0.03)


def test_unrelated_proteins_come_no_nearer_than_three_tenths():
    random = np.random.default_rng(0)
    near = nearest([protein(random) for _ in range(50)], [protein(random) for _ in range(400)])
    assert near.identity.max() < 0.3


def test_a_fragment_is_wholly_identical_and_an_unknown_letter_is_identical_to_none():
    random = np.random.default_rng(0)
    whole = protein(random, 300)
    near = nearest([whole[100:220], "X" * 60 + whole[60:120]], [protein(random), whole])
    assert near.other.tolist() == [1, 1]
    assert near.identity.tolist() == [1.0, 0.5]


def test_equal_sequences_need_no_words_and_nothing_is_like_an_empty_one():
    near = nearest(["MK", "", "MKV"], ["AC", "MK", ""])
    assert near.other.tolist() == [1, -1, -1]
    assert near.identity.tolist() == [1.0, 0.0, 0.0]
    assert nearest(["MK"], []).other.tolist() == [-1]
    assert nearest([], ["MK"]).other.tolist() == []


def test_sequences_too_long_to_be_aligned_are_judged_by_their_words():
    random = np.random.default_rng(0)
    whole = protein(random, banded.LONGEST + 1000)
    near = nearest([changed(whole, 0.8, random, gaps=0.0)], [protein(random, 5000), whole])
    assert near.other.tolist() == [1]
    assert near.identity[0] == pytest.approx(0.8, abs=0.03)


def test_nucleotides_are_known_by_their_letters_and_blanks_case_and_a_last_stop_say_nothing():
    assert tidy(" acgu\nACG* ") == "ACGUACG"
    assert words(["ACGTACGTNN"] * 3).k > words(["MKVLAAGITW"] * 3).k
