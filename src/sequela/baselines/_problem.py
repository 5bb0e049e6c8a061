"""What a baseline has to learn of a target: a problem for each column, or one for all classes; and how each is scored on tune."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy.special import expit, softmax

from sequela.errors import DataError
from sequela.registry import nearest
from sequela.types import Answer, Array, Counts, Plain, Target

Learned: TypeAlias = Literal["binary", "multiclass", "regression"]

SCORES: Mapping[Learned, str] = {"binary": "log_loss", "multiclass": "log_loss", "regression": "mean_squared_error"}
SCORES_OF = "scores."  # how the columns begin that hold a severity score of the data
SMALLEST = 1e-7  # a probability of 0 counts as this one, so that a single sure mistake does not make a loss infinite


@dataclass(frozen=True, slots=True)
class Problem:
    """The known values of one label, outcome or quantity, and the rows they belong to."""

    kind: Learned
    name: str
    rows: Array  # int64 "n": where the value is known
    values: Array  # float64 "n": 0 or 1, an index into the classes, or a quantity
    classes: int  # columns of an answer: 1, or the number of classes

    @property
    def constant(self) -> bool:
        """Whether there is nothing to tell apart."""
        return len(np.unique(self.values)) < 2


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting and its loss on tune."""

    setting: Mapping[str, Any]
    loss: float


def problems(target: Target, kind: str) -> list[Problem]:
    """The problems that a target of this kind poses: one a column, but one alone for multiclass.

    Raises DataError for next codes, points, boxes, entities, curves and contacts, which are no column, and for forecasts, which
    have quantiles too.
    """
    if kind == "forecast":
        raise DataError("plain columns are no forecast of a series")
    if kind in ("next_event", "segment", "detect", "entities", "survival", "contact"):
        raise DataError(f"plain columns are no answer to a {kind} question")
    if kind == "multiclass":
        return [_problem("multiclass", "classes", target, 0, len(target.names))]
    learned: Learned = "regression" if kind == "regression" else "binary"
    return [_problem(learned, name, target, column, 1) for column, name in enumerate(target.names)]


def _problem(kind: Learned, name: str, target: Target, column: int, classes: int) -> Problem:
    rows = np.flatnonzero(target.known[:, column])
    return Problem(kind, name, rows, np.asarray(target.values[rows, column], np.float64), classes)


def learnable(target: Target, kind: str, part: str = "train") -> list[Problem]:
    """The problems of a part.

    Raises DataError where a label is known in no row of it: then nothing can be learnt or chosen.
    """
    found = problems(target, kind)
    for problem in found:
        if not len(problem.rows):
            raise DataError(
                f"a baseline needs known labels, but {problem.name!r} is known in no row of {part}",
                hint="give the split larger parts, or leave this outcome out",
            )
    return found


def pairs(train: Target, tune: Target, kind: str) -> list[tuple[Problem, Problem]]:
    """Each problem in train and in tune, as `learnable` has them."""
    return list(zip(learnable(train, kind), learnable(tune, kind, "tune"), strict=True))


def loss(problem: Problem, answered: Array) -> float:
    """The mean log loss, or the mean squared error of a regression, of answers "n K" to a problem: 0 is perfect."""
    if problem.kind == "regression":
        return float(np.mean((answered[:, 0] - problem.values) ** 2))
    return float(-np.mean(np.log(np.clip(_given(problem, answered), SMALLEST, 1.0))))


def _given(problem: Problem, answered: Array) -> Array:
    """The probability that each row's own outcome was given."""
    if problem.kind == "multiclass":
        given: Array = answered[np.arange(len(answered)), problem.values.astype(np.int64)]
        return given
    return np.where(problem.values == 1, answered[:, 0], 1 - answered[:, 0])


def prior(problem: Problem) -> Array:
    """The answer that knows no input, float64 "K": the prevalence, the class frequencies, or the mean."""
    if problem.kind == "multiclass":
        counts = np.bincount(problem.values.astype(np.int64), minlength=problem.classes)
        return np.asarray(counts / counts.sum())
    return np.array([problem.values.mean()])


