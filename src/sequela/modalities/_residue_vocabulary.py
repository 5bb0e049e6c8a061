"""What has a number of its own: every letter of an alphabet, every k-mer where there are few; else what enough subjects have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sequela.modalities import _residue_steps, _text_vocabulary
from sequela.modalities._residue_steps import How
from sequela.modalities._text_documents import Documents
from sequela.modalities._text_vocabulary import Written
from sequela.prep.vocabulary import UNKNOWN
from sequela.residues import kmers, smiles
from sequela.residues.alphabets import ALPHABETS
from sequela.types import Array, Known

FEW = 10_000  # k-mers that all have a number: those of 6 letters of DNA, of 3 of a protein


@dataclass(frozen=True, slots=True)
class Limits:
    """What has a number or a column."""

    subjects: int  # that must have it
    most: int  # of them, the most frequent; 0: all


def fixed(how: How) -> list[str] | None:
    """The tokens by number, 0 what is unknown, where the alphabet alone tells them; None where they are to be learnt."""
    if how.alphabet == "smiles":
        return None
    alphabet = ALPHABETS[how.alphabet]
    if how.k == 1:
        return [UNKNOWN, *alphabet.legal]
    return [UNKNOWN, *kmers.every(how.k, alphabet.letters)] if len(alphabet.letters) ** how.k <= FEW else None


def learnt(texts: Sequence[str], by: Written, how: How, limits: Limits) -> list[str]:
    """The tokens by number, 0 what is unknown: those that enough training subjects have, the most frequent first."""
    if how.alphabet == "smiles":
        cut = smiles.cut(texts)
        sequence = np.repeat(np.arange(len(texts)), np.diff(cut.offsets))
        names, which = list(cut.forms), cut.form.astype(np.int64)
    else:
        letters, alphabet = _residue_steps.numbered(texts, how), ALPHABETS[how.alphabet].letters
        sequence, code = kmers.distinct(letters.number, letters.offsets, how.k, len(alphabet))
        each, which = np.unique(code, return_inverse=True)
        names = [kmers.spelt(one, how.k, alphabet) for one in each.tolist()]
    held = _text_vocabulary.subjects(by, sequence, which, len(names))
    return [UNKNOWN, *(name for name, _ in _text_vocabulary.ranked(names, held, limits.subjects, limits.most))]


def writers(documents: Documents, known: Known) -> Written:
    """Which training subject has which sequence; a subject with several rows is one."""
    subject: Array = np.arange(known.count) if known.subject is None else known.subject
    return _text_vocabulary.written(documents.document, subject[documents.row], len(documents.texts))
