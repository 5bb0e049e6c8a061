"""SMILES: their tokens, and what RDKit says of them."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequela.errors import DataError, MissingExtra
from sequela.residues import smiles

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
# tokens of molecules that the authors' page shows, and of what the expression is careful with
CUT = {
    ASPIRIN: "C C ( = O ) O c 1 c c c c c 1 C ( = O ) O",
    "Clc1cc[nH]c1Br": "Cl c 1 c c [nH] c 1 Br",
    "C[C@@H](N)C(=O)O.[Na+]": "C [C@@H] ( N ) C ( = O ) O . [Na+]",
    "F/C=C\\F": "F / C = C \\ F",
    "C%12CC%12": "C %12 C C %12",
}


@pytest.mark.parametrize("text", CUT)
def test_a_smiles_is_cut_into_its_atoms_bonds_and_rings(text: str) -> None:
    assert smiles.tokens(text) == CUT[text].split()


@given(st.lists(st.text("CNOclBrn[]()=#123%+-@H/\\ xé")))
def test_tokens_stand_where_they_are_told_and_join_to_what_is_legal(texts: list[str]) -> None:
    found = smiles.cut(texts)
    for row, text in enumerate(texts):
        own = slice(*found.offsets[row : row + 2])
        places = list(zip(found.begin[own].tolist(), found.end[own].tolist(), strict=True))
        assert [text[begin:end] for begin, end in places] == [found.forms[form] for form in found.form[own]]
        assert [found.forms[form] for form in found.form[own]] == smiles.tokens(text)
        assert (smiles.illegal(text) == "") == ("".join(smiles.tokens(text)) == text)


def test_letters_of_no_token_are_told_by_count_and_place() -> None:
    assert smiles.illegal("CC{x}C") == "3 of 6 letters are no token of a SMILES ('x', '{', '}'), the first at 2"


def test_rdkit_tells_molecules_from_what_is_none_without_a_word(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rdkit")
    assert smiles.valid(ASPIRIN) and not any(map(smiles.valid, ("C1CC", "C(C)(C)(C)(C)C", "", "xx")))
    assert capfd.readouterr().err == ""


def test_a_molecule_written_otherwise_is_the_same_molecule() -> None:
    pytest.importorskip("rdkit")
    written = {smiles.randomised(ASPIRIN, seed) for seed in range(20)}
    assert len(written) > 5 and {smiles.canonical(one) for one in written} == {smiles.canonical(ASPIRIN)}
    assert smiles.randomised(ASPIRIN, 3) == smiles.randomised(ASPIRIN, 3)


def test_a_scaffold_is_the_rings_and_what_links_them() -> None:
    pytest.importorskip("rdkit")
    assert smiles.scaffold("CCc1ccc(CCN2CCOCC2)cc1") == "c1ccc(CCN2CCOCC2)cc1"
    assert smiles.scaffold("C[C@H](N)C(=O)O") == ""


def test_what_is_no_molecule_is_refused_without_being_shown() -> None:
    pytest.importorskip("rdkit")
    for asked in (smiles.canonical, smiles.scaffold, lambda text: smiles.randomised(text, 0)):
        with pytest.raises(DataError, match="a SMILES of 4 letters is no molecule") as caught:
            asked("C1CC")
        assert "C1CC" not in str(caught.value)


def test_without_rdkit_tokens_are_cut_and_meaning_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "rdkit"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rdkit", None)
    monkeypatch.setitem(sys.modules, "rdkit.Chem", None)
    assert smiles.tokens("CCl") == ["C", "Cl"]
    with pytest.raises(MissingExtra, match="rdkit"):
        smiles.valid("CC")


def test_published_molecules_are_all_tokens(real_data: Callable[[str], Path]) -> None:
    with (real_data("molecules") / "delaney-processed.csv").open(newline="") as file:
        texts = [line["smiles"].strip() for line in csv.DictReader(file)]  # some end with a space
    assert len(texts) == 1128 and not any(map(smiles.illegal, texts))
