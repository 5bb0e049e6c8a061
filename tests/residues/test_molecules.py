"""Molecules: what they are built on, and how like they are, as RDKit has it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rdkit")

from sequela.residues import molecules

ASPIRIN, SALICYLIC, IBUPROFEN = "CC(=O)Oc1ccccc1C(=O)O", "O=C(O)c1ccccc1O", "CC(C)Cc1ccc(cc1)C(C)C(=O)O"


def test_scaffolds_are_the_rings_all_ringless_molecules_are_one_and_what_is_no_molecule_has_none():
    found = molecules.scaffolds([ASPIRIN, IBUPROFEN, "CCO", "CCCC", "C1CC1c1ccncc1", "C1CC("])
    assert found == ["c1ccccc1", "c1ccccc1", "no ring", "no ring", "c1cc(C2CC2)ccn1", ""]


def test_the_tanimoto_similarity_is_that_of_rdkit():
    from rdkit import Chem, DataStructs
    from rdkit.Chem import rdFingerprintGenerator

    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    first, *others = (generator.GetFingerprint(Chem.MolFromSmiles(one)) for one in (ASPIRIN, IBUPROFEN, SALICYLIC))
    near = molecules.nearest([ASPIRIN], [IBUPROFEN, SALICYLIC])
    assert near.other.tolist() == [1]
    assert near.identity[0] == pytest.approx(max(DataStructs.BulkTanimotoSimilarity(first, others)))


def test_a_molecule_written_otherwise_is_the_same_and_what_is_none_is_like_nothing():
    near = molecules.nearest(["OC(=O)c1ccccc1OC(C)=O", "C1CC(", ""], [IBUPROFEN, "C1CC(", ASPIRIN])
    assert near.other.tolist() == [2, -1, -1]
    assert near.identity.tolist() == [1.0, 0.0, 0.0]
    assert molecules.nearest([ASPIRIN], ["C1CC("]).other.tolist() == [-1]
    assert molecules.canonical("OC(=O)c1ccccc1OC(C)=O") == molecules.canonical(ASPIRIN)
    assert molecules.canonical("C1CC(") == "C1CC("


def test_smiles_are_told_from_residues():
    assert molecules.are_smiles([ASPIRIN, "CCO", IBUPROFEN])
    assert not molecules.are_smiles(["MKVLAAG", "ACGT", "MK*"])
    assert not np.any(molecules.are_smiles([]))
