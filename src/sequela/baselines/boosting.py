"""Histogram gradient boosting on plain columns: on tabular summaries usually the strongest plain model.

Absent values are taken as they are. A few settings are tried, each grown until tune no longer gains; the best is fitted again
from several seeds and the raw answers are averaged. One model a label for multilabel. Source: scikit-learn's
HistGradientBoosting, after LightGBM (Ke 2017).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
from msgspec import Meta
from threadpoolctl import threadpool_limits

from sequela import seed as streams
from sequela.baselines import _counts, _problem, _trees
from sequela.baselines._problem import Learned, Problem, Trial
from sequela.config import Name, Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array, Plain


class Setting(Strict, frozen=True):
    """One way to grow the trees, in scikit-learn's words."""

    learning_rate: Annotated[float, Meta(gt=0)] = 0.05
    max_leaf_nodes: Annotated[int, Meta(ge=2)] = 15
    l2_regularization: Annotated[float, Meta(ge=0)] = 10.0
    max_features: Annotated[float, Meta(gt=0, le=1)] = 0.1  # share of the columns tried at each split
    min_samples_leaf: Annotated[int, Meta(ge=1)] = 20


GRID = (
    Setting(max_leaf_nodes=15, max_features=0.1, min_samples_leaf=40),
    Setting(max_leaf_nodes=31, max_features=0.2),
    Setting(max_leaf_nodes=8, max_features=0.2, l2_regularization=1.0),
    Setting(max_leaf_nodes=15, max_features=0.5, l2_regularization=1.0),
)


class Config(Strict, frozen=True):
    settings: Annotated[tuple[Setting, ...], Meta(min_length=1)] = GRID
    rounds: Annotated[int, Meta(ge=1)] = 400  # at most
    step: Annotated[int, Meta(ge=1)] = 50  # rounds grown before tune is asked again
    seeds: Annotated[int, Meta(ge=1)] = 4  # models averaged
    screen_rows: Annotated[int, Meta(ge=1)] = 20_000  # settings are compared on at most so many training rows
    counts: Annotated[int, Meta(ge=0)] = 256  # of the sparse counts, those that alone tell most in train: trees read no more
    columns: tuple[Name, ...] = ()  # of the plain columns only those that match one of these ("*.mean"); none: all
    balance: Annotated[float, Meta(ge=0, le=1)] = 0.0  # power of the inverse class frequency that a row counts by; 0: all alike
    threads: Annotated[int, Meta(ge=1)] = 1


@dataclass(frozen=True, slots=True)
class _Fitted:
    kind: str
    names: tuple[str, ...]
    inputs: tuple[str, ...]  # the plain columns, in order
    forests: tuple[tuple[Learned, _trees.Trees, Array], ...]  # one a problem, with the counts that it reads after the others


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of a problem: what a setting is tried or judged on."""

    values: Array
    problem: Problem


class Boosting:
    """Fits once, then answers; `chosen` tells each setting tried and the rounds it was best at."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._fitted: _Fitted | None = None
        self._tried: dict[str, tuple[Learned, list[Trial]]] = {}

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Chooses setting and rounds of each label's trees on tune."""
        plain = _problem.of_inputs(train.plain, self._config.columns)
        judged = _problem.same_columns(tune.plain, plain.columns, self._config.columns)
        with threadpool_limits(self._config.threads):
            pairs = _problem.pairs(train.target, tune.target, kind)
            forests = [(pair[0].kind, *self._learnt(plain, judged, *pair, seed)) for pair in pairs]
        self._fitted = _Fitted(kind, train.target.names, plain.columns, tuple(forests))

    def _learnt(self, plain: Plain, judged: Plain, learnt: Problem, held: Problem, seed: int) -> tuple[_trees.Trees, Array]:
        """The trees of one problem, and the counts that they read: those that tell most in its training rows."""
        marks = learnt.values if learnt.kind != "multiclass" else np.eye(learnt.classes)[learnt.values.astype(np.int64)]
        chosen = _counts.telling(plain.counts, learnt.rows, marks, self._config.counts)
        values, looked_at = _beside(plain, chosen), _finite(_beside(judged, chosen))
        return self._forest(values, learnt, _Rows(looked_at[held.rows], held), seed), chosen

    def _forest(self, values: Array, learnt: Problem, held: _Rows, seed: int) -> _trees.Trees:
        if learnt.constant:
            self._tried[learnt.name] = (learnt.kind, [])
            return _trees.constant(_problem.raw_prior(learnt))
        config = self._config
        rows = _screened(learnt, config.screen_rows, seed)
        screen = _Rows(_learnable(values[learnt.rows[rows]]), replace(learnt, rows=learnt.rows[rows], values=learnt.values[rows]))
        trials = [_grown(screen, held, setting, config, seed) for setting in config.settings]
        best = _problem.best(trials)
        self._tried[learnt.name] = (learnt.kind, trials)
        setting, rounds = config.settings[trials.index(best)], int(best.setting["rounds"])
        models = [_model(learnt, setting, seed, member) for member in range(config.seeds)]
        for model in models:
            model.set_params(max_iter=rounds).fit(
                _learnable(values[learnt.rows]), learnt.values, _counts_for(learnt, config.balance)
            )
        return _trees.of(models, rounds, learnt.classes)

    def answer(self, rows: Evidence) -> Answer:
        fitted = self._ready()
        plain = _problem.same_columns(rows.plain, fitted.inputs, self._config.columns)
        columns = [
            _problem.probability(learned, trees.raw(_finite(_beside(plain, chosen)))) for learned, trees, chosen in fitted.forests
        ]
        return _problem.answer(fitted.kind, fitted.names, columns)

    @property
    def chosen(self) -> Mapping[str, Any]:
        return _problem.told(self._tried)

    def exported(self) -> dict[str, Array]:
        """All that was learnt as plain arrays, for a bundle; `from_arrays` is the way back."""
        arrays: dict[str, Array] = {}
        for number, (_, trees, chosen) in enumerate(self._ready().forests):
            parts = _trees.arrays(trees) | ({"counts": chosen} if len(chosen) else {})
            arrays |= {f"{number}.{name}": part for name, part in parts.items()}
        return arrays

    def _ready(self) -> _Fitted:
        if self._fitted is None:
            raise DataError("this baseline has not been fitted")
        return self._fitted


