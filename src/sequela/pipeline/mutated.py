"""What each letter of a sequence does to an answer: each is changed (explain/mutagenesis.py), or by integrated gradients.

Mutagenesis asks the very answer that the bundle gives, calibrated and averaged as it is, through the modality's own reading:
letters, k-mers and tokens are explained by the letters of the text. Integrated gradients follow the first network alone; what a
step of several letters adds is shared out evenly among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import polars as pl
import torch

from sequela import batch, config
from sequela import model as models
from sequela.bundle.predictor import Predictor
from sequela.config import Study
from sequela.contracts import Evidence, Tagger
from sequela.errors import UsageError
from sequela.explain import mutagenesis
from sequela.explain.mutagenesis import Map
from sequela.explain.question import Asked, log_odds
from sequela.explain.tokens import gradients
from sequela.modalities import residues
from sequela.nn.steps import Codes
from sequela.pipeline import attributed
from sequela.study import cut
from sequela.types import Array, Known

EXPLAINED = (*attributed.EXPLAINED, "regression")
LONGEST = 50_000  # letters of a sequence that is explained
SUREST = 1e-15  # from 0 and 1: the change of a very sure answer shows too
ADDS = "adds"  # the row of integrated gradients in a map


@dataclass(frozen=True, slots=True)
class Sequences:
    """Rows with sequences, and what answers about them."""

    predictor: Predictor
    known: Known
    rows: Evidence
    name: str  # of the input

    @property
    def alphabet(self) -> str:
        return self.predictor.fitted[self.name].spec.alphabet

    @property
    def code(self) -> str:
        """Of the events that are read."""
        found: str = self.predictor.fitted[self.name].state.code
        return found

    def text(self, row: int) -> str:
        """The sequence of a row; "" where it has none."""
        places = self.rows.inputs[self.name].places
        assert places is not None
        return places.texts[row]

    def read(self, row: int) -> int:
        """How many letters of it the network reads, from its begin to the last one that is read."""
        places = self.rows.inputs[self.name].places
        assert places is not None
        own = places.end[slice(*places.offsets[row : row + 2])]
        return int(own.max(initial=0))


def inputs_of(study: Study) -> list[str]:
    """The inputs that read sequences of residues."""
    chosen = {name: config.choice(one.modality, f"inputs.{name}.modality").name for name, one in study.inputs.items()}
    return [name for name, modality in chosen.items() if modality == "residues"]


def check(predictor: Predictor, method: str) -> None:
    """Raises UsageError where the answer, or the bundle, is not explained by changes of letters (or by that method)."""
    task = predictor.task
    if not inputs_of(predictor.study):
        raise UsageError(
            "mutagenesis is of sequences of residues, and no input of this bundle reads any", hint="leave out --method"
        )
    if not explained(predictor):
        raise UsageError(
            f"letters are not told what they do to an answer of {task.kind}",
            hint="explain an answer about the whole sequence: an event, a class, a label or a value",
        )
    there = methods(predictor)
    if method not in ("auto", *there):
        raise UsageError(f"the method {method!r} does not fit this bundle", hint=f"take {' or '.join(there)}")


def explained(predictor: Predictor) -> bool:
    """Whether the answer is one that changes of letters explain."""
    return not isinstance(predictor.task, Tagger) and predictor.task.kind in EXPLAINED


def methods(predictor: Predictor) -> list[str]:
    """Those that fit, the best first."""
    network = predictor.members[0]
    followed = [
        name
        for name in inputs_of(predictor.study)
        if any(isinstance(module, Codes) for module in network.encoders[f"input_{name}"].modules())
    ]
    return ["mutagenesis", *(["gradients"] if followed else [])]


def columns(predictor: Predictor, values: Array, wanted: Sequence[str] = ()) -> list[int]:
    """Which numbers of an answer about a row, float64 "K", are explained: as of texts, or the values."""
    if predictor.task.kind == "regression" and not wanted:
        return list(range(min(len(predictor.task.names), attributed.LABELS)))
    return attributed.columns(predictor, values, wanted)


def by_mutagenesis(of: Sequences, row: int, asked: Sequence[int], *, most: int = mutagenesis.MOST) -> Map:
    """Every change of the sequence of a row, of these columns of the answer. Raises UsageError for one that is too long."""
    text = of.text(row)
    _check_length(text, str(of.rows.row_id[row]))
    return mutagenesis.mutated(text, of.alphabet, partial(_told, of, row, list(asked)), read=of.read(row), most=most)


def _check_length(text: str, row_id: str) -> None:
    if len(text) > LONGEST:
        raise UsageError(
            f"the sequence of {row_id} has {len(text):,} letters, and at most {LONGEST:,} are explained",
            hint="leave out --explain for it, or cut it",
        )


def _told(of: Sequences, row: int, asked: list[int], texts: Sequence[str]) -> Array:
    """What is told of the row with each of these texts in place of its sequence, float64 "n Q"."""
    known = _written(cut.take(of.known, np.array([row])), of.code, texts)
    each = np.arange(known.count)
    values = of.predictor.answer(of.predictor.evidence(known, each, each.astype(str))).values[:, asked]
    return values if of.predictor.task.kind == "regression" else _log_odds(values)


def _log_odds(probability: Array) -> Array:
    held = np.clip(probability, SUREST, 1 - SUREST)
    found: Array = np.log(held) - np.log1p(-held)
    return found


def _written(own: Known, code: str, texts: Sequence[str]) -> Known:
    """The one row as many rows, each with another text in the events of its sequence."""
    events, count = own.events, len(texts)
    rows = pl.Series("row", np.repeat(np.arange(count), len(events)))
    text = pl.Series("written", np.repeat(np.array(texts, object), len(events)), dtype=pl.String)
    frame = pl.concat([events] * count).with_columns(rows, text)
    frame = frame.with_columns(text_value=pl.when(pl.col("code") == code).then("written").otherwise("text_value")).drop("written")
    start = None if own.start is None else np.repeat(own.start, count)
    return replace(own, count=count, source=frame, start=start, subject=None)


def by_gradients(of: Sequences, row: int, asked: Sequence[int]) -> Map:
    """What each letter adds to the log-odds (or value) on the way from letters that say nothing, as a map of one row."""
    text = of.text(row)
    _check_length(text, str(of.rows.row_id[row]))
    network, ragged = of.predictor.members[0], of.rows.inputs[of.name]
    some = np.array([row], np.int64)
    seqs = models.tensors(batch.collate(of.rows.inputs, some), next(network.parameters()).device).inputs
    kind, column = of.predictor.task.kind, torch.as_tensor(np.array([asked], np.int64))
    telling = partial(log_odds, column=column.to(seqs[of.name].mask.device), exclusive=kind == "multiclass")
    spec = of.predictor.fitted[of.name].spec
    found = gradients.attributed(
        Asked(network, of.name, dict(seqs)), network.encoders[f"input_{of.name}"], spec, telling, most=gradients.MOST
    )
    assert ragged.places is not None
    steps = slice(*ragged.places.offsets[row : row + 2])
    begin, end = ragged.places.begin[steps].astype(np.int64), ragged.places.end[steps].astype(np.int64)
    if of.alphabet == residues.SMILES:
        change = found.change[0][:, : len(begin)]
        return Map(text, begin, end, (ADDS,), change[:, :, None], found.told[0])
    change = _by_letter(found.change[0], begin, end, of.read(row))
    place = np.arange(change.shape[1])
    return Map(text, place, place + 1, (ADDS,), change[:, :, None], found.told[0])


def _by_letter(change: Array, begin: Array, end: Array, letters: int) -> Array:
    """What steps add, "Q T", shared out evenly among the letters of each, "Q L"."""
    width = end - begin
    step = np.repeat(np.arange(len(begin)), width)
    letter = np.arange(len(step)) - np.repeat(np.cumsum(width) - width, width) + np.repeat(begin, width)
    found = np.zeros((len(change), letters))
    np.add.at(found.T, letter, (change[:, : len(begin)] / np.maximum(width, 1)).T[step])
    return found
