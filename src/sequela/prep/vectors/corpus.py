"""The sentences of an input as numbers of its vocabulary: what vectors of words are learnt from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sequela.errors import ConfigError
from sequela.types import Array, Ragged, Spec

UNKNOWN = 0  # the number of the words that the vocabulary lacks


@dataclass(frozen=True, slots=True)
class Corpus:
    """Words laid end to end; those that the vocabulary lacks are left out, so that their neighbours move together."""

    words: Array  # int64 "W": places in the vocabulary
    sentence: Array  # int64 "W": which sentence (row, or sentence of a row) each stands in, rising
    names: tuple[str, ...]  # V


def corpus(ragged: Ragged, spec: Spec) -> Corpus:
    """The words of these rows: a row is one sentence, or, where a step is a set of words, each of its steps.

    Raises ConfigError where the steps are no words or codes, or these have no names.
    """
    if not spec.vocabulary or len(spec.names) != spec.vocabulary:
        raise ConfigError(
            f"vectors are of words, and a step of {spec.kind!r} holds none with a name", hint='modality = "text" or "codes"'
        )
    index = np.arange(int(ragged.offsets[-1])) if ragged.take is None else ragged.take
    values = ragged.values[index]
    if values.ndim == 1 or spec.words is not None:
        words = values if values.ndim == 1 else values[:, 0]
        sentence = np.repeat(np.arange(len(ragged)), ragged.lengths)
    else:
        seen = np.ones(values.shape, bool) if ragged.seen is None else ragged.seen[index]
        words, sentence = values[seen], np.repeat(np.arange(len(values)), seen.sum(1))
    known = words != UNKNOWN
    return Corpus(words[known].astype(np.int64), sentence[known], spec.names)
