"""What is learnt of the training documents: words, characters and runs of words that enough subjects wrote, and usual sizes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sequela.modalities import _text_counts, _text_vocabulary
from sequela.modalities._text_counts import Runs
from sequela.modalities._text_cut import Cut
from sequela.modalities._text_documents import Documents
from sequela.modalities._text_vocabulary import Written
from sequela.prep.vocabulary import UNKNOWN
from sequela.text.documents import NOTE
from sequela.types import Array, Known


@dataclass(frozen=True, slots=True)
class Limits:
    """What has a number or a column."""

    subjects: int  # that must have it
    vocabulary: int  # words at most, the most frequent; 0: all
    longest: int  # run of words that has a column
    runs: int  # of each length, at most


def writers(documents: Documents, known: Known) -> Written:
    """Which training subject has which document; a subject with several rows is one."""
    subject = np.arange(known.count) if known.subject is None else known.subject
    return _text_vocabulary.written(documents.document, subject[documents.row], len(documents.texts))


def users(cut: Cut, by: Written) -> list[int]:
    """How many subjects have each form."""
    found: list[int] = _text_vocabulary.subjects(by, cut.document, cut.form, len(cut.forms)).tolist()
    return found


def vocabulary(cut: Cut, names: Sequence[str], by: Written, limits: Limits) -> tuple[list[str], list[int]]:
    """The tokens by number, 0 what is unknown, and how many subjects have each; `names` are what the forms are called."""
    each, which = _text_vocabulary.numbered(names)
    held = _text_vocabulary.subjects(by, cut.document, which[cut.form], len(each))
    found = _text_vocabulary.ranked(each, held, limits.subjects, limits.vocabulary)
    return [UNKNOWN, *(name for name, _ in found)], [0, *(count for _, count in found)]


def characters(cut: Cut, by: Written, limits: Limits) -> str:
    """The characters that enough subjects wrote, in order."""
    letters, form, letter = _text_vocabulary.characters(cut.forms)
    if not letters:
        return ""
    document, word = _distinct(cut.document, cut.form)
    count = np.bincount(form, minlength=len(cut.forms))[word]
    first = np.cumsum(np.bincount(form, minlength=len(cut.forms))) - np.bincount(form, minlength=len(cut.forms))
    place = np.repeat(first[word] - np.cumsum(count) + count, count) + np.arange(count.sum())
    held = _text_vocabulary.subjects(by, np.repeat(document, count), letter[place], len(letters))
    return "".join(sorted(name for name, _ in _text_vocabulary.ranked(letters, held, limits.subjects, 0)))


def _distinct(document: Array, form: Array) -> tuple[Array, Array]:
    """The distinct pairs of a document and a form in it."""
    size = int(form.max(initial=0)) + 1
    pairs = np.unique(document * size + form)
    return np.divmod(pairs, size)


def runs(cut: Cut, number: Array, size: int, by: Written, limits: Limits) -> list[Runs]:
    """The runs of words that have a column."""
    return _text_counts.learnt(_text_counts.of(cut, number, size), by, limits.longest, limits.subjects, limits.runs)


def code(documents: Documents, by: Written, fewest: int) -> str:
    """The code that most documents have, of those that enough subjects have; else that of a document of no category."""
    each, which = _text_vocabulary.numbered(documents.codes)
    held = _text_vocabulary.subjects(by, np.arange(len(which)), which.astype(np.int64), len(each))
    enough = [name for name, count in zip(each, held.tolist(), strict=True) if count >= fewest]
    return Counter(one for one in documents.codes if one in set(enough)).most_common(1)[0][0] if enough else NOTE
