"""What each word of a text adds to an answer, by the method that fits the network.

    attention   the exact terms of label attention (explain/tokens/attention.py), where the task has it and one network answers
    gradients   integrated gradients from words that say nothing (explain/tokens/gradients.py), of the first network
    lime        words left out at random (explain/tokens/lime.py), of the very answer that the bundle gives, whatever makes it

The first two explain the model's own network, before any calibration or average with baselines; "auto" takes the first of the
three that there is, and lime where the answer is an average with baselines. What a reader sees are words; of a model of sentences
the words of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, TypeAlias, get_args

import numpy as np
import torch
from torch import Tensor

from sequela import batch, config
from sequela import model as models
from sequela.bundle.predictor import Predictor
from sequela.config import Study
from sequela.contracts import Evidence
from sequela.encoders.han import Sentences
from sequela.errors import UsageError
from sequela.evaluate.threshold import key
from sequela.explain.question import Asked, evaluating, log_odds
from sequela.explain.tokens import attention, gradients
from sequela.explain.tokens.attributed import Attributed
from sequela.explain.tokens.lime import Fitted
from sequela.modalities import text
from sequela.model import Model
from sequela.nn.label_attention import LabelAttention
from sequela.nn.motifs import Motifs
from sequela.nn.steps import Codes
from sequela.nn.words import Words
from sequela.pipeline import left_out_words, word_places
from sequela.pipeline.left_out_words import Parts
from sequela.pipeline.word_places import Standing
from sequela.registry import nearest
from sequela.study import cut
from sequela.types import Array, Known, Ragged, Seq

Method: TypeAlias = Literal["auto", "attention", "gradients", "lime", "mutagenesis"]  # the last: of residues (mutated.py)
METHODS: tuple[Method, ...] = get_args(Method)
NAMES = {
    "attention": "exact terms of label attention",
    "gradients": "integrated gradients",
    "lime": "words left out at random (LIME)",
}
EXPLAINED = ("binary", "multiclass", "multilabel")
CLASSES, LABELS = 3, 8  # that are explained of a row: the likeliest classes; the labels that are called
ROWS, CELLS = 16, 1 << 15  # in a batch, and steps in it
LONGEST = 20_000  # steps or words of a text that are explained by gradients or lime; of a longer one its beginning is


@dataclass(frozen=True, slots=True)
class Told:
    """What speaks for one class in the text of one row."""

    column: int  # the place of the class in the task's names
    begin: Array  # int64 "W": characters of the row's text before each word
    end: Array  # int64 "W"
    change: Array  # float64 "W": what it adds to the log-odds
    told: float  # the log-odds
    rest: float  # what they are without the words
    method: str  # one of NAMES
    points: int = 0  # of a path, or texts that were asked about
    fit: float | None = None  # of lime: how much of what those answers differ by the words account for
    read: int = 0  # characters of the text that were read; 0: all of it

    @property
    def missing(self) -> float:
        """What the words and the rest do not account for."""
        return self.told - self.rest - float(self.change.sum())


@dataclass(frozen=True, slots=True)
class Texts:
    """Rows with texts, and what answers about them."""

    predictor: Predictor
    rows: Evidence
    name: str  # of the input

    @property
    def ragged(self) -> Ragged:
        return self.rows.inputs[self.name]

    @property
    def options(self) -> text.Config:
        """How they are read."""
        return options_of(self.predictor.study, self.name)


def input_of(study: Study) -> str | None:
    """The first input that is of texts; None where there is none."""
    chosen = (name for name, one in study.inputs.items() if config.choice(one.modality, f"inputs.{name}").name == "text")
    return next(chosen, None)


def options_of(study: Study, name: str) -> text.Config:
    """How the texts of an input are read."""
    found: text.Config = config.options("modalities", study.inputs[name].modality, f"inputs.{name}.modality")[1]
    return found


def asked(method: str) -> Method:
    """The method of texts and sequences by its name. Raises UsageError where it is none."""
    found = next((one for one in METHODS if one == method), None)
    if found is None:
        raise UsageError(f"texts and sequences are not explained by {method!r}", hint=f"take {', '.join(METHODS)}")
    return found


def method_of(predictor: Predictor, name: str, wanted: Method) -> Method:
    """The method itself. Raises UsageError where the answer is not explained, or not by the method that is wanted."""
    if predictor.task.kind not in EXPLAINED:
        raise UsageError(
            f"words are not told what they add to an answer of {predictor.task.kind}",
            hint="explain an answer that is the probability of an event, a class or a label",
        )
    there = methods(predictor, name)
    if wanted != "auto" and wanted not in there:
        raise UsageError(f"the method {wanted!r} does not fit this bundle", hint=f"take {' or '.join(there)}")
    return wanted if wanted != "auto" else ("lime" if predictor.weights else there[0])


def methods(predictor: Predictor, name: str) -> list[Method]:
    """Those that fit, the best first."""
    network = predictor.members[0]
    found: list[Method] = []
    if isinstance(network.head, LabelAttention) and len(predictor.members) == 1:
        found.append("attention")
    makers = Codes | Words | Sentences
    if any(isinstance(module, makers) for module in network.encoders[f"input_{name}"].modules()):
        found.append("gradients")
    return [*found, "lime"]


def by_itself(predictor: Predictor, name: str) -> Method | None:
    """The best method that explains the network by itself; None where there is none."""
    return next((method for method in methods(predictor, name) if method != "lime"), None)


def columns(predictor: Predictor, values: Array, wanted: Sequence[str] = ()) -> list[int]:
    """The classes of a row that are explained, the likeliest first, of what is answered about it, float64 "K".

    The only one; the likeliest classes; the labels that are called, or else the likeliest. Raises UsageError where one that is
    wanted is none of the task's.
    """
    names = predictor.task.names
    for name in wanted:
        if name not in names:
            raise UsageError(f"{name!r} is no class of this bundle", hint=nearest(name, names))
    if wanted:
        return [names.index(name) for name in wanted]
    order: list[int] = np.argsort(-values, kind="stable").tolist()
    if predictor.task.kind == "multiclass":
        return order[: min(CLASSES, max(1, len(names) - 1))]
    cuts = [predictor.thresholds.get(key(predictor.final, name), 2.0) for name in names]
    called = [column for column in order if values[column] >= cuts[column]]
    return called[:LABELS] or order[:1]


def by_network(
    of: Texts, asked: Mapping[int, Sequence[int]], method: Method, most: int = gradients.MOST, *, widen: bool = True
) -> dict[int, list[Told]]:
    """Of each of these rows (those that have steps) what speaks for each of its columns; by attention or gradients.

    `most` points of a path. `widen`: a term of a convolution is told of all the words that it saw.
    """
    read = of.ragged if method == "attention" else _shortened(of.ragged)
    inputs = {**of.rows.inputs, of.name: read}
    found: dict[int, list[Told]] = {}
    for some in _batches(read, np.array([row for row in asked if read.lengths[row]], np.int64)):
        column = _square([asked[row] for row in some.tolist()])
        seqs = models.tensors(batch.collate(inputs, some), next(of.predictor.members[0].parameters()).device).inputs
        said = _attributed(of, dict(seqs), torch.as_tensor(column), method, most)
        for place, row in enumerate(some.tolist()):
            words = word_places.of(of.options, read, row)
            if widen and method == "attention":
                words = word_places.widened(words, _around(of), _documents(read, row))
            left_out = int(words.end[-1]) if read.lengths[row] < of.ragged.lengths[row] else 0
            each = [_told(said, (place, q), chosen, words) for q, chosen in enumerate(asked[row])]
            found[row] = [replace(one, method=method, read=left_out) for one in each]
    return found


def _around(of: Texts) -> tuple[int, int]:
    """How many steps before and after it the vector of a step was made of, where that is a few."""
    encoder = of.predictor.members[0].encoders[f"input_{of.name}"]
    each = [module.around for module in encoder.modules() if isinstance(module, Motifs)]
    return max((before for before, _ in each), default=0), max((after for _, after in each), default=0)


def _documents(ragged: Ragged, row: int) -> Array:
    """Where each document of a row begins in its text, int64."""
    assert ragged.places is not None
    return np.array([piece.begin for piece in ragged.places.pieces[row]], np.int64)


def by_leaving_out(
    of: Texts, known: Known, asked: Mapping[int, Sequence[int]], *, seed: int = 0, samples: int = 0
) -> dict[int, list[Told]]:
    """Of each of these rows (those that have words) what speaks for each of its columns; by lime.

    `samples` texts are asked about, 0: as many as suit the length. `known` has the rows of the evidence.
    """
    places = of.ragged.places
    assert places is not None
    found: dict[int, list[Told]] = {}
    for row, columns in asked.items():
        parts = left_out_words.parts(places, row, of.options, LONGEST)
        if not len(parts.begin):
            continue
        drawn = left_out_words.Drawn(samples or parts.samples, seed)
        fit = left_out_words.fitted(of.predictor, cut.take(known, np.array([row])), parts, columns, drawn)
        found[row] = [_fitted(column, parts, fit, q, drawn.samples) for q, column in enumerate(columns)]
    return found


def _shortened(ragged: Ragged) -> Ragged:
    """The same with the first LONGEST steps of each row alone."""
    kept = np.minimum(ragged.lengths, LONGEST)
    if (kept == ragged.lengths).all():
        return ragged
    step = np.flatnonzero(np.arange(ragged.offsets[-1]) - np.repeat(ragged.offsets[:-1], ragged.lengths) < LONGEST)
    places = ragged.places
    offsets = np.concatenate([[0], np.cumsum(kept)])
    return replace(
        ragged,
        offsets=offsets,
        position=ragged.position[step],
        side=None if ragged.side is None else ragged.side[step],
        take=step if ragged.take is None else ragged.take[step],
        places=places and replace(places, offsets=offsets, begin=places.begin[step], end=places.end[step]),
    )


def _batches(ragged: Ragged, chosen: Array) -> list[Array]:
    """These rows, shortest first, a few at a time, or one alone that is long."""
    order = chosen[np.argsort(ragged.lengths[chosen], kind="stable")]
    found: list[Array] = []
    while len(order):
        count = next((k for k in range(min(ROWS, len(order)), 1, -1) if k * ragged.lengths[order[k - 1]] <= CELLS), 1)
        found.append(order[:count])
        order = order[count:]
    return found


def _square(each: Sequence[Sequence[int]]) -> Array:
    """The columns of several rows as int64 "B Q", the first again where a row has fewer."""
    most = max(map(len, each))
    return np.array([[*own, *[own[0]] * (most - len(own))] for own in each], np.int64)


def _attributed(of: Texts, seqs: dict[str, Seq], column: Tensor, method: Method, most: int) -> Attributed:
    network, exclusive = of.predictor.members[0], of.predictor.task.kind == "multiclass"
    chosen, asked = column.to(seqs[of.name].mask.device), Asked(network, of.name, seqs)
    if method == "attention":
        return _exact(network, asked, chosen, exclusive=exclusive)
    telling = partial(log_odds, column=chosen, exclusive=exclusive)
    encoder, spec = network.encoders[f"input_{of.name}"], of.predictor.fitted[of.name].spec
    return gradients.attributed(asked, encoder, spec, telling, most=most)


@torch.no_grad()
def _exact(network: Model, asked: Asked, column: Tensor, *, exclusive: bool) -> Attributed:
    assert isinstance(network.head, LabelAttention)
    with evaluating(network):
        return attention.exact(network.head, network.encode(asked.name, asked.seq), column, exclusive=exclusive)


def _told(said: Attributed, at: tuple[int, int], column: int, words: Standing) -> Told:
    """Of one row and class; `words` says where its steps, or the words of its steps, stand."""
    change, told, rest = words.of(said.change[at]), float(said.told[at]), float(said.rest[at])
    return Told(column, words.begin, words.end, change, told, rest, "", said.points)


def _fitted(column: int, parts: Parts, fit: Fitted, q: int, samples: int) -> Told:
    told, rest, share = (float(values[q]) for values in (fit.told, fit.rest, fit.fit))
    return Told(column, parts.begin, parts.end, fit.change[q], told, rest, "lime", samples, share, parts.read)
