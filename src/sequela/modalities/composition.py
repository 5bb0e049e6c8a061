"""DNA, RNA and proteins as one step of numbers: how long each is, and how often each run of letters occurs in it.

The order of what is further apart than a run is lost, and so is where anything stands: for that, read the letters (`residues`).
What is left is cheap, and tells families of proteins apart (Nakashima 1986, composition; Bhasin 2004, dipeptides).
A row with letters that are none of the alphabet has no step, and is not answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from sequela import seed as streams
from sequela.config import Strict
from sequela.errors import ConfigError, DataError
from sequela.modalities import _sequences
from sequela.modalities._synthetic import Held, events
from sequela.residues import composition
from sequela.residues.alphabets import ALPHABETS, Alphabet, illegal
from sequela.types import Array, Known, Plain, Ragged, Spec

CLIP = 5.0  # largest absolute scaled share
LENGTH = 60  # letters of an example


class Config(Strict, frozen=True):
    sequence: str = ""  # the name of SEQUENCE//<name>; left out where there is one
    alphabet: Literal["", "dna", "rna", "protein"] = ""  # left out: what `sequence` is called
    k: Annotated[int, Meta(ge=1, le=4)] = 2  # letters of the longest runs that are counted
    min_subjects: Annotated[int, Meta(ge=1)] = 3  # different training sequences that must have a run


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What was learnt: which runs occur and vary, with the mean and spread of each."""

    code: str
    columns: list[int]  # places in composition.names
    mean: list[float]
    spread: list[float]


@dataclass(frozen=True, slots=True)
class Composition:
    config: Config

    @property
    def alphabet(self) -> Alphabet:
        """Of the letters that are counted. Raises ConfigError where nobody says which."""
        name = self.config.alphabet or self.config.sequence
        if name not in ALPHABETS:
            raise ConfigError("composition is not told of which letters a sequence is", hint=f"alphabet: {', '.join(ALPHABETS)}")
        return ALPHABETS[name]

    def fit(self, known: Known) -> State:
        """Raises DataError where no training row has a legal sequence."""
        code = _sequences.named(known, self.config.sequence)
        texts = _sequences.read(known, code).texts
        legal = [text for text in texts if not illegal(text, self.alphabet)]
        if not legal:
            raise DataError(f"none of {len(texts)} different texts of {code} is of {self.alphabet.name}")
        values = composition.composed(legal, self.alphabet, self.config.k)
        kept = np.flatnonzero(((values > 0).sum(0) >= self.config.min_subjects) & (np.ptp(values, 0) > 0))
        chosen = values[:, kept].astype(np.float64)
        return State(code=code, columns=kept.tolist(), mean=chosen.mean(0).tolist(), spread=chosen.std(0).tolist())

    def read(self, known: Known, state: State) -> Ragged:
        """One step a row; a row without a legal sequence has none."""
        found, there = self._found(known, state)
        scaled = (self._values(found.texts, state) - np.array(state.mean)) / np.array(state.spread)
        told = np.clip(scaled, -CLIP, CLIP).astype(np.float32)
        offsets = np.concatenate([[0], np.cumsum(there)])
        return Ragged(offsets, told, np.zeros(int(there.sum())), take=found.of[there], same=found.of)

    def plain(self, known: Known, state: State) -> Plain:
        """The length, and how often each run occurs in a hundred places."""
        found, there = self._found(known, state)
        values = np.full((known.count, len(state.columns)), np.nan, np.float32)
        values[there] = self._values(found.texts, state)[found.of[there]]
        return Plain(values, self._names(state))

    def refused(self, known: Known, state: State) -> Sequence[str]:
        """Why a row's sequence cannot be judged: letters that are none of the alphabet."""
        found = _sequences.read(known, state.code)
        reasons = [f"in its sequence, {wrong}" if (wrong := illegal(text, self.alphabet)) else "" for text in found.texts]
        return [reasons[one] if one >= 0 else "" for one in found.of]

    def spec(self, state: State) -> Spec:
        return Spec("composition", (len(state.columns),), "index", self._names(state), single=True)

    def example(self, state: State, rows: int, seed: int) -> Known:
        """Letters drawn at random."""
        random = streams.generator(seed, "example", "composition")
        letters = np.array(list(self.alphabet.letters))
        texts = ["".join(one) for one in random.choice(letters, (rows, LENGTH))]
        columns = {"row": range(rows), "position": [float("nan")] * rows, "code": [state.code] * rows, "text_value": texts}
        return Known(rows, events(columns), Held({}), {state.code: "sequence"}, np.full(rows, np.nan))

    def _found(self, known: Known, state: State) -> tuple[_sequences.Sequences, Array]:
        """The sequences, and which rows have a legal one, bool "N"."""
        found = _sequences.read(known, state.code)
        legal = np.array([not illegal(text, self.alphabet) for text in found.texts], bool)
        return found, np.append(legal, False)[found.of]

    def _values(self, texts: Sequence[str], state: State) -> Array:
        return composition.composed(texts, self.alphabet, self.config.k)[:, state.columns]

    def _names(self, state: State) -> tuple[str, ...]:
        names = composition.names(self.alphabet, self.config.k)
        return tuple(names[column] for column in state.columns)


def build(config: Config) -> Composition:
    return Composition(config)
