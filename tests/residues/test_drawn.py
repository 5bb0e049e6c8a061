"""What is said of sequences that a model drew."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.errors import DataError
from sequela.residues import drawn, molecules


def test_another_smiles_of_a_training_molecule_is_not_novel() -> None:
    among = drawn.known(["CCO", "c1ccccc1"], "smiles")
    told = drawn.judged(["OCC", "C(C)O", "CCN", "C1CC", "CCN"], [True] * 5, among, "smiles")
    assert told.valid.tolist() == [True, True, True, False, True]
    assert told.first.tolist() == [True, False, True, False, False]
    assert told.novel.tolist() == [False, False, True, False, False]
    assert told.nearest[0] == 1 and 0 < told.nearest[2] < 1 and np.isnan(told.nearest[[1, 3, 4]]).all()


def test_what_was_cut_is_never_valid() -> None:
    among = drawn.known(["ACGT"], "dna")
    told = drawn.judged(["ACGT", "ACGT", ""], [False, True, True], among, "dna")
    assert told.valid.tolist() == [False, True, False]
    assert told.first.tolist() == [False, True, False] and not told.novel.any()


def test_letters_are_held_to_the_most_alike_by_identity() -> None:
    one = "MKVLAAGITRSWQPYDEFHNMKVLAAGITRSWQPYDEFHN"
    other = one[:20] + "A" + one[21:]
    told = drawn.judged([other, one], [True, True], drawn.known([one], "protein"), "protein")
    assert told.novel.tolist() == [True, False]
    np.testing.assert_allclose(told.nearest, [39 / 40, 1])


def test_what_is_known_counts_the_units_of_every_sequence() -> None:
    among = drawn.known(["CCl", "CCl", "C[nH+]C"], "smiles")
    assert among.lengths.tolist() == [2, 2, 3]
    assert among.shares == {"C": 4 / 7, "Cl": 2 / 7, "[nH+]": 1 / 7}
    assert drawn.apart(among.shares, among.shares) == 0


def test_a_picture_is_of_a_molecule_alone() -> None:
    assert molecules.drawing("c1ccccc1O").lstrip().startswith("<?xml")
    with pytest.raises(DataError, match="no molecule"):
        molecules.drawing("C1CC")
