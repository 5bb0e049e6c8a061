"""Clinical text: a step for each word, or the words of each sentence or chunk; every step points back to its place in the source.

A row reads the documents known of it, in order of time, as one text. A word (text/words.py) that fewer than `min_subjects`
training subjects wrote is number 0, so that no rare string is kept.
With `characters`, a word is told by its number, its shape and its letters, so that one that training did not have is not lost
(Ma and Hovy 2016). Beside each word may stand whether it is negated, of the family, past or uncertain (NegEx, ConText). A step is
placed by its number in the row, not by time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

import msgspec
import numpy as np
from msgspec import Meta

from sequela.config import Name, Strict
from sequela.errors import ConfigError, DataError
from sequela.modalities import (
    _text_columns,
    _text_counts,
    _text_documents,
    _text_example,
    _text_learning,
    _text_pieces,
    _text_sentences,
    _text_steps,
    _text_vocabulary,
)
from sequela.modalities._text_counts import Runs
from sequela.modalities._text_cut import Cut, How
from sequela.modalities._text_cutter import Cutter, Numbered
from sequela.modalities._text_documents import Documents
from sequela.modalities._text_example import Like
from sequela.modalities._text_learning import Limits
from sequela.modalities._text_pieces import Kind, Training
from sequela.modalities._text_sections import Headings
from sequela.modalities._text_steps import Laid, Steps
from sequela.modalities._text_vocabulary import Written
from sequela.modalities._visits import Filled, Sets
from sequela.text.scope import SCOPES
from sequela.text.shapes import SHAPES
from sequela.text.subwords import Subwords
from sequela.types import Array, Known, Plain, Ragged, Spec, Wording

Scope: TypeAlias = Literal["negated", "family", "past", "uncertain"]

# options that have a meaning for one form alone; for whole words; for subwords that are learnt
ALONE = {"characters": "words", "tokenizer": "subwords", "size": "subwords", "subwords": "subwords"}
WHOLE = ("digits", "stop_words", "chinese", "max_vocabulary")
LEARNT = ("lower", "size", "subwords")
LONGEST = 200_000  # steps of a row that are read without max_steps: a long book; no note is longer


class Config(Strict, frozen=True):
    codes: Annotated[tuple[Name, ...], Meta(min_length=1)] = ("NOTE*",)  # patterns: which documents
    documents: Literal["all", "last"] = "all"  # of those that a row knows
    form: Literal["words", "subwords", "sentences", "chunks"] = "words"  # a step is one, or the words of a sentence or a chunk
    sections: tuple[str, ...] = ()  # headings: only what stands under them, "family history*"; "": what stands before the first
    without_sections: tuple[str, ...] = ()  # headings: nothing of what stands under them
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
    subwords: Kind = "bpe"  # how they are learnt of the training documents
    size: Annotated[int, Meta(ge=50, le=100_000)] = 8_000  # subwords, at most
    tokenizer: str = ""  # instead of learning subwords: "hf:FOLDER", which holds a tokenizer.json
    side: tuple[Scope, ...] = ()  # what stands beside each word as 0 or 1, beside a sentence as the share of its words
    ngrams: Annotated[int, Meta(ge=1, le=5)] = 2  # the baselines count runs of up to so many words
    max_ngrams: Annotated[int, Meta(ge=0)] = 50_000  # of each length, the most frequent


class State(msgspec.Struct, frozen=True, kw_only=True):
    tokens: list[str]  # by number
    subjects: list[int]  # training subjects that wrote each
    tokenizer: str  # of subwords, as JSON; "" of words
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
        how = How(config.language, config.chinese, config.form == "sentences", bool(config.side), config.stop_words == "dropped")
        headings = Headings(config.sections, config.without_sections)
        self._cutter = Cutter(how, headings, lower=config.lower, digits=config.digits)

    def fit(self, known: Known) -> State:
        """The vocabulary of the training documents.

        Raises DataError where there are none, or no word that enough subjects wrote.
        """
        documents = self._documents(known)
        by = _text_learning.writers(documents, known)
        subwords = self._subwords(documents, by) if self.config.form == "subwords" else None
        cut = self._cutter.cut(documents.texts, subwords)
        if not len(cut.form):
            raise DataError(
                f"no training row has a document with words, of {known.count}",
                hint=f"looked for events with a text, of the codes {', '.join(self.config.codes)}: see the input's codes",
            )
        return self._learnt(documents, cut, by, subwords)

    def _subwords(self, documents: Documents, by: Written) -> Subwords:
        config = self.config
        if config.tokenizer:
            return _text_pieces.given(config.tokenizer)
        return _text_pieces.trained(documents, by, Training(config.subwords, config.size, config.min_subjects, config.lower))

    def _learnt(self, documents: Documents, cut: Cut, by: Written, subwords: Subwords | None) -> State:
        config = self.config
        limits = Limits(config.min_subjects, config.max_vocabulary, config.ngrams, config.max_ngrams)
        if subwords is None:
            tokens, subjects = _text_learning.vocabulary(cut, self._cutter.named(cut), by, limits)
        else:
            tokens, subjects = list(subwords.names), _text_learning.users(cut, by)
        if not any(subjects):
            raise DataError(
                f"no word of {len(documents.texts)} training documents was written by {config.min_subjects} subjects",
                hint="a vocabulary needs more subjects; is each document a subject of its own?",
            )
        tokenizer = "" if subwords is None else subwords.state()
        numbered = self._cutter.numbered(documents.texts, tokens, tokenizer)
        steps, sets = self._steps(numbered)
        known = _text_steps.lengths(documents, steps.offsets)
        return State(
            tokens=tokens,
            subjects=subjects,
            tokenizer=tokenizer,
            letters=_text_learning.characters(cut, by, limits) if config.characters else "",
            runs=_text_learning.runs(cut, numbered.known, len(tokens), by, limits),
            code=_text_learning.code(documents, by, config.min_subjects),
            documents=len(documents.row) / len(np.unique(documents.row)),
            words=len(cut.form) / len(documents.texts),
            widest=1 if sets is None else sets.shape[1],
            longer=int((known > config.max_steps).sum()) if config.max_steps else 0,
        )

    def read(self, known: Known, state: State) -> Ragged:
        """The words, or sentences, of each row; one without a document has no steps."""
        documents, numbered = self._told(known, state)
        steps, sets = self._steps(numbered)
        found = self._laid(documents, steps)
        return Ragged(
            offsets=found.offsets,
            values=self._values(numbered, state) if sets is None else sets,
            position=found.position,
            seen=None if sets is None else Filled(sets),
            side=None if steps.side is None else steps.side[found.step],
            take=steps.entry[found.step],
            places=_text_steps.places(documents, steps, found),
        )

    def plain(self, known: Known, state: State) -> Plain:
        """Documents and words; how often each word and run of words occurs, negated ones apart where `side` has them."""
        documents, numbered = self._told(known, state)
        words = _text_counts.of(numbered.cut, numbered.known, len(state.tokens), "negated" in self.config.side)
        return _text_counts.plain(documents, numbered.cut, words, state.tokens, state.runs)

    def plain_steps(self, known: Known, state: State) -> Plain:
        """How long each step is and where it stands, how common its words are, and their shapes."""
        documents, numbered = self._told(known, state)
        steps, _ = self._steps(numbered)
        held = np.array(state.subjects)[numbered.known]
        return _text_columns.columns(numbered.cut, held, steps.bounds, self._laid(documents, steps))

    def refused(self, known: Known, state: State) -> list[str]:
        """Why a row cannot be judged: it has more steps than are read at once, and `max_steps` does not say which of them are."""
        documents = self._documents(known)
        if self.config.max_steps or (documents.characters() <= LONGEST).all():  # a step has a character or more
            return [""] * known.count
        _, numbered = self._told(known, state)
        steps = _text_steps.lengths(documents, self._steps(numbered)[0].offsets).tolist()
        long = f"steps, and {LONGEST:,} are read at once: max_steps says how many of them are"
        return [f"its text has {count:,} {long}" if count > LONGEST else "" for count in steps]

    def shortened(self, state: State) -> int:
        """How many training rows have more than `max_steps` steps."""
        return state.longer

    def spec(self, state: State) -> Spec:
        """A sentence that is read later may be larger than `shape`, which is that of the training part."""
        letters = self.config.characters
        shape = (2 + letters,) if letters else () if self.config.form in ("words", "subwords") else (state.widest,)
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
        heading = next(iter(self.config.sections), "").strip("*").upper()
        like = Like(state.code, heading, state.documents, state.words)
        return _text_example.known(state.tokens, state.subjects, like, rows, seed)

    def _documents(self, known: Known) -> Documents:
        return _text_documents.documents(known, self.config.codes, last=self.config.documents == "last")

    def _told(self, known: Known, state: State) -> tuple[Documents, Numbered]:
        documents = self._documents(known)
        return documents, self._cutter.numbered(documents.texts, state.tokens, state.tokenizer)

    def _steps(self, numbered: Numbered) -> tuple[Steps, Sets | None]:
        """The steps of the documents; of sentences and chunks with the words of each."""
        config, cut = self.config, numbered.cut
        scopes = [SCOPES.index(name) for name in config.side]
        side = cut.flags[:, scopes].astype(np.float32) if scopes else None
        if config.form in ("words", "subwords"):
            each = np.arange(len(cut.form) + 1)
            return Steps(cut.offsets, cut.begin, cut.end, cut.form.astype(np.int64), side, each), None
        token = numbered.number[cut.form]
        return _text_sentences.gathered(cut, token, side, config.max_words, sentences=config.form == "sentences")

    def _laid(self, documents: Documents, steps: Steps) -> Laid:
        return _text_steps.laid(documents, steps.offsets, self.config.max_steps, last=self.config.keep == "last")

    def _values(self, numbered: Numbered, state: State) -> Array:
        """Each form as integers, "M" or "M 2+C"."""
        if not self.config.characters:
            return numbered.number
        spelt = _text_vocabulary.spelt(numbered.cut.forms, state.letters, self.config.characters)
        return np.concatenate([numbered.number[:, None], spelt], 1)


def _refused(config: Config) -> Iterator[tuple[str, str]]:
    """Options that do not go with the others, and why."""
    plain = Config()
    for name in (*ALONE, *WHOLE, *LEARNT):
        if getattr(config, name) == getattr(plain, name):
            continue
        if ALONE.get(name, config.form) != config.form:
            yield name, f'is of form = "{ALONE[name]}", and it is "{config.form}"'
        if name in WHOLE and config.form == "subwords":
            yield name, 'is of whole words, and form is "subwords"'
        if name in LEARNT and config.tokenizer:
            yield name, "is of subwords that are learnt, and a tokenizer is given"
    if len(set(config.side)) < len(config.side):
        yield "side", "names a scope twice"


def build(config: Config) -> Text:
    """Raises ConfigError for options that do not go together."""
    for name, reason in _refused(config):
        raise ConfigError(f"text: {name} {reason}", hint=f"leave {name} out")
    return Text(config)