def from_arrays(arrays: Mapping[str, Array], kind: str, names: tuple[str, ...], inputs: tuple[str, ...]) -> Boosting:
    """The fitted baseline again: `kind` of the task, `names` of the target, `inputs` the names of the plain columns."""
    learned: Learned = "regression" if kind == "regression" else "multiclass" if kind == "multiclass" else "binary"
    count = len({name.partition(".")[0] for name in arrays})
    parts = [_under(arrays, f"{number}.") for number in range(count)]
    forests = [(learned, _trees.from_arrays(one), np.asarray(one.get("counts", ())).astype(np.int64)) for one in parts]
    baseline = Boosting(Config())
    baseline._fitted = _Fitted(kind, names, inputs, tuple(forests))
    return baseline


def _under(arrays: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    return {name.removeprefix(prefix): part for name, part in arrays.items() if name.startswith(prefix)}


def _beside(plain: Plain, chosen: Array) -> Array:
    """The dense columns, and these of the sparse ones, float32 "N P"."""
    return np.concatenate([plain.values, _counts.columns(plain.counts, chosen)], 1) if len(chosen) else plain.values


def _finite(values: Array) -> Array:
    return np.where(np.isfinite(values), values, np.nan)


def _learnable(values: Array) -> Array:
    """The values with 0 in columns that were never seen, which scikit-learn cannot bin; no tree splits on them."""
    finite = _finite(values)
    return np.where(np.isnan(finite).all(axis=0), 0.0, finite)


def _counts_for(problem: Problem, power: float) -> Array | None:
    """How much each row counts: by how rare its class is, one on average; None where all count alike."""
    if not power or problem.kind == "regression":
        return None
    _, place, number = np.unique(problem.values, return_inverse=True, return_counts=True)
    weight = (number.sum() / number)[place] ** power
    found: Array = weight / weight.mean()
    return found


def _screened(problem: Problem, most: int, seed: int) -> Array:
    """At most so many of the problem's rows, drawn by the seed, in order."""
    drawn = streams.generator(seed, "boosting", "screen").permutation(len(problem.rows))[:most]
    return np.sort(drawn)


def _model(problem: Problem, setting: Setting, seed: int, member: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingRegressor if problem.kind == "regression" else HistGradientBoostingClassifier
    return kind(
        learning_rate=setting.learning_rate,
        max_leaf_nodes=setting.max_leaf_nodes,
        l2_regularization=setting.l2_regularization,
        max_features=setting.max_features,
        min_samples_leaf=setting.min_samples_leaf,
        early_stopping=False,
        random_state=streams.number(seed, "boosting", member) % 2**32,
    )


def _grown(screen: _Rows, held: _Rows, setting: Setting, config: Config, seed: int) -> Trial:
    """The setting with the rounds at which its loss on tune was least; it stops growing once a whole step gained nothing."""
    model = _model(held.problem, setting, seed, 0).set_params(warm_start=True)
    losses: Array = np.zeros(0)
    for rounds in (*range(config.step, config.rounds, config.step), config.rounds):
        model.set_params(max_iter=rounds).fit(screen.values, screen.problem.values, _counts_for(screen.problem, config.balance))
        losses = _losses(model, held, rounds)
        if losses.argmin() < rounds - config.step:
            break
    return Trial({**_written(setting), "rounds": int(losses.argmin()) + 1}, float(losses.min()))


def _written(setting: Setting) -> dict[str, Any]:
    return {name: getattr(setting, name) for name in setting.__struct_fields__}


def _losses(model: Any, held: _Rows, rounds: int) -> Array:
    """The loss on tune after each round."""
    staged = _trees.of([model], rounds, held.problem.classes).staged(held.values, rounds)
    return np.array([_problem.loss(held.problem, _problem.probability(held.problem.kind, raw)) for raw in staged])


def build(config: Config) -> Boosting:
    return Boosting(config)
