"""Molecules as numbers: physical and topological descriptors, and Morgan fingerprints, by RDKit (extra `molecules`).

Of RDKit's list of descriptors those stay out that cost more than all others together (BCUT2D, Ipc, AvgIpc, BertzCT, SPS, qed).
Fingerprints count each atom's surroundings up to a radius, folded to so many columns (Rogers & Hahn 2010, extended connectivity).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from sequela.extras import need
from sequela.types import Array

COSTLY = ("BCUT2D", "Ipc", "AvgIpc", "BertzCT", "SPS", "qed")  # how their names begin
KNOWN = (  # ethanol, benzene, aspirin, caffeine, paracetamol, ibuprofen, glucose, penicillin G, nicotine, metformin
    "CCO", "c1ccccc1", "CC(=O)Oc1ccccc1C(=O)O", "Cn1cnc2c1c(=O)n(C)c(=O)n2C", "CC(=O)Nc1ccc(O)cc1", "CC(C)Cc1ccc(cc1)C(C)C(=O)O",
    "OCC1OC(O)C(O)C(O)C1O", "CC1(C)SC2C(NC(=O)Cc3ccccc3)C(=O)N2C1C(=O)O", "CN1CCCC1c1cccnc1", "CN(C)C(=N)NC(=N)N",
)  # fmt: skip


def names() -> tuple[str, ...]:
    """The descriptors, in their order. Raises MissingExtra without RDKit."""
    return tuple(name for name, _ in _functions())


def described(smiles: Sequence[str]) -> Array:
    """Descriptors, float64 "M P"; NaN where one is undefined, and throughout for what is no molecule."""
    return np.stack([_described(one) for one in smiles]) if len(smiles) else np.zeros((0, len(names())))


def fingerprints(smiles: Sequence[str], radius: int, bits: int) -> Array:
    """How often each folded surrounding occurs, uint16 "M bits"; 0 throughout for what is no molecule."""
    generator = need("rdkit.Chem.rdFingerprintGenerator", "molecules").GetMorganGenerator(radius=radius, fpSize=bits)
    found = np.zeros((len(smiles), bits), np.uint16)
    for row, one in enumerate(smiles):
        made = molecule(one)
        if made is not None:
            found[row] = np.minimum(generator.GetCountFingerprintAsNumPy(made), np.iinfo(np.uint16).max)
    return found


@lru_cache(maxsize=1 << 16)
def readable(smiles: str) -> bool:
    """Whether a SMILES is a molecule with atoms whose valences are possible."""
    return molecule(smiles) is not None


def molecule(smiles: str) -> Any:
    """RDKit's molecule; None for what is none. Its own complaints are not printed."""
    chem, blocked = need("rdkit.Chem", "molecules"), need("rdkit.rdBase", "molecules").BlockLogs()
    made = chem.MolFromSmiles(smiles)
    del blocked
    return made if made is not None and made.GetNumAtoms() else None


@lru_cache(maxsize=1 << 14)
def _described(smiles: str) -> Array:
    made = molecule(smiles)
    if made is None:
        return np.full(len(names()), np.nan)
    values = np.array([function(made) for _, function in _functions()], np.float64)
    return np.where(np.isfinite(values), values, np.nan)


@lru_cache(maxsize=1)
def _functions() -> tuple[tuple[str, Callable[[Any], float]], ...]:
    every = need("rdkit.Chem.Descriptors", "molecules").descList
    return tuple((name, function) for name, function in every if not name.startswith(COSTLY))
