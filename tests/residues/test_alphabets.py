"""Letters of DNA, RNA and proteins."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sequela.residues import alphabets
from sequela.residues.alphabets import DNA, NONE, PROTEIN, RNA


@given(st.lists(st.text("ACGTUNacgtn-5é")))
def test_letters_are_numbered_as_their_alphabet_has_them(texts: list[str]) -> None:
    found = alphabets.numbered(texts, DNA)
    whole = "".join(texts)
    assert np.diff(found.offsets).tolist() == list(map(len, texts))
    assert [DNA.legal.find(letter.upper()) for letter in whole] == found.number.tolist()
    assert [letter.islower() and letter.isascii() for letter in whole] == found.masked.tolist()


def test_what_is_no_letter_is_told_by_count_and_place_and_never_with_the_whole_sequence() -> None:
    assert alphabets.illegal("acgtN-", DNA) == ""
    assert alphabets.illegal("ACTG", RNA) == "1 of 4 letters is no letter of rna ('T'), the first at 2"
    assert alphabets.illegal("MK1K 2é", PROTEIN) == "4 of 7 letters are no letter of protein (' ', '1', '2', 'é'), the first at 2"
    told = alphabets.illegal("123456789" * 100, DNA)
    assert told == "900 of 900 letters are no letter of dna ('1', '2', '3', '4', '5', …), the first at 0"


def test_every_letter_of_an_alphabet_is_there_once() -> None:
    for alphabet in alphabets.ALPHABETS.values():
        assert len(set(alphabet.legal)) == len(alphabet.legal) and alphabet.legal == alphabet.legal.upper()
        assert (alphabet.table() >= 0).sum() == len(set(alphabet.legal + alphabet.legal.lower()))
        assert alphabet.table()[ord("!")] == NONE
