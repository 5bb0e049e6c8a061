"""Sequences, from the steps of many rows laid end to end to what an encoder sees and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sequela.types.arrays import Array, Steps
from sequela.types.rows import Target
from sequela.types.spans import Places

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Wording:
    """How a word is told in integers: its place in the vocabulary, its shape, then its C characters, 0 where it has fewer."""

    shapes: int  # how many shapes there are
    characters: int  # how many characters there are; 0 stands for none, 1 for one that training did not have


@dataclass(frozen=True, slots=True)
class Ruler:
    """How the values of a feature in its own unit lie among those of training, and how they are scaled."""

    values: tuple[float, ...]  # rising, from near the least to near the largest of training
    scaled: tuple[float, ...]  # at them; straight between two
    spread: float  # standard deviation in training, in the feature's unit
    whole: bool = False  # training had (nearly) whole numbers alone

    def in_unit(self, scaled: Array) -> Array:
        """In the feature's own unit, float64; what lies outside of training is as its border."""
        return np.interp(scaled, self.scaled, self.values)

    def scale(self, values: Array) -> Array:
        """As the network reads it, float32; what lies outside of training is as its border."""
        return np.asarray(np.interp(values, self.values, self.scaled), np.float32)


@dataclass(frozen=True, slots=True)
class Spec:
    """All that an encoder learns of its input."""

    kind: str  # the modality's name
    shape: tuple[int, ...]  # *F of one step: () for a code, (F,) measurements, (C, L) windows, (C, H, W) images
    unit: str  # of position: "days", "seconds", "millimetres" or "index"
    names: tuple[str, ...] = ()  # of the features, where they have names
    vocabulary: int = 0  # number of codes, where values are integers; 0 where they are floats
    side: int = 0  # E, numbers beside a step
    context: int = 0  # C, numbers of the row
    facts: tuple[str, ...] = ()  # C: the code that each number of the row tells, where they have names
    single: bool = False  # every row has at most one step (an image, a patient's statics)
    spacing: tuple[float, ...] = ()  # millimetres between points along *S of (C, *S), where all pictures have the same
    lines: tuple[tuple[float, float], ...] = ()  # (centre, spread) of each feature that is centre + spread * value; (): of none
    rulers: tuple[Ruler | None, ...] = ()  # of each feature that is a number with a unit; None of a category; (): of none
    words: Wording | None = None  # steps are words told by more than their number: values (2 + C,)
    alphabet: str = ""  # of residues: "dna", "rna", "protein" or "smiles"
    length: int = 0  # steps that every row has (or none at all), where a place means the same in each; 0: rows differ


@dataclass(frozen=True, slots=True)
class Ragged:
    """One input of N rows: their steps laid end to end. Row i has the steps offsets[i]:offsets[i+1]; it may have none."""

    offsets: Array  # int64 "N+1"
    values: Steps  # "S *F", or "M *F" with `take`
    position: Array  # float64 "S", rising within a row
    seen: Steps | None = None  # bool, like values: which entries of a step are real; None: all
    side: Array | None = None  # float32 "S E"
    context: Array | None = None  # float32 "N C"
    take: Array | None = None  # int64 "S": the entry of values (and seen) that each step is; None where they are 1 to 1
    places: Places | None = None  # of steps that stand in texts
    same: Array | None = None  # int64 "N": rows of one number have the very same sequence, and are encoded once in a batch

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Array:
        return np.diff(self.offsets)


@dataclass(frozen=True, slots=True)
class Counts:
    """Columns that are 0 for nearly every row, such as how often each of thousands of codes occurs."""

    values: Any  # scipy.sparse.csr_array float32 "N Q"
    names: tuple[str, ...]  # Q
    label: str  # of the block


@dataclass(frozen=True, slots=True)
class Plain:
    """One input of N rows as plain columns, for the baselines; NaN where nothing was seen (a count is 0)."""

    values: Array  # float32 "N P"
    names: tuple[str, ...]  # P
    counts: tuple[Counts, ...] = ()  # blocks of sparse columns, each of which a baseline may take or leave

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns, those of the sparse blocks last."""
        return (*self.names, *(name for block in self.counts for name in block.names))

    def take(self, rows: Array) -> Plain:
        """These rows (indices), in the order given."""
        return Plain(self.values[rows], self.names, tuple(replace(block, values=block.values[rows]) for block in self.counts))


@dataclass(frozen=True, slots=True)
class Seq:
    """One input of B rows, padded to T steps: what an encoder sees. NumPy in collate, torch in the model."""

    values: Any  # "B T *F": integer codes (int64 as a tensor), or float32
    mask: Any  # bool "B T": True where a step exists; never inferred from values; existing steps come first
    position: Any  # float64 "B T", in the unit that the Spec declares; 0 on padding
    seen: Any = None  # bool "B T *F"; None says what True everywhere would
    side: Any = None  # float32 "B T E"; None where Spec.side is 0
    context: Any = None  # float32 "B C"; None where Spec.context is 0
    take: Any = None  # int64 "R": the sequence that each of the batch's R rows has, where rows share them; None: B rows, 1 to 1


@dataclass(frozen=True, slots=True)
class Batch:
    """B rows, every input padded: what training, evaluation, prediction and serving all pass to the model."""

    inputs: Mapping[str, Seq]
    rows: Array  # int64 "B": where each row stands in the Cohort
    target: Target | None = None
    weight: Any = None  # float32 "B" or None


@dataclass(frozen=True, slots=True)
class Encoded:
    """What an encoder gives."""

    steps: Tensor | None  # "B T D *S": S is () or the (H, W) that dense tasks need; None where it has no steps to show
    mask: Tensor  # bool "B T"
    pooled: Tensor | None  # "B D"
    seq: Seq | None = None  # what was read, where there is one input: of use to a head that foresees its next steps
    coarser: tuple[Tensor, ...] = ()  # in training, maps "B T D *S" of fewer points, finest first, for deep supervision
