"""Linear models on the words of a text, weighted by how rare they are (TF-IDF): what every network over text is held against.

It reads the blocks of counts that inputs tell beside their plain columns: words, negated words and runs of words of `text`, codes
of `codes`. A logistic regression (ridge regression for quantities) and, for classes and yes or no, a linear support vector
machine with calibrated margins are fitted; tune chooses between them, the strength of the penalty, how many of the blocks are
read, and how many training rows must have a word for it to be read. One model a label for multilabel. Source: scikit-learn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from msgspec import Meta
from threadpoolctl import threadpool_limits

from sequela import seed as streams
from sequela.baselines import _linear, _margin, _problem, _weighting
from sequela.baselines._linear import Linear
from sequela.baselines._problem import Learned, Problem, Trial
from sequela.baselines._weighting import Weighting
from sequela.config import Name, Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array, Counts, Plain

Kind: TypeAlias = Literal["logistic", "machine"]
Strengths: TypeAlias = Annotated[tuple[Annotated[float, Meta(gt=0)], ...], Meta(min_length=1)]


class Config(Strict, frozen=True):
    models: Annotated[tuple[Kind, ...], Meta(min_length=1)] = ("logistic", "machine")  # machine: not of quantities
    strengths: Strengths = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)  # C of scikit-learn, 1 / alpha of ridge regression
    machine_strengths: Strengths = (0.03, 0.1, 0.3, 1.0)  # C of the machine
    fewest: Annotated[tuple[Annotated[int, Meta(ge=1)], ...], Meta(min_length=1)] = (1, 3)  # training rows that have a word
    iterations: Annotated[int, Meta(ge=1)] = 200  # of L-BFGS
    columns: tuple[Name, ...] = ()  # only counts whose name matches one of these ("note.words.*"); none: all
    threads: Annotated[int, Meta(ge=1)] = 1


@dataclass(frozen=True, slots=True)
class _Model:
    """One problem's model, and the words it reads."""

    weighting: Weighting
    linear: Linear

    def __call__(self, counts: tuple[Counts, ...]) -> Array:
        return self.linear(self.weighting.apply(counts))


@dataclass(frozen=True, slots=True)
class _Fitted:
    kind: str
    names: tuple[str, ...]
    inputs: tuple[str, ...]  # the plain columns, in order
    models: tuple[_Model, ...]


@dataclass(frozen=True, slots=True)
class _Side:
    """The counts of train, or of tune, and what is to be learnt or judged; `fold` says where each row of train is judged."""

    counts: tuple[Counts, ...]
    problem: Problem
    fold: Array

    def rows(self, weighting: Weighting) -> _linear.Rows:
        return _linear.Rows(weighting.apply(self.counts)[self.problem.rows], self.problem)


