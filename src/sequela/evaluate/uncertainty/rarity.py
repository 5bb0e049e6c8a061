"""How unusual an input is: by what the network makes of it, and by plain rules of quality, referred to the rows of tune.

    distance   of the vector that the head sees from the nearest class of train, in units of its spread (Mahalanobis; Lee 2018,
               NeurIPS), the covariance shared by all classes and shrunk (Ledoit and Wolf 2004)
    energy     of what the head gives (Liu 2020, NeurIPS): high where it speaks for no class. Of one yes-or-no output z it is
               -log(2 cosh(z / 2)), as of two classes with -z / 2 and z / 2; of labels the sum over them (Wang 2021)
    missing    share of an input's columns that were never seen in a row
    outside    share of its values in the outermost hundredth of those of train, of each column
    few        an input with few steps
    unknown    share of its codes or words that train did not have, or too rarely

Each is told as the share of tune that is at least as unusual. The least of these shares is referred to tune once more, so that
asking by several rules makes nobody unusual by chance alone. What is kept are means, a matrix and quantiles: no row of a patient.
It knows what the network and these rules look at; an input may be foreign in ways that none of them sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from msgspec import Struct

from sequela import batch as batches
from sequela import model as models
from sequela import seed as streams
from sequela.contracts import Evidence
from sequela.evaluate.conformal import shares
from sequela.evaluate.uncertainty.sets import true
from sequela.model import Model
from sequela.train import rows as evidences
from sequela.types import Array, Seq, Spec, Target

KINDS = ("binary", "multiclass", "multilabel", "regression")
MOST = 2000  # rows of train, and of tune, that it is learnt from
FEWEST = 20  # of either, under which nothing is said
WIDEST = 256  # directions of the vectors that are kept, those of the greatest spread
OUTER = 0.005  # of the values of a column, on either side
LEVELS = np.concatenate(
    [np.linspace(0, 0.5, 11), np.linspace(0.52, 0.9, 20), np.linspace(0.902, 0.99, 45), np.linspace(0.9905, 1, 20)]
)


class Tail(Struct, frozen=True):
    """How one measure lies in tune: its quantiles at LEVELS, each subject alike."""

    measure: str  # "distance", or "missing" and the like
    values: tuple[float, ...]
    input: str = ""  # of the rules of quality
    rows: int = 0  # of tune

    def share(self, values: Array) -> Array:
        """The share of tune that is at least as unusual, float64 "N", never less than 1 in the rows of tune and one."""
        below = np.searchsorted(np.array(self.values), values, side="left")
        rest = 1 - np.concatenate([[0.0], LEVELS])[below]
        found: Array = (rest * self.rows + 1) / (self.rows + 1)
        return found


class Columns(Struct, frozen=True):
    """The values of an input's columns in train between which all but the outermost hundredth lie."""

    low: tuple[float, ...]
    high: tuple[float, ...]


class State(Struct, frozen=True):
    """What is kept as JSON."""

    tails: tuple[Tail, ...]
    together: Tail  # of the least share over the measures, negative
    columns: dict[str, Columns]  # by input


@dataclass(frozen=True, slots=True)
class Told:
    """How unusual each row is."""

    share: Array  # float64 "N": of tune that is at least as unusual, over all measures
    rule: Array  # int64 "N": the measure by which it is the most so, a place in the tails
    each: Array  # float64 "N M": the same share by each measure


