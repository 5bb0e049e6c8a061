"""DNA, RNA, proteins and molecules: a step for each letter, run of letters (k-mer) or token of a SMILES.

A row reads one sequence, the last that it knows, whole: the text of the event SEQUENCE//<name>. Every step points back to its
letters. The vocabulary of letters, and of k-mers where there are at most 10,000, is that of the alphabet; longer k-mers and the
tokens of SMILES have a number where `min_subjects` training subjects have them. Number 0 is what is unknown: of k-mers also one
with a letter that is not certain. A sequence that is in many rows (a protein with a hundred drugs) is cut and held once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from sequela.config import Strict
from sequela.errors import ConfigError, DataError
from sequela.modalities import (
    _residue_columns,
    _residue_counts,
    _residue_example,
    _residue_steps,
    _residue_vocabulary,
    _sequences,
    _text_documents,
)
from sequela.modalities._residue_counts import Units
from sequela.modalities._residue_steps import How, Keep, Laid, Steps
from sequela.modalities._residue_vocabulary import Limits
from sequela.modalities._text_documents import Documents
from sequela.residues import alphabets, kmers, smiles
from sequela.residues.alphabets import ALPHABETS, BEGIN, END
from sequela.types import Array, Known, Plain, Ragged, Spec

LONGEST = 50_000  # steps of a row that are read without max_steps: the longest protein of man, titin, has 35,000 residues
SMILES = "smiles"
ALPHABET_NAMES = (*ALPHABETS, SMILES)


class Config(Strict, frozen=True):
    sequence: str = ""  # the name of SEQUENCE//<name>; left out: of the one that the data has
    alphabet: Literal["", "dna", "rna", "protein", "smiles"] = ""  # left out: what `sequence` is called
    form: Literal["", "letters", "kmers", "tokens"] = ""  # left out: tokens of SMILES, letters of all else
    k: Annotated[int, Meta(ge=2, le=31)] = 3  # letters of a k-mer
    stride: Annotated[int, Meta(ge=1)] = 1  # letters from one k-mer to the next
    masked: Literal["letters", "unknown"] = "letters"  # what a letter in lower case is taken for
    illegal: Literal["refused", "unknown"] = "refused"  # a row with what is no letter of the alphabet; or the letter alone
    min_subjects: Annotated[int, Meta(ge=2)] = 2  # training subjects; what fewer have has no number or column of its own
    max_vocabulary: Annotated[int, Meta(ge=0)] = 0  # only so many tokens or long k-mers, the most frequent; 0: all
    max_steps: Annotated[int, Meta(ge=0)] = 0  # only so many steps of a row; 0: all
    keep: Keep = "begin"  # of a row with more steps; ends: half of them where it begins, half where it ends
    ngrams: Annotated[int, Meta(ge=1, le=8)] = 3  # the baselines count runs of up to so many letters or tokens
    max_ngrams: Annotated[int, Meta(ge=0)] = 10_000  # of each length, the most frequent; 0: all
    aligned: bool = False  # all are of one length, a letter's place means the same in each: baselines see which stands where
    window: Annotated[int, Meta(ge=0, le=50)] = 7  # baselines that judge steps see so many before and after each
    marks: bool = False  # a step before the first letter or token and one after the last: the task generate learns where to end


class State(msgspec.Struct, frozen=True, kw_only=True):
    code: str  # of the event
    tokens: list[str]  # by number
    units: list[str]  # letters or tokens of an example
    often: list[float]  # the share of each of them in the training sequences
    length: float  # of a training sequence in these units, on average
    runs: list[list[int]]  # of 1, of 2, ... units: the codes (residues/kmers.py) of those that have a column
    longer: int  # training rows of which max_steps left something out


class Residues:
    def __init__(self, config: Config) -> None:
        self.config = config
        self._alphabet = config.alphabet or config.sequence
        self._how = How(
            alphabet=self._alphabet,
            k=config.k if config.form == "kmers" else 1,
            stride=config.stride,
            masked=config.masked == "unknown",
        )

    def fit(self, known: Known) -> State:
        """The vocabulary, and what is usual of the training sequences that are legal.

        Raises DataError where there are none, and ConfigError where the data has several kinds and the input does not say which.
        """
        code = _sequences.named(known, self.config.sequence)
        documents = self._learnable(_text_documents.documents(known, (code,), last=True), known.count)
        by, config = _residue_vocabulary.writers(documents, known), self.config
        limits = Limits(config.min_subjects, config.max_vocabulary)
        tokens = _residue_vocabulary.fixed(self._how) or _residue_vocabulary.learnt(documents.texts, by, self._how, limits)
        if len(tokens) == 1:
            raise DataError(f"{len(documents.texts)} training sequences have no token that {config.min_subjects} subjects have")
        units = _residue_counts.units(documents.texts, self._how, tokens)
        if config.aligned:
            _one_length(documents.texts)
        tokens += [BEGIN, END] if config.marks else []
        steps = self._steps(documents.texts, tokens)
        return State(
            code=code,
            tokens=tokens,
            units=list(units.names),
            often=_often(units),
            length=len(units.number) / len(documents.texts),
            runs=_residue_counts.learnt(units, by, config.ngrams, Limits(config.min_subjects, config.max_ngrams)),
            longer=int((_residue_steps.lengths(documents, steps) > config.max_steps).sum()) if config.max_steps else 0,
        )

    def read(self, known: Known, state: State) -> Ragged:
        """The steps of each row; one without a sequence has none."""
        documents, steps, rows = self._told(known, state)
        once = len(rows.step) == len(steps.number) and bool((rows.step[:-1] < rows.step[1:]).all())
        return Ragged(
            offsets=rows.offsets,
            values=steps.number,
            position=rows.position,
            take=None if once else rows.step,
            places=_residue_steps.places(documents, steps, rows),
            same=_same(documents),
        )

    def plain(self, known: Known, state: State) -> Plain:
        """How long each sequence is, of what letters, how often each run of these occurs; of aligned ones what is where."""
        documents = self._documents(known, state)
        letters = state.tokens[:-2] if self.config.marks else state.tokens
        units = _residue_counts.units(documents.texts, self._how, letters)
        found = _residue_counts.plain(documents, units, self._how, state.runs)
        if not self.config.aligned:
            return found
        return replace(found, counts=(*found.counts, _residue_counts.by_place(documents, units, round(state.length))))

    def plain_steps(self, known: Known, state: State) -> Plain:
        """Where each step stands, and which stand around it, `window` before and after."""
        _, steps, rows = self._told(known, state)
        return _residue_columns.columns(steps, rows, state.tokens, self.config.window)

    def refused(self, known: Known, state: State) -> list[str]:
        """Why a row cannot be judged: letters that are none, more steps than are read at once, or another length than aligned."""
        documents = self._documents(known, state)
        found = [""] * known.count
        aligned = round(state.length) if self.config.aligned else 0
        reasons = [self._reason(text) or _misaligned(text, aligned) for text in documents.texts]
        for row, document in zip(documents.row.tolist(), documents.document.tolist(), strict=True):
            found[row] = reasons[document]
        return found

    def shortened(self, state: State) -> int:
        """How many training rows have more than `max_steps` steps."""
        return state.longer

    def spec(self, state: State) -> Spec:
        tokens = tuple(state.tokens)
        return Spec("residues", (), "index", tokens, vocabulary=len(tokens), alphabet=self._alphabet, length=self._length(state))

    def _length(self, state: State) -> int:
        """How many steps each row has; 0 where they may differ."""
        if not self.config.aligned:
            return 0
        steps = int(self._steps(["N" * round(state.length)], state.tokens).offsets[-1])
        return min(steps, self.config.max_steps or steps)

    def example(self, state: State, rows: int, seed: int) -> Known:
        """Sequences of letters or tokens drawn one by one by how often the training sequences have them; nobody's sequence."""
        draw = _residue_example.aligned if self.config.aligned else _residue_example.known
        return draw(state.units, state.often, state.length, state.code, rows, seed)

    def _documents(self, known: Known, state: State) -> Documents:
        return _text_documents.documents(known, (state.code,), last=True)

    def _told(self, known: Known, state: State) -> tuple[Documents, Steps, Laid]:
        documents = self._documents(known, state)
        steps = self._steps(documents.texts, state.tokens)
        return documents, steps, _residue_steps.laid(documents, steps, self.config.max_steps, self.config.keep)

    def _steps(self, texts: Sequence[str], tokens: Sequence[str]) -> Steps:
        steps = _residue_steps.steps(texts, self._how, tokens)
        return _residue_steps.between_marks(steps, texts, len(tokens) - 2, len(tokens) - 1) if self.config.marks else steps

    def _learnable(self, documents: Documents, rows: int) -> Documents:
        """Those that are not refused: a row of a sequence that is learns nothing and is not judged."""
        reasons = list(map(self._reason, documents.texts))
        kept = np.array([not reason for reason in reasons], bool)
        if not kept.any():
            refused = f": {next(iter(reasons))}" if reasons else ""
            raise DataError(
                f"no training row has a sequence of {self._alphabet} that can be read, of {rows}{refused}",
                hint="see the input's sequence and alphabet" + (', or illegal = "unknown"' if reasons else ""),
            )
        number = np.cumsum(kept) - 1
        mine = kept[documents.document]
        texts, codes = (
            tuple(one for one, keep in zip(each, kept, strict=True) if keep) for each in (documents.texts, documents.codes)
        )
        return Documents(texts, codes, documents.row[mine], number[documents.document[mine]], documents.rows)

    def _reason(self, text: str) -> str:
        """Why this sequence cannot be read; "" where it can."""
        wrong = "" if self.config.illegal == "unknown" else self._illegal(text)
        return f"in its sequence, {wrong}" if wrong else self._long(text)

    def _illegal(self, text: str) -> str:
        return smiles.illegal(text) if self._alphabet == SMILES else alphabets.illegal(text, ALPHABETS[self._alphabet])

    def _long(self, text: str) -> str:
        if self.config.max_steps or len(text) <= LONGEST:  # a step has a letter or more
            return ""
        count = int(_residue_steps.steps([text], self._how, [""]).offsets[-1])
        long = f"steps, and {LONGEST:,} are read at once: max_steps says how many of them are"
        return f"its sequence has {count:,} {long}" if count > LONGEST else ""