def raw_prior(problem: Problem) -> Array:
    """The prior before `probability`: log odds, logs of the class frequencies, or the mean."""
    known = prior(problem)
    with np.errstate(divide="ignore"):
        if problem.kind == "binary":
            return np.asarray(np.log(known) - np.log1p(-known))
        return np.asarray(np.log(known) if problem.kind == "multiclass" else known)


def probability(kind: Learned, raw: Array) -> Array:
    """Raw answers "N K" as probabilities; the quantities of a regression stay as they are."""
    if kind == "regression":
        return raw
    chance: Array = expit(raw) if kind == "binary" else softmax(raw, axis=1)
    return chance


def best(trials: Iterable[Trial]) -> Trial:
    """The trial with the smallest loss; the first of equals."""
    return min(trials, key=lambda trial: trial.loss)


def told(tried: Mapping[str, tuple[Learned, Sequence[Trial]]]) -> dict[str, Any]:
    """For the report: by label, what it was scored by, the setting chosen and every one tried."""
    return {
        name: {
            "score": SCORES[kind],
            "chosen": dict(best(trials).setting) if trials else {},
            "tried": [{**trial.setting, "loss": trial.loss} for trial in trials],
        }
        for name, (kind, trials) in tried.items()
    }


def answer(kind: str, names: tuple[str, ...], columns: Sequence[Array]) -> Answer:
    """The answers "N K" of each problem side by side."""
    values = np.concatenate([np.asarray(column, np.float64) for column in columns], axis=1)
    return Answer("values" if kind == "regression" else "probabilities", values, names)


def of_inputs(plain: Plain, patterns: Sequence[str] = ()) -> Plain:
    """The columns of the study's inputs, or those of them whose name matches one of the patterns ("scan.*").

    Those of scores are comparators of their own, which the model does not see either. Raises DataError where a pattern matches no
    column.
    """
    kept = [column for column, name in enumerate(plain.names) if not name.startswith(SCORES_OF)]
    own = Plain(plain.values[:, kept], tuple(plain.names[column] for column in kept), plain.counts)
    return _matching(own, patterns) if patterns else own


def _matching(plain: Plain, patterns: Sequence[str]) -> Plain:
    """The columns that match a pattern, without the blocks of counts of which none does."""
    for pattern in patterns:
        if not _matches(plain.columns, [pattern]):
            raise DataError(f"no plain column is called {pattern!r}", hint=nearest(pattern, plain.columns))
    kept = _matches(plain.names, patterns)
    blocks = [(block, _matches(block.names, patterns)) for block in plain.counts]
    counts = tuple(_narrowed(block, columns) for block, columns in blocks if columns)
    return Plain(plain.values[:, kept], tuple(plain.names[column] for column in kept), counts)


def matching(names: Sequence[str], patterns: Sequence[str]) -> tuple[str, ...]:
    """The names that match one of the patterns, in order."""
    return tuple(names[column] for column in _matches(names, patterns))


def _matches(names: Sequence[str], patterns: Sequence[str]) -> list[int]:
    return [column for column, name in enumerate(names) if any(fnmatchcase(name, pattern) for pattern in patterns)]


def _narrowed(block: Counts, columns: list[int]) -> Counts:
    return Counts(block.values[:, columns], tuple(block.names[column] for column in columns), block.label)


def same_columns(rows: Plain, expected: tuple[str, ...], patterns: Sequence[str] = ()) -> Plain:
    """The inputs' columns. Raises DataError where they are not the ones, by name, that the baseline was fitted on."""
    plain = of_inputs(rows, patterns)
    found = plain.columns
    if found != expected:
        differ = sorted(set(expected) ^ set(found))
        raise DataError(
            f"a baseline was fitted on {len(expected)} columns, but is given {len(found)} others, or in another order",
            hint=f"first that differ: {', '.join(differ[:5])}"
            if differ
            else "read the inputs with the states they were fitted with",
        )
    return plain
