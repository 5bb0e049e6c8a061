"""The other strand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequela.errors import DataError
from sequela.residues.alphabets import DNA, RNA
from sequela.residues.complement import PARTNERS, reverse_complement

MEANT = {
    "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC", "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT",
}  # fmt: skip


@given(st.text(DNA.legal + DNA.legal.lower()))
def test_the_other_strand_of_the_other_strand_is_the_sequence(text: str) -> None:
    assert reverse_complement(reverse_complement(text)) == text


@given(st.text(RNA.legal))
def test_the_other_strand_of_rna_is_rna(text: str) -> None:
    assert reverse_complement(reverse_complement(text, "rna"), "rna") == text
    assert reverse_complement(text, "rna") == reverse_complement(text.replace("U", "T")).replace("T", "U")


def test_an_ambiguous_letter_becomes_the_one_for_the_partners_of_what_it_means() -> None:
    for letter, meant in MEANT.items():
        partner = PARTNERS["dna"][letter]
        assert MEANT[partner] == "".join(sorted(PARTNERS["dna"][one] for one in meant))


def test_the_other_strand_of_a_letter_that_is_none_is_refused_with_its_place() -> None:
    with pytest.raises(DataError, match=r"1 of 4 letters is no letter of dna \('U'\), the first at 3"):
        reverse_complement("ACGU")