def _one_length(texts: Sequence[str]) -> None:
    """Raises DataError where these sequences are not aligned."""
    lengths = sorted(map(len, texts))
    if lengths[0] != lengths[-1]:
        raise DataError(
            f"training sequences of {lengths[0]:,} to {lengths[-1]:,} letters are not aligned",
            hint="leave out aligned, or cut them to one length",
        )


def _misaligned(text: str, length: int) -> str:
    """Why it does not stand beside the training sequences of this length (0: none is asked); "" where it does."""
    if not length or len(text) == length:
        return ""
    return f"its sequence has {len(text):,} letters, and those that it is aligned with {length:,}"


def _same(documents: Documents) -> Array | None:
    """Which sequence each row has, int64 "N", -1 where it has none; None where no two rows have the same."""
    if len(documents.texts) == len(documents.row):
        return None
    found = np.full(documents.rows, -1, np.int64)
    found[documents.row] = documents.document
    return found


def _often(units: Units) -> list[float]:
    """The share of each unit among those that are counted; of none, all alike."""
    held = np.bincount(units.number[(units.number >= 0) & (units.number < len(units.names))], minlength=len(units.names))
    share: list[float] = (held / held.sum() if held.any() else np.full(len(held), 1 / len(held))).round(6).tolist()
    return share


