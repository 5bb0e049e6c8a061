"""Documents cut into subwords, by a tokenizer that is trained on the training documents or that the user has in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from sequela.errors import ConfigError
from sequela.modalities._text_cut import Cut, How
from sequela.modalities._text_documents import Documents
from sequela.modalities._text_vocabulary import Written
from sequela.text import subwords
from sequela.text.documents import BETWEEN
from sequela.text.scope import SCOPES, scopes_of
from sequela.text.subwords import Pieces, Subwords
from sequela.text.words import Cuts, Language, words_of
from sequela.types import Array

Kind: TypeAlias = Literal["bpe", "wordpiece"]
FOLDER = "hf:"  # before the folder of a tokenizer


@dataclass(frozen=True, slots=True)
class Training:
    """How subwords are learnt."""

    kind: Kind
    size: int  # at most so many
    subjects: int  # that must have written a word whose pieces are learnt
    lower: bool


def trained(documents: Documents, by: Written, how: Training) -> Subwords:
    """Subwords of the words that enough training subjects wrote."""
    held = (by.indices[first:end] for first, end in pairwise(by.indptr.tolist()))
    of_subjects = (BETWEEN.join(documents.texts[one] for one in documents_of) for documents_of in held)
    return subwords.train(of_subjects, how.kind, size=how.size, min_texts=how.subjects, lower=how.lower)


def given(tokenizer: str) -> Subwords:
    """The tokenizer of "hf:FOLDER". Raises ConfigError for a name that is no folder, DataError for one without a tokenizer."""
    if not tokenizer.startswith(FOLDER) or not tokenizer.removeprefix(FOLDER):
        raise ConfigError(
            f"text: tokenizer = {tokenizer!r} names no folder",
            hint='write "hf:FOLDER", with the path of a folder that holds a tokenizer.json; nothing is fetched',
        )
    return subwords.load(Path(tokenizer.removeprefix(FOLDER)).expanduser())


def cut(texts: tuple[str, ...], how: How, by: Subwords) -> Cut:
    """The subwords of documents; what a tokenizer adds around a text is none of them."""
    pieces = by.encode(texts)
    flags = np.zeros((len(pieces.id), 0), bool)
    if how.scoped:
        each = enumerate(zip(texts, words_of(texts, how.language), strict=True))
        scoped = [_flags(text, cuts, pieces, number, how.language) for number, (text, cuts) in each]
        flags = np.concatenate([np.zeros((0, len(SCOPES)), bool), *scoped])
    found = Cut(
        offsets=pieces.offsets,
        begin=pieces.begin,
        end=pieces.end,
        form=pieces.id,
        forms=by.names,
        opens=np.zeros(len(pieces.id), bool),
        flags=flags,
    )
    return found.keep(pieces.end > pieces.begin)


def _flags(text: str, cuts: Cuts, pieces: Pieces, number: int, language: Language) -> Array:
    """The flags of each piece of a text: those of the word in which it begins."""
    own = slice(*pieces.offsets[number : number + 2])
    word = np.searchsorted(cuts.begin, pieces.begin[own], side="right") - 1
    return np.asarray(scopes_of(text, cuts, language)[np.maximum(word, 0)])
