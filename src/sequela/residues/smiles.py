"""Molecules as SMILES: their tokens, and by RDKit (the extra "molecules") what they mean.

A token is an atom, a bond, a branch or a ring closure (the atom-wise expression of Schwaller 2018, Found in Translation):
`[nH+]` and `Cl` are one, `C1` are two. Whether the tokens make a molecule is known to RDKit alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sequela.errors import DataError
from sequela.extras import need
from sequela.residues import alphabets
from sequela.residues.descriptors import molecule
from sequela.types import Array

TOKEN = re.compile(r"\[[^\]]+]|Br?|Cl?|N|O|S|P|F|I|b|c|n|o|s|p|\(|\)|\.|=|#|-|\+|\\|/|:|~|@|\?|>|\*|\$|%[0-9]{2}|[0-9]")


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of M SMILES laid end to end; number i has offsets[i]:offsets[i+1]."""

    offsets: Array  # int64 "M+1"
    begin: Array  # int32 "U": letters before it in its SMILES
    end: Array  # int32 "U": up to and with its last one
    form: Array  # int32 "U": which of the forms
    forms: tuple[str, ...]  # the distinct tokens, as they come


def tokens(text: str) -> list[str]:
    """The tokens of one SMILES, without what is none.

    >>> tokens("C[nH+]Cl%10")
    ['C', '[nH+]', 'Cl', '%10']
    """
    return TOKEN.findall(text)


def cut(texts: Sequence[str]) -> Tokens:
    """The tokens of these SMILES, with their places."""
    number: dict[str, int] = {}
    begin, end, form, count = [], [], [], [0]
    for text in texts:
        for match in TOKEN.finditer(text):
            begin.append(match.start())
            end.append(match.end())
            form.append(number.setdefault(match[0], len(number)))
        count.append(len(begin))
    first, last, which = (np.array(each, np.int32) for each in (begin, end, form))
    return Tokens(np.array(count, np.int64), first, last, which, tuple(number))


def illegal(text: str) -> str:
    """How many letters belong to no token, which, and where the first stands; "" where all do."""
    if sum(map(len, tokens(text))) == len(text):
        return ""
    held = np.zeros(len(text), bool)
    for match in TOKEN.finditer(text):
        held[match.start() : match.end()] = True
    return alphabets.told(text, np.flatnonzero(~held).tolist(), "token of a SMILES")


def valid(text: str) -> bool:
    """Whether RDKit reads it as a molecule, valences and all; an empty text is none. Raises MissingExtra without RDKit."""
    return molecule(text) is not None


def canonical(text: str) -> str:
    """The one SMILES that RDKit writes for this molecule. Raises DataError for what is no molecule; MissingExtra."""
    found: str = _chem().MolToSmiles(_molecule(text))
    return found


def randomised(text: str, seed: int) -> str:
    """Another SMILES of the same molecule: the seed tells at which atom it begins and in what order it goes on (Arús-Pous 2019).

    Raises DataError for what is no molecule; MissingExtra.
    """
    (found,) = _chem().MolToRandomSmilesVect(_molecule(text), 1, randomSeed=seed & 0x7FFFFFFF)
    return str(found)


def scaffold(text: str) -> str:
    """The rings and what links them, as a SMILES without stereochemistry; "" of a molecule without rings (Bemis and Murcko 1996).

    Raises DataError for what is no molecule; MissingExtra.
    """
    murcko = need("rdkit.Chem.Scaffolds.MurckoScaffold", "molecules")
    found: str = murcko.MurckoScaffoldSmiles(mol=_molecule(text), includeChirality=False)
    return found


def _chem() -> Any:
    return need("rdkit.Chem", "molecules")


def _molecule(text: str) -> Any:
    found = molecule(text)
    if found is None:
        raise DataError(f"a SMILES of {len(text):,} letters is no molecule", hint=illegal(text) or "its tokens are legal")
    return found
