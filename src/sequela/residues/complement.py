"""The other strand: what pairs with each letter, read backwards; a code for several letters becomes that of their partners."""

from __future__ import annotations

from collections.abc import Mapping

from sequela.errors import DataError
from sequela.residues import alphabets
from sequela.residues.alphabets import ALPHABETS

_FROM, _TO = "ACGTRYSWKMBDHVN-.", "TGCAYRSWMKVHDBN-."  # R = A or G pairs with Y = T or C, and so on (Cornish-Bowden 1985)
PARTNERS: Mapping[str, Mapping[str, str]] = {
    "dna": dict(zip(_FROM, _TO, strict=True)),
    "rna": dict(zip(_FROM.replace("T", "U"), _TO.replace("T", "U"), strict=True)),
}  # alphabet -> letter -> what pairs with it
_TABLES = {
    name: str.maketrans(dict(partners) | {letter.lower(): partner.lower() for letter, partner in partners.items()})
    for name, partners in PARTNERS.items()
}


def reverse_complement(text: str, alphabet: str = "dna") -> str:
    """The other strand of a sequence of "dna" or "rna", in its own direction; what is in lower case stays so.

    Raises DataError for a letter that is none of the alphabet's.

    >>> reverse_complement("AACGn")
    'nCGTT'
    """
    wrong = alphabets.illegal(text, ALPHABETS[alphabet])
    if wrong:
        raise DataError(wrong)
    return text.translate(_TABLES[alphabet])[::-1]