class TfIdf:
    """Fits once, then answers; `chosen` tells each setting tried."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._fitted: _Fitted | None = None
        self._tried: dict[str, tuple[Learned, list[Trial]]] = {}

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Chooses the settings of each label on tune; the seed says which rows share a fold.

        Raises DataError where the inputs tell no counts.
        """
        pairs = _problem.pairs(train.target, tune.target, kind)
        plain = _counted(_problem.of_inputs(train.plain, self._config.columns))
        judged = _problem.same_columns(tune.plain, plain.columns, self._config.columns)
        fold = _folds(train.subject, seed)
        with threadpool_limits(self._config.threads):
            models = [
                self._choose(_Side(plain.counts, learnt, fold[learnt.rows]), _Side(judged.counts, held, fold[:0]))
                for learnt, held in pairs
            ]
        self._fitted = _Fitted(kind, train.target.names, plain.columns, tuple(models))

    def _choose(self, train: _Side, tune: _Side) -> _Model:
        """The setting with the least loss on tune."""
        told: list[Trial] = []
        best: tuple[float, _Model] | None = None
        for weighting, said in self._weightings(train.counts):
            learnt, held = train.rows(weighting), tune.rows(weighting)
            for linear, setting in self._models(learnt, train.fold):
                loss = _problem.loss(held.problem, linear(held.features))
                told.append(Trial({**setting, **said}, loss))
                if best is None or loss < best[0]:
                    best = loss, _Model(weighting, linear)
        self._tried[train.problem.name] = (train.problem.kind, told)
        if best is None:
            raise DataError(f"tfidf has no word that {min(self._config.fewest)} training rows have")
        return best[1]

    def _weightings(self, counts: tuple[Counts, ...]) -> Iterator[tuple[Weighting, dict[str, Any]]]:
        for blocks in _weighting.choices(counts):
            for fewest in self._config.fewest:
                found = _weighting.fit(counts, blocks, fewest)
                if len(found.columns):
                    yield found, {"counts": ", ".join(counts[one].label for one in blocks), "fewest": fewest}

    def _models(self, rows: _linear.Rows, fold: Array) -> Iterator[tuple[Linear, dict[str, Any]]]:
        config, problem = self._config, rows.problem
        if problem.constant:
            yield _linear.constant(problem, rows.features.shape[1]), {"model": "constant"}
            return
        if "logistic" in config.models or problem.kind == "regression":
            name = "ridge" if problem.kind == "regression" else "logistic"
            strengths = sorted(config.strengths)
            models = _linear.path(rows.features, problem, _linear.Plan(config.strengths, config.iterations))
            yield from ((one, {"model": name, "strength": strength}) for strength, one in zip(strengths, models, strict=True))
        if "machine" in config.models and problem.kind != "regression" and _margin.foldable(rows, fold):
            for strength in sorted(config.machine_strengths):
                yield _margin.calibrated(rows, fold, strength), {"model": "machine", "strength": strength}

    def answer(self, rows: Evidence) -> Answer:
        if self._fitted is None:
            raise DataError("this baseline has not been fitted")
        fitted = self._fitted
        plain = _problem.same_columns(rows.plain, fitted.inputs, self._config.columns)
        return _problem.answer(fitted.kind, fitted.names, [model(plain.counts) for model in fitted.models])

    @property
    def chosen(self) -> Mapping[str, Any]:
        return _problem.told(self._tried)

    def exported(self) -> dict[str, Array]:
        """All that was learnt as plain arrays, for a bundle; `from_arrays` is the way back."""
        if self._fitted is None:
            raise DataError("this baseline has not been fitted")
        arrays: dict[str, Array] = {}
        for number, model in enumerate(self._fitted.models):
            arrays |= {f"weights.{number}": model.linear.weights, f"intercepts.{number}": model.linear.intercepts}
            arrays |= {f"columns.{number}": model.weighting.columns, f"rarity.{number}": model.weighting.rarity}
            arrays |= {f"blocks.{number}": np.array(model.weighting.blocks, np.int64)}
        return arrays


def from_arrays(arrays: Mapping[str, Array], kind: str, names: tuple[str, ...], inputs: tuple[str, ...]) -> TfIdf:
    """The fitted baseline again: `kind` of the task, `names` of the target, `inputs` the names of the plain columns."""
    learned: Learned = "regression" if kind == "regression" else "multiclass" if kind == "multiclass" else "binary"
    models = [
        _Model(
            Weighting(tuple(arrays[f"blocks.{n}"].tolist()), arrays[f"columns.{n}"], arrays[f"rarity.{n}"]),
            Linear(learned, arrays[f"weights.{n}"], arrays[f"intercepts.{n}"]),
        )
        for n in range(sum(name.startswith("weights.") for name in arrays))
    ]
    baseline = TfIdf(Config())
    baseline._fitted = _Fitted(kind, names, inputs, tuple(models))
    return baseline


def _counted(plain: Plain) -> Plain:
    if not plain.counts:
        raise DataError(
            "tfidf reads counts of words or codes, and no input tells any",
            hint='an input with modality = "text" or "codes" does',
        )
    return plain


def _folds(subject: Array, seed: int) -> Array:
    """The fold in which each row is judged, int64 "N"; rows of one subject share one."""
    who, number = np.unique(subject, return_inverse=True)
    place = streams.generator(seed, "tfidf", "folds").permutation(len(who)) % _margin.FOLDS
    return np.asarray(place[number])


def build(config: Config) -> TfIdf:
    return TfIdf(config)