@dataclass(frozen=True, slots=True)
class Rarity:
    """A fitted reference of what is usual."""

    state: State
    means: Array  # float32 "K D": of the vectors of each class, scaled
    factor: Array  # float32 "D R": a difference of scaled vectors times this has the distance for its length
    scale: Array  # float32 "D"

    def told(self, model: Model, rows: Evidence, kind: str) -> Told:
        """How unusual these rows are, by the network that it was fitted with."""
        measured = _measured(model, rows, kind, self)
        each = np.stack([tail.share(measured[tail.measure, tail.input]) for tail in self.state.tails], 1)
        return Told(self.state.together.share(-each.min(1)), each.argmin(1), each)

    def named(self, place: int) -> str:
        """What a measure is called: "distance", "missing in chart"."""
        tail = self.state.tails[place]
        return f"{tail.measure} in {tail.input}" if tail.input else tail.measure

    def distance(self, pooled: Array) -> Array:
        """From the nearest class, float64 "N"."""
        scaled = pooled / self.scale
        away = [np.square((scaled - mean) @ self.factor).sum(1) for mean in self.means]
        return np.asarray(np.sqrt(np.min(away, 0)))


def fit(model: Model, train: Evidence, tune: Evidence, kind: str, seed: int) -> Rarity | None:
    """The reference, the vectors of train and their spread on tune; None where rows are too few, or the head sees no vector."""
    if kind not in KINDS or min(len(train), len(tune)) < FEWEST:
        return None
    some = evidences.take(train, _some(len(train), seed, "train"))
    found = models.vectors(model, some.inputs)
    if found is None:
        return None
    own = _of_vectors(found.pooled, _groups(some.target, kind), dict(_columns(some)))
    some = evidences.take(tune, _some(len(tune), seed, "tune"))
    return _referred(own, _measured(model, some, kind, own), some.subject)


def _some(count: int, seed: int, of: str) -> Array:
    chosen = streams.generator(seed, "rarity", of).permutation(count)[:MOST]
    return np.sort(chosen)


def _groups(target: Target, kind: str) -> Array:
    """The class of each row; of labels and quantities, all rows are one."""
    return true(target) if kind in ("binary", "multiclass") else np.zeros(len(target.values), np.int64)


def _of_vectors(pooled: Array, group: Array, columns: dict[str, Columns]) -> Rarity:
    from sklearn.covariance import ledoit_wolf

    spread = pooled.std(0)
    scale = np.where(spread > 1e-9, spread, 1.0)
    scaled = pooled / scale
    means = np.stack([scaled[group == one].mean(0) for one in np.unique(group[group >= 0])])
    centred = scaled - means[np.searchsorted(np.unique(group[group >= 0]), np.maximum(group, 0))]
    covariance, _ = ledoit_wolf(centred, assume_centered=True)
    values, directions = np.linalg.eigh(covariance)
    kept = np.flatnonzero(values > 1e-6 * max(values[-1], 1e-12))[-WIDEST:]
    factor = directions[:, kept] / np.sqrt(values[kept])
    empty = State((), Tail("together", ()), columns)
    return Rarity(empty, *(np.asarray(one, np.float32) for one in (means, factor, scale)))


def _referred(bare: Rarity, measured: Mapping[tuple[str, str], Array], subject: Array) -> Rarity:
    """The reference with the distribution of each measure, and of the least share, in tune."""
    tails = tuple(_tail(measure, name, values, subject) for (measure, name), values in measured.items())
    least = np.stack([tail.share(measured[tail.measure, tail.input]) for tail in tails], 1).min(1)
    together = _tail("together", "", -least, subject)
    return Rarity(State(tails, together, bare.state.columns), bare.means, bare.factor, bare.scale)


def _tail(measure: str, name: str, values: Array, subject: Array) -> Tail:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(shares(subject)[order])
    place = np.minimum(np.searchsorted(reached, LEVELS - 1e-12), len(values) - 1)
    return Tail(measure, tuple(values[order][place].tolist()), name, len(values))


# -------------------------------------------------------------------------------------------------------------------- measures


def _measured(model: Model, rows: Evidence, kind: str, own: Rarity) -> dict[tuple[str, str], Array]:
    """(measure, input) -> float64 "N", the greater the more unusual."""
    found: dict[tuple[str, str], Array] = {}
    seen = models.vectors(model, rows.inputs)
    if seen is not None:
        found["distance", ""] = own.distance(seen.pooled)
        if kind != "regression":
            found["energy", ""] = energy(seen.out, kind)
    return found | dict(_quality(rows, own.state.columns))


