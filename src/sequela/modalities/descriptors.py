"""Molecules as one step of numbers: descriptors scaled by their ranks, and counts of what surrounds each atom (RDKit).

What chemists model by (Wu 2018, MoleculeNet): as columns for the baselines, and for a network that reads them alone or beside the
molecule's own letters (`residues`). What is no molecule has no step, and is not answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from scipy.sparse import csr_array

from sequela import seed as streams
from sequela.config import Strict
from sequela.errors import DataError
from sequela.modalities import _sequences
from sequela.modalities._sequences import Sequences
from sequela.modalities._synthetic import Held, events
from sequela.prep import scale
from sequela.residues import descriptors
from sequela.types import Array, Counts, Known, Plain, Ragged, Spec

CLIP = 3.0  # largest absolute scaled descriptor


class Config(Strict, frozen=True):
    sequence: str = ""  # which SEQUENCE// is the molecule's SMILES; left out where there is one
    radius: Annotated[int, Meta(ge=0, le=6)] = 2  # bonds around an atom that a fingerprint tells
    bits: Annotated[int, Meta(ge=0, le=16384)] = 1024  # columns that surroundings are folded to; 0: no fingerprint
    min_subjects: Annotated[int, Meta(ge=1)] = 3  # training molecules that must have a column of the fingerprint


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What was learnt: which descriptors vary and how each is scaled, and which columns of the fingerprint occur."""

    code: str
    columns: list[str]
    scales: list[scale.Scale]
    bits: list[int]


@dataclass(frozen=True, slots=True)
class Descriptors:
    config: Config

    def fit(self, known: Known) -> State:
        """Raises DataError where no training row has a molecule, MissingExtra without RDKit."""
        code = _sequences.named(known, self.config.sequence)
        found = _sequences.read(known, code)
        values = descriptors.described(found.texts)
        there = np.asarray(~np.isnan(values).all(1))
        if not there.any():
            raise DataError(f"none of {len(there)} different texts of {code} is a molecule", hint="are they SMILES?")
        varies = [k for k, column in enumerate(values[there].T) if len(np.unique(column[~np.isnan(column)])) > 1]
        scales = [scale.fit(values[~np.isnan(values[:, k]), k], "rank_gauss", clip=CLIP) for k in varies]
        held = (self._fingerprints(found.texts) > 0).sum(0)
        names = descriptors.names()
        kept = np.flatnonzero(held >= self.config.min_subjects).tolist()
        return State(code=code, columns=[names[k] for k in varies], scales=scales, bits=kept)

    def read(self, known: Known, state: State) -> Ragged:
        """One step a row; a row without a molecule has none."""
        found = _sequences.read(known, state.code)
        values = self._columns(found.texts, state)
        scaled = np.stack([scale.apply(one, column) for one, column in zip(state.scales, values.T, strict=True)], 1)
        counts = np.log1p(self._fingerprints(found.texts)[:, state.bits]).astype(np.float32)
        told = np.concatenate([np.nan_to_num(scaled), counts], 1, dtype=np.float32)
        seen = np.concatenate([~np.isnan(values), np.ones(counts.shape, bool)], 1)
        own = found.of[self._there(found)]
        offsets = np.concatenate([[0], np.cumsum(self._there(found))])
        return Ragged(offsets, told, np.zeros(len(own)), seen, take=own, same=np.maximum(found.of, 0))

    def plain(self, known: Known, state: State) -> Plain:
        """The descriptors in their own units, and the fingerprint as sparse counts."""
        found = _sequences.read(known, state.code)
        there = self._there(found)
        values = np.full((known.count, len(state.columns)), np.nan, np.float32)
        values[there] = self._columns(found.texts, state)[found.of[there]]
        counts = np.zeros((known.count, len(state.bits)), np.float32)
        counts[there] = self._fingerprints(found.texts)[found.of[there]][:, state.bits]
        block = Counts(csr_array(counts), tuple(f"surrounding {bit}" for bit in state.bits), "fingerprint")
        return Plain(values, tuple(state.columns), (block,) if state.bits else ())

    def refused(self, known: Known, state: State) -> Sequence[str]:
        """Why a row's text is no molecule."""
        found = _sequences.read(known, state.code)
        bad = (found.of >= 0) & ~self._there(found)
        return ["its SMILES is no molecule" if one else "" for one in bad]

    def spec(self, state: State) -> Spec:
        names = (*state.columns, *(f"surrounding {bit}" for bit in state.bits))
        return Spec("descriptors", (len(names),), "index", names, single=True)

    def example(self, state: State, rows: int, seed: int) -> Known:
        """Well-known molecules."""
        chosen = streams.generator(seed, "example", "descriptors").integers(0, len(descriptors.KNOWN), rows)
        texts = [descriptors.KNOWN[k] for k in chosen]
        columns = {"row": range(rows), "position": [float("nan")] * rows, "code": [state.code] * rows, "text_value": texts}
        return Known(rows, events(columns), Held({}), {state.code: "sequence"}, np.full(rows, np.nan))

    def _columns(self, texts: Sequence[str], state: State) -> Array:
        """float64 "M P" of the descriptors that vary."""
        place = {name: k for k, name in enumerate(descriptors.names())}
        if missing := [name for name in state.columns if name not in place]:
            raise DataError(f"this version of RDKit lacks the descriptor {missing[0]!r} that the model learnt from")
        return np.asarray(descriptors.described(texts)[:, [place[name] for name in state.columns]])

    def _fingerprints(self, texts: Sequence[str]) -> Array:
        if not self.config.bits:
            return np.zeros((len(texts), 0), np.uint16)
        return descriptors.fingerprints(texts, self.config.radius, self.config.bits)

    def _there(self, found: Sequences) -> Array:
        """Which rows have a molecule, bool "N"."""
        good = np.array([descriptors.readable(text) for text in found.texts], bool)
        return np.append(good, False)[found.of]


def build(config: Config) -> Descriptors:
    return Descriptors(config)
