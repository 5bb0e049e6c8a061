"""How alike molecules are, by circular fingerprints, and what they are built on, their scaffolds (RDKit, extra "molecules")."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np

from sequela.errors import DataError
from sequela.extras import need
from sequela.residues import descriptors, smiles
from sequela.residues.identity import Nearest, batches
from sequela.types import Array

RINGLESS = "no ring"  # the scaffold of all molecules without a ring: one group, as in MoleculeNet (Wu 2018)
_RADIUS, _BITS = 2, 2048  # Morgan fingerprints like ECFP4 (Rogers 2010)
_AT_ONCE = 512
_SIGNS = frozenset("()[]=#@+\\/0123456789")


def are_smiles(sequences: Sequence[str]) -> bool:
    """Whether a tenth of the sequences or more has a sign that no sequence of residues has: a bond, a branch, a ring.

    >>> are_smiles(["CCO", "c1ccccc1", "CC(=O)O"]), are_smiles(["MKVLA", "ACGT"])
    (True, False)
    """
    return 10 * sum(not _SIGNS.isdisjoint(one) for one in sequences) >= max(1, len(sequences))


def installed() -> bool:
    """Whether RDKit is."""
    return find_spec("rdkit") is not None


def scaffolds(texts: Sequence[str]) -> list[str]:
    """The Bemis-Murcko scaffold of each SMILES, RINGLESS for a molecule without one; "" for what is no molecule."""
    found = {text: _scaffold(text) for text in set(texts)}
    return [found[text] for text in texts]


def _scaffold(text: str) -> str:
    try:
        return smiles.scaffold(text) or RINGLESS
    except DataError:
        return ""


def canonical(text: str) -> str:
    """The one SMILES of a molecule; what is no molecule as it is."""
    try:
        return smiles.canonical(text)
    except DataError:
        return text


def nearest(asked: Sequence[str], among: Sequence[str]) -> Nearest:
    """Of each molecule the one of `among` that has most of both their circular fragments (Tanimoto); no molecule is like none."""
    readable = np.array([descriptors.readable(one) for one in among], bool)
    places = np.flatnonzero(readable)
    base = descriptors.fingerprints([among[place] for place in places.tolist()], _RADIUS, _BITS) > 0
    identity, other = np.zeros(len(asked)), np.full(len(asked), -1, np.int64)
    wanted = np.flatnonzero([descriptors.readable(one) for one in asked])
    for rows in batches(len(wanted) if len(places) else 0, _AT_ONCE):
        own = wanted[rows]
        alike = _tanimoto(descriptors.fingerprints([asked[row] for row in own.tolist()], _RADIUS, _BITS) > 0, base)
        best = alike.argmax(1)
        identity[own], other[own] = alike[np.arange(len(own)), best], places[best]
    return Nearest(identity, np.where(identity > 0, other, -1))


def _tanimoto(first: Array, second: Array) -> Array:
    """float32 "N M": of the fragments that either has, the share that both have."""
    both = first.astype(np.float32) @ second.T.astype(np.float32)
    either = first.sum(1)[:, None] + second.sum(1)[None] - both
    return np.asarray(both / np.maximum(1, either))


def drawing(text: str, width: int = 220, height: int = 160) -> str:
    """The structural formula of a molecule as SVG. Raises DataError for what is no molecule; MissingExtra."""
    made = descriptors.molecule(text)
    if made is None:
        raise DataError(f"a SMILES of {len(text):,} letters is no molecule, and has no picture", hint=smiles.illegal(text))
    canvas = need("rdkit.Chem.Draw.rdMolDraw2D", "molecules").MolDraw2DSVG(width, height)
    canvas.DrawMolecule(made)
    canvas.FinishDrawing()
    return str(canvas.GetDrawingText())
