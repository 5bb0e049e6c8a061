"""Molecules as RDKit reads them: none that it cannot read is kept. All raise MissingExtra where it is not installed."""

from __future__ import annotations

from sequela.errors import DataError
from sequela.extras import need
from sequela.residues.descriptors import molecule


def check(smiles: str) -> None:
    """Raises DataError for a SMILES that cannot be read, or has no atom."""
    if molecule(smiles) is None:
        raise DataError("a SMILES that RDKit cannot read")


def largest(smiles: str) -> str:
    """The fragment of most heavy atoms, the first of several, as it is written there.

    Raises DataError for a SMILES that cannot be read, or whose fragments cannot be told apart at its dots.
    """
    check(smiles)
    pieces = smiles.split(".")
    found = [molecule(piece) for piece in pieces]
    if any(piece is None for piece in found):
        raise DataError("a SMILES of several fragments with a ring closed across a dot", hint="largest_fragment = false keeps it")
    sizes = [piece.GetNumHeavyAtoms() for piece in found]
    return pieces[sizes.index(max(sizes))]


def from_block(block: str) -> str:
    """The canonical SMILES of a molecule in a block of a molfile. Raises DataError where it cannot be read, or has no atom."""
    chem, base = need("rdkit.Chem", "molecules"), need("rdkit.rdBase", "molecules")
    with base.BlockLogs():
        found = chem.MolFromMolBlock(block)
    if found is None or not found.GetNumAtoms():
        raise DataError("a molecule that RDKit cannot read")
    return str(chem.MolToSmiles(found))
