"""Clinical text: a step for each word, or the words of each sentence or chunk; every step points back to its place in the source.

A row reads the documents known of it, in order of time, as one text. A word (text/words.py) that fewer than `min_subjects`
training subjects wrote is number 0, so that no rare string is kept.
With `characters`, a word is told by its number, its shape and its letters, so that one that training did not have is not lost
(Ma and Hovy 2016). Beside each word may stand whether it is negated, of the family, past or uncertain (NegEx, ConText). A step is
placed by its number in the row, not by time.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
import numpy as np
from msgspec import Meta

from sequela.config import Name, Strict
from sequela.errors import ConfigError, DataError
from sequela.modalities import (
    _text_counts,
    _text_documents,
    _text_example,
    _text_learning,
    _text_sentences,
    _text_steps,
    _text_vocabulary,
)
from sequela.modalities._text_counts import Runs
from sequela.modalities._text_cut import Cut, Cutter, How
from sequela.modalities._text_documents import Documents
from sequela.modalities._text_learning import Limits
from sequela.modalities._text_steps import Steps
from sequela.modalities._visits import Filled, Sets
from sequela.text.scope import SCOPES
from sequela.text.shapes import SHAPES
from sequela.types import Array, Known, Plain, Ragged, Spec, Wording

Scope: TypeAlias = Literal["negated", "family", "past", "uncertain"]


class Config(Strict, frozen=True):
    codes: Annotated[tuple[Name, ...], Meta(min_length=1)] = ("NOTE*",)  # patterns: which documents
    documents: Literal["all", "last"] = "all"  # of those that a row knows
    form: Literal["words", "sentences", "chunks"] = "words"  # a step is a word, or the words of a sentence, or of a chunk
    language: Literal["auto", "en", "zh"] = "auto"
    chinese: Literal["characters", "jieba"] = "characters"  # what a Chinese word is; jieba needs the extra "text"
    lower: bool = True  # words are one in lower case
    digits: bool = False  # words that differ by their digits are one: each digit is taken for 0
    stop_words: Literal["kept", "dropped"] = "kept"
    characters: Annotated[int, Meta(ge=0, le=100)] = 0  # of each word, beside its number; 0: none
    min_subjects: Annotated[int, Meta(ge=2)] = 2  # training subjects; a rarer word, character or run of words is unknown
    max_vocabulary: Annotated[int, Meta(ge=0)] = 0  # only so many words, the most frequent; 0: all
    max_steps: Annotated[int, Meta(ge=0)] = 0  # only so many steps of a row; 0: all
    keep: Literal["first", "last"] = "first"  # of a row with more steps
    max_words: Annotated[int, Meta(ge=1)] = 60  # of a sentence (a longer one goes on in the next step), or in each chunk
    side: tuple[Scope, ...] = ()  # what stands beside each word as 0 or 1, beside a sentence as the share of its words
    ngrams: Annotated[int, Meta(ge=1, le=5)] = 2  # the baselines count runs of up to so many words
    max_ngrams: Annotated[int, Meta(ge=0)] = 50_000  # of each length, the most frequent


class State(msgspec.Struct, frozen=True, kw_only=True):
    tokens: list[str]  # by number
    subjects: list[int]  # training subjects that wrote each
    letters: str  # the characters by number, from _text_vocabulary.FIRST on
    runs: list[Runs]  # of 2 words, of 3, ...
    code: str  # of an example's documents
    documents: float  # a row has, on average
    words: float  # a document has, on average
    widest: int  # words of the largest step
    longer: int  # training rows of which max_steps left something out


class Text:
    def __init__(self, config: Config) -> None:
        self.config = config
        self._cut = Cutter(_how(config))

    def fit(self, known: Known) -> State:
        """The vocabulary of the training documents.

        Raises DataError where there are none, or no word that enough subjects wrote.
        """
        documents = self._documents(known)
        cut = self._cut(documents.texts)
        if not len(cut.form):
            raise DataError(
                f"no training row has a document with words, of {known.count}",
                hint=f"looked for events with a text, of the codes {', '.join(self.config.codes)}: see the input's codes",
            )
        return self._learnt(known, documents, cut)

    def _learnt(self, known: Known, documents: Documents, cut: Cut) -> State:
        config, by = self.config, _text_learning.writers(documents, known)
        limits = Limits(config.min_subjects, config.max_vocabulary, config.ngrams, config.max_ngrams)
        names = self._names(cut)
        tokens, subjects = _text_learning.vocabulary(cut, names, by, limits)
        if len(tokens) < 2:
            raise DataError(
                f"no word of {len(documents.texts)} training documents was written by {config.min_subjects} subjects",
                hint="a vocabulary needs more subjects; is each document a subject of its own?",
            )
        number = _text_vocabulary.numbers(tokens, names)
        steps, _ = self._steps(cut, number)
        whole = _text_steps.laid(documents, steps.offsets, 0, last=False)
        return State(
            tokens=tokens,
            subjects=subjects,
            letters=_text_learning.characters(cut, by, limits) if config.characters else "",
            runs=_text_learning.runs(cut, number, len(tokens), by, limits),
            code=_text_learning.code(documents, by, config.min_subjects),
            documents=len(documents.row) / len(np.unique(documents.row)),
            words=len(cut.form) / len(documents.texts),
            widest=self._widest(cut),
            longer=int((np.diff(whole.offsets) > config.max_steps).sum()) if config.max_steps else 0,
        )

    def read(self, known: Known, state: State) -> Ragged:
        """The words, or sentences, of each row; one without a document has no steps."""
        documents = self._documents(known)
        cut = self._cut(documents.texts)
        number = _text_vocabulary.numbers(state.tokens, self._names(cut))
        steps, sets = self._steps(cut, number)
        found = _text_steps.laid(documents, steps.offsets, self.config.max_steps, last=self.config.keep == "last")
        return Ragged(
            offsets=found.offsets,
            values=self._values(cut, number, state) if sets is None else sets,
            position=found.position,
            seen=None if sets is None else Filled(sets),
            side=None if steps.side is None else steps.side[found.step],
            take=steps.entry[found.step],
            places=_text_steps.places(documents, steps, found),
        )

    def plain(self, known: Known, state: State) -> Plain:
        """Documents and words; how often each word and run of words occurs, negated ones apart where `side` has them."""
        documents = self._documents(known)
        cut = self._cut(documents.texts)
        number = _text_vocabulary.numbers(state.tokens, self._names(cut))
        words = _text_counts.of(cut, number, len(state.tokens), "negated" in self.config.side)
        return _text_counts.plain(documents, cut, words, state.tokens, state.runs)

    def spec(self, state: State) -> Spec:
        """A sentence that is read later may be larger than `shape`, which is that of the training part."""
        letters = self.config.characters
        shape = (2 + letters,) if letters else () if self.config.form == "words" else (state.widest,)
        return Spec(
            "text",
            shape,
            "index",
            tuple(state.tokens),
            vocabulary=len(state.tokens),
            side=len(self.config.side),
            words=Wording(SHAPES, _text_vocabulary.FIRST + len(state.letters)) if letters else None,
        )

    def example(self, state: State, rows: int, seed: int) -> Known:
        """Documents of words drawn one by one by how many training subjects wrote them; no patient's document."""
        return _text_example.known(state.tokens, state.subjects, state.code, (state.documents, state.words), rows, seed)

    def _documents(self, known: Known) -> Documents:
        return _text_documents.documents(known, self.config.codes, last=self.config.documents == "last")

    def _names(self, cut: Cut) -> list[str]:
        """What the vocabulary calls each form."""
        return _text_vocabulary.normalised(cut.forms, self.config.lower, self.config.digits)

    def _steps(self, cut: Cut, number: Array) -> tuple[Steps, Sets | None]:
        """The steps of the documents; of sentences and chunks with the words of each."""
        config = self.config
        scopes = [SCOPES.index(name) for name in config.side]
        side = cut.flags[:, scopes].astype(np.float32) if scopes else None
        if config.form == "words":
            return Steps(cut.offsets, cut.begin, cut.end, cut.form.astype(np.int64), side), None
        return _text_sentences.gathered(cut, number[cut.form], side, config.max_words, sentences=config.form == "sentences")

    def _values(self, cut: Cut, number: Array, state: State) -> Array:
        """Each form as integers, "M" or "M 2+C"."""
        if not self.config.characters:
            return number
        return np.concatenate([number[:, None], _text_vocabulary.spelt(cut.forms, state.letters, self.config.characters)], 1)

    def _widest(self, cut: Cut) -> int:
        _, sets = self._steps(cut, np.zeros(len(cut.forms), np.int32))
        return 1 if sets is None else sets.shape[1]


def _how(config: Config) -> How:
    return How(config.language, config.chinese, config.form == "sentences", bool(config.side), config.stop_words == "dropped")


def build(config: Config) -> Text:
    """Raises ConfigError where characters are asked for of steps that are sentences."""
    if config.characters and config.form != "words":
        raise ConfigError(
            f'text: characters needs form = "words", and it is "{config.form}": a step is then many words',
            hint="leave characters out",
        )
    return Text(config)