def _refused(config: Config) -> Iterator[tuple[str, str]]:
    """Options that do not go with the others, and what to do."""
    given, plain = config.form or "letters", Config()
    if given != "kmers":
        for name in ("k", "stride"):
            if getattr(config, name) != getattr(plain, name):
                yield f'{name} is of form = "kmers" alone', f"leave {name} out"
    elif config.marks:
        yield "k-mers overlap: a sequence is not made of them one by one, and marks are of no use", 'form = "letters"'
    if (config.alphabet or config.sequence) == SMILES:
        if config.aligned:
            yield "the tokens of SMILES are not aligned", "leave aligned out"
        if given == "kmers" or config.form == "letters":
            yield f"a SMILES has no {config.form}", 'form = "tokens"'
        if config.masked == "unknown":
            yield "in a SMILES, lower case is an aromatic atom", "leave masked out"
    elif given == "tokens":
        yield f"tokens are of SMILES, and {config.alphabet or config.sequence} has letters", 'form = "letters" or "kmers"'


def _alphabet(config: Config, names: Sequence[str]) -> None:
    if (config.alphabet or config.sequence) not in names:
        what = f"sequences called {config.sequence!r}" if config.sequence else "the sequences"
        raise ConfigError(f"residues: it is not said of which alphabet {what} are", hint=f"alphabet = one of {', '.join(names)}")


def build(config: Config) -> Residues:
    """Raises ConfigError where the alphabet is not told, and for options that do not go together."""
    _alphabet(config, ALPHABET_NAMES)
    for reason, hint in _refused(config):
        raise ConfigError(f"residues: {reason}", hint=hint)
    if config.form == "kmers":
        kmers.codes(
            np.zeros(0, np.int8), np.zeros(1, np.int64), config.k, len(ALPHABETS[config.alphabet or config.sequence].letters)
        )
    return Residues(config)
