"""New sequences from the bundle of a language model of residues, and what is said of those that a run draws.

A bundle holds no training sequence, so whether a sequence is new is told where training's are at hand: in the run, or against a
store. What is drawn is text that obeys a grammar, and nothing more.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from sequela import config
from sequela import model as models
from sequela.bundle import Bundle, load
from sequela.bundle.predictor import Predictor
from sequela.contracts import Progress
from sequela.errors import UsageError
from sequela.evaluate.facts import DrawnFacts, SequenceFacts
from sequela.model import Drawing, Drawn
from sequela.pipeline import files
from sequela.pipeline.data import other_records
from sequela.pipeline.progress import silent
from sequela.pipeline.trial import Chosen, Read
from sequela.residues import drawn as verdicts
from sequela.residues import molecules, smiles
from sequela.residues.drawn import SMILES, Known, Verdict
from sequela.store.store import Store
from sequela.tasks import generate as generating
from sequela.types import Array, Part, Spec

NOTICE = "drawn by a language model: text that obeys a grammar; nobody has said that it can be made, is safe, or does anything"
FOLDER = "drawn"  # of a run: pictures
SHOWN = 12  # sequences that a report shows
QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True, slots=True)
class Sample:
    """A sequence that was drawn; what could not be told of it is None."""

    text: str
    ended: bool  # by itself; else it was cut
    nats: float  # minus its log-probability
    valid: bool | None = None  # of a SMILES, where RDKit is installed: whether it is one of a molecule
    new: bool | None = None  # whether the store does not have it
    nearest: float | None = None  # how alike the most alike sequence of the store is, 0 to 1

    def json(self) -> str:
        """One line of JSON."""
        return msgspec.json.encode({name: value for name, value in self._told().items() if value is not None}).decode()

    def _told(self) -> dict[str, str | bool | float | None]:
        nearest = None if self.nearest is None else round(self.nearest, 4)
        said: dict[str, str | bool | float | None] = {"sequence": self.text, "ended": self.ended, "nats": round(self.nats, 4)}
        return said | {"valid": self.valid, "new": self.new, "nearest": nearest}


@dataclass(frozen=True, slots=True)
class Generated:
    """Sequences that were drawn, in the order of their random numbers."""

    samples: list[Sample]

    def summary(self) -> str:
        """How many there are, and of how many what is said: a line."""
        told = [f"{len(self.samples)} drawn", f"{sum(one.ended for one in self.samples)} ended"]
        for name in ("valid", "new"):
            said = [getattr(one, name) for one in self.samples]
            told += [f"{sum(map(bool, said))} {name}"] if any(one is not None for one in said) else []
        unlike = len({one.text for one in self.samples})
        return ", ".join([*told, f"{unlike} different texts"])


def generate(
    bundle: str | Path | Bundle,
    count: int = 10,
    *,
    temperature: float | None = None,
    top: int = 0,
    seed: int = 0,
    against: str | Path | Store | None = None,
    reader: str = "",
    progress: Progress = silent,
) -> Generated:
    """So many new sequences; the same seed draws the same, and the first ten of a hundred are those of ten.

    `temperature` below 1 keeps to what is likely, above 1 strays; left out, it is the study's. `top`: only so many of the
    likeliest tokens each time, 0 all. `against`: a store, or raw files read as the bundle's were (or by `reader`): whether they
    have each sequence, and how alike their most alike one is. Raises UsageError for a bundle that writes no sequences and for
    numbers by which none can be drawn, BundleError, DataError.
    """
    held = bundle if isinstance(bundle, Bundle) else load(bundle)
    options, name, spec = _writing(held.predictor)
    temperature = options.temperature if temperature is None else temperature
    if count < 1 or temperature <= 0 or top < 0:
        raise UsageError(f"cannot draw {count} sequences at a temperature of {temperature:g} from the {top} likeliest")
    how = Drawing(count, temperature, top, options.longest, seed)
    found = models.draw(held.predictor.members[0], spec, how, progress)
    among = None
    if against is not None:
        store = other_records(held.study.data, against, reader, progress, labelled=False)
        among = verdicts.known(_of_store(store, held.predictor.fitted[name].state.code), spec.alphabet)
    return Generated(_samples(found, spec, among))


def _writing(predictor: Predictor) -> tuple[generating.Config, str, Spec]:
    """The options of the task, and the input that it writes. Raises UsageError where there are none."""
    options = config.options("tasks", predictor.study.task, "task")[1]
    if not isinstance(options, generating.Config):
        said = config.choice(predictor.study.task, "task").name
        raise UsageError(f"this bundle's task is {said!r}: it writes no sequences", hint='task = "generate", in a study')
    ((name, fitted),) = predictor.fitted.items()
    return options, name, fitted.spec


def _of_store(store: Store, code: str) -> list[str]:
    """Every sequence of that code."""
    return [one for one in store.events([code])["text_value"].to_list() if one]


def _samples(found: Sequence[Drawn], spec: Spec, among: Known | None) -> list[Sample]:
    chemistry = spec.alphabet == SMILES
    valid = [one.ended and smiles.valid(one.text) if chemistry and molecules.installed() else None for one in found]
    if among is None:
        return [Sample(one.text, one.ended, one.nats, told) for one, told in zip(found, valid, strict=True)]
    judged = _judged(found, spec, among)
    held = set(among.texts)
    nearest = {plain: near for plain, near, own in zip(judged.plain, judged.nearest, judged.first, strict=True) if own}
    return [
        Sample(one.text, one.ended, one.nats, told, plain not in held if plain else None, nearest[plain] if plain else None)
        for one, told, plain in zip(found, valid, judged.plain, strict=True)
    ]


def _judged(found: Sequence[Drawn], spec: Spec, among: Known) -> Verdict:
    return verdicts.judged([one.text for one in found], [one.ended for one in found], among, spec.alphabet)


# ---------------------------------------------------------------------------------------------------------------------- of a run


def of_run(folder: Path, chosen: Chosen, rows: Read, part: Part, progress: Progress) -> DrawnFacts | None:
    """What a run says of the sequences that its model draws; None where its task draws none. Pictures go into the folder."""
    options = config.options("tasks", chosen.predictor.study.task, "task")[1]
    if not isinstance(options, generating.Config) or not options.samples:
        return None
    began = time.process_time()
    _, name, spec = _writing(chosen.predictor)
    how = Drawing(options.samples, options.temperature, longest=options.longest, seed=chosen.predictor.study.train.seed)
    found = models.draw(chosen.predictor.members[0], spec, how, progress)
    learnt: tuple[Part, ...] = ("train", "tune") if chosen.predictor.study.train.final == "refit" else ("train",)
    among = verdicts.known([text for one in learnt for text in _texts(rows, one, name)], spec.alphabet)
    judged = _judged(found, spec, among)
    apart = verdicts.known(_texts(rows, part, name), spec.alphabet).texts
    units = [verdicts.pieces(one.text, spec.alphabet) for one in found if one.ended]
    return DrawnFacts(
        input=name,
        alphabet=spec.alphabet,
        temperature=options.temperature,
        samples=len(found),
        ended=len(units),
        valid=int(judged.valid.sum()),
        unique=int(judged.first.sum()),
        novel=int(judged.novel.sum()),
        training=len(among.texts),
        nearest=_quartiles(judged.nearest[judged.first]),
        nearest_held_out=_quartiles(verdicts.alike(apart, among, spec.alphabet)),
        lengths=_quartiles(np.array([len(one) for one in units])),
        lengths_training=_quartiles(among.lengths),
        composition=round(verdicts.apart(verdicts.shares(units), among.shares), 4),
        shown=_shown(folder, found, judged, spec.alphabet),
        cpu_seconds=time.process_time() - began,
    )


def _texts(rows: Read, part: Part, name: str) -> list[str]:
    """The sequences of a part, as the data has them."""
    places = rows.of(part).inputs[name].places
    assert places is not None  # residues always have them
    return [text for row in range(len(rows.parts[part])) if (text := places.texts[row])]


def _quartiles(values: Array) -> list[float]:
    return [round(float(one), 3) for one in np.quantile(values, QUARTILES)] if len(values) else []


def _shown(folder: Path, found: Sequence[Drawn], judged: Verdict, alphabet: str) -> list[SequenceFacts]:
    """The first that are novel, none chosen by hand; molecules with a picture. Training's own are never shown."""
    told = []
    for number, place in enumerate(np.flatnonzero(judged.novel)[:SHOWN].tolist(), 1):
        name = ""
        if alphabet == SMILES:
            name = f"{FOLDER}/{number}.svg"
            files.write(folder / name, molecules.drawing(found[place].text))
        told.append(SequenceFacts(text=found[place].text, nearest=round(float(judged.nearest[place]), 3), file=name))
    return told
