"""What mutagenesis holds: exact changes, every letter asked once, long sequences by stretches, masks and SMILES."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.errors import DataError
from sequela.explain import mutagenesis
from sequela.types import Array

WEIGHT = {"A": 0.0, "C": 1.0, "G": -2.0, "T": 4.0, "N": 0.5}


def weighed(texts: Sequence[str]) -> Array:
    """A sum over places, twice as heavy at the third: its changes are known."""
    said = [sum(WEIGHT[letter] * (2 if place == 2 else 1) for place, letter in enumerate(text.upper())) for text in texts]
    return np.array([[one, -one] for one in said])


@given(text=st.text("ACGT", min_size=3, max_size=12))
@settings(max_examples=30, deadline=None)
def test_a_change_is_the_answer_with_the_letter_less_the_answer_without(text: str) -> None:
    found = mutagenesis.mutated(text, "dna", weighed)
    for place, wild in enumerate(text):
        heavy = 2 if place == 2 else 1
        for put, letter in enumerate("ACGT"):
            change = heavy * (WEIGHT[letter] - WEIGHT[wild])
            expected = np.full(2, np.nan) if letter == wild else np.array([change, -change])
            np.testing.assert_allclose(found.change[:, place, put], expected, atol=1e-12)
    np.testing.assert_array_equal(found.told, weighed([text])[0])


def test_the_strength_of_a_place_is_the_mean_or_the_largest_of_its_changes() -> None:
    found = mutagenesis.mutated("AAA", "dna", weighed)
    np.testing.assert_allclose(found.strength()[0], [7 / 3, 7 / 3, 14 / 3])
    np.testing.assert_allclose(found.strength("largest")[1], [4, 4, 8])


def test_a_letter_that_is_not_certain_is_put_to_all_four() -> None:
    found = mutagenesis.mutated("ANA", "dna", weighed)
    assert np.isnan(found.change[0]).sum(1).tolist() == [1, 0, 1]


def test_of_a_long_sequence_the_letters_of_the_strongest_stretches_are_changed() -> None:
    text = "A" * 1000 + "TTTTTTTT" + "A" * 992
    asked: list[str] = []

    def counted(texts: Sequence[str]) -> Array:
        asked.extend(texts)
        return weighed(texts)

    found = mutagenesis.mutated(text, "dna", counted, most=400)
    told = np.flatnonzero(~np.isnan(found.strength()[0]))
    assert set(range(1000, 1008)) <= set(told.tolist())
    assert len(asked) < 700
    assert all(len(one) == len(text) for one in asked)


def test_letters_that_are_not_read_are_not_changed() -> None:
    assert mutagenesis.mutated("ACGTACGT", "dna", weighed, read=3).change.shape == (2, 3, 4)


def test_a_masked_letter_stays_masked() -> None:
    asked: list[str] = []

    def kept(texts: Sequence[str]) -> Array:
        asked.extend(texts)
        return np.zeros((len(texts), 1))

    mutagenesis.mutated("aC", "dna", kept)
    assert sorted(asked[1:]) == ["aA", "aG", "aT", "cC", "gC", "tC"]


def test_tokens_of_a_smiles_are_left_out() -> None:
    def length(texts: Sequence[str]) -> Array:
        return np.array([[float(len(text))] for text in texts])

    found = mutagenesis.mutated("CCl(=O)", "smiles", length)
    assert found.letters == (mutagenesis.LEFT_OUT,)
    np.testing.assert_array_equal(found.change[0, :, 0], [-1, -2, -1, -1, -1, -1])


def test_a_sequence_without_letters_is_refused() -> None:
    with pytest.raises(DataError, match="without letters"):
        mutagenesis.mutated("", "dna", weighed)