def energy(out: Array, kind: str) -> Array:
    """Of what the head gives, "N K": high where it speaks for no class.

    >>> energy(np.array([[0.0, 0.0], [9.0, 0.0]]), "multiclass").round(3).tolist()
    [-0.693, -9.0]
    """
    if kind == "binary":
        return -np.logaddexp(-out[:, 0] / 2, out[:, 0] / 2)
    if kind == "multilabel":
        return np.asarray(-np.logaddexp(0, out).sum(1))
    return np.asarray(-np.logaddexp.reduce(out, 1))


def _quality(rows: Evidence, columns: Mapping[str, Columns]) -> Iterator[tuple[tuple[str, str], Array]]:
    """What the rules of quality find in each input."""
    parts = np.array_split(np.arange(len(rows)), max(1, len(rows) // 256))
    for name, spec in rows.specs.items():
        if name not in columns and not spec.vocabulary and (spec.single or spec.length):
            continue
        told: dict[str, list[Array]] = {}
        for part in parts:
            seq = batches.collate({name: rows.inputs[name]}, part).inputs[name]
            for measure, values in _rules(seq, spec, columns.get(name)):
                told.setdefault(measure, []).append(values)
        yield from (((measure, name), np.concatenate(values)) for measure, values in told.items())


def _rules(seq: Seq, spec: Spec, columns: Columns | None) -> Iterator[tuple[str, Array]]:
    """The rules that suit an input."""
    if columns is not None:
        yield from _of_columns(seq, columns)
    if not spec.single and not spec.length:
        yield "few", -seq.mask.sum(1).astype(np.float64)
    if spec.vocabulary:
        yield "unknown", _unknown(seq, spec)


def _of_columns(seq: Seq, columns: Columns) -> Iterator[tuple[str, Array]]:
    real = seq.mask[:, :, None] & (np.ones(seq.values.shape, bool) if seq.seen is None else seq.seen)
    outside = real & ((seq.values < np.array(columns.low)) | (seq.values > np.array(columns.high)))
    yield "missing", 1 - real.any(1).mean(1)
    yield "outside", outside.sum((1, 2)) / np.maximum(real.sum((1, 2)), 1)


def _unknown(seq: Seq, spec: Spec) -> Array:
    """The share of codes, words or letters that have the number of what is unknown, 0."""
    codes = seq.values[..., :1] if spec.words is not None else seq.values.reshape(*seq.mask.shape, -1)
    seen = True if seq.seen is None or spec.words is not None else seq.seen.reshape(codes.shape)
    real = seq.mask[:, :, None] & seen & np.ones(codes.shape, bool)
    return np.asarray((real & (codes == 0)).sum((1, 2)) / np.maximum(real.sum((1, 2)), 1))


def _columns(rows: Evidence) -> Iterator[tuple[str, Columns]]:
    """Of each input whose steps are a few named numbers."""
    for name, spec in rows.specs.items():
        if spec.vocabulary or len(spec.shape) != 1 or not len(rows.inputs[name].position):
            continue
        seq = batches.collate({name: rows.inputs[name]}, np.arange(len(rows))).inputs[name]
        real = seq.mask[:, :, None] & (np.ones(seq.values.shape, bool) if seq.seen is None else seq.seen)
        ends = [_ends(seq.values[..., k][real[..., k]]) for k in range(spec.shape[0])]
        yield name, Columns(tuple(low for low, _ in ends), tuple(high for _, high in ends))


def _ends(values: Array) -> tuple[float, float]:
    """Finite, so that they survive JSON: a column that train never had lies outside wherever it is."""
    if not len(values):
        return 0.0, 0.0
    low, high = np.quantile(values, [OUTER, 1 - OUTER])
    return float(low), float(high)
