"""Rules that hold for every registered baseline, on rows that each can learn from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy.sparse import csr_array

from sequela import batch as batches
from sequela import config, registry
from sequela import seed as streams
from sequela.contracts import Baseline, Evidence
from sequela.errors import DataError
from sequela.modalities._pictures import Pictures, Recipe
from sequela.study import paired
from sequela.tasks import next_event
from sequela.train import rows as evidences
from sequela.types import (
    Array,
    Boxes,
    Counts,
    Horizon,
    Pairs,
    Payload,
    Piece,
    Places,
    Plain,
    Ragged,
    Spanned,
    Spans,
    Spec,
    Tags,
    Target,
    Times,
)

STEPS, LENGTH = 6, 48


@dataclass(frozen=True)
class Case:
    """A baseline with options that make it quick, and the kinds of question that it answers."""

    name: str
    kinds: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)


ALL = ("binary", "multiclass", "multilabel", "regression")
SETTING = {"learning_rate": 0.2, "max_leaf_nodes": 4, "max_features": 0.5}
CASES = [
    Case("aalen_johansen", ("survival",)),
    Case("autoregressive", ("regression", "forecast"), {"orders": [1, 3]}),
    Case("bigram", ("next_event",)),
    Case("blobs", ("detect",), {"points": 40, "rounds": 5, "depth": 3}),
    Case("boosted_hazards", ("survival",), {"rounds": 10, "step": 5, "seeds": 1, "settings": [SETTING], "intervals": 4}),
    Case("boosting", ALL, {"rounds": 20, "step": 10, "seeds": 1, "settings": [SETTING]}),
    Case("cox", ("survival",)),
    Case("dictionary", ("entities",)),
    Case("discord", ("binary",), {"bank": 60}),
    Case("distance", ("binary",)),
    Case("forest", ALL, {"trees": 10, "screen_trees": 5, "leaves": [5, 20], "tries": ["third"]}),
    Case("hazards", ("survival",), {"strengths": [0.01, 0.1], "varying": [False], "intervals": 5}),
    Case("last_value", ("regression", "forecast")),
    Case("logistic", ALL),
    Case("mean", (*ALL, "forecast")),
    Case("observer", ("segment",)),
    Case("otsu", ("segment",), {"around": [0]}),
    Case("pixel_forest", ("segment",), {"scales": [1], "points": 400, "trees": 5, "leaves": [2, 5]}),
    Case("minirocket", ALL, {"features": 84, "iterations": 20}),
    Case("pair_frequency", ("contact",), {"bins": [1, 4]}),
    Case("previous_visit", ("multilabel",)),
    Case("score", ("binary", "multilabel"), {"code": "SAPS"}),
    Case("seasonal", ("forecast",), {"seasons": [1, 3]}),
    Case("sofa", ("binary", "multilabel"), {"pressure": ["HR"]}),
    Case("survival_forest", ("survival",), {"trees": 10, "screen_trees": 4, "leaves": [10, 30]}),
    Case("tfidf", ALL, {"strengths": [1.0, 10.0], "machine_strengths": [0.3], "fewest": [1]}),
    Case("unigram", ("next_event",)),
]
NAMES = {"binary": ("death",), "multiclass": ("a", "b", "c"), "multilabel": ("p", "q"), "regression": ("HR",)}
NAMES["forecast"] = ("HR +1d", "HR +2d")
NAMES["survival"] = ("death", "transplant")
TUNED = {
    "autoregressive",
    "bigram",
    "blobs",
    "boosted_hazards",
    "boosting",
    "cox",
    "dictionary",
    "discord",
    "distance",
    "forest",
    "hazards",
    "otsu",
    "pair_frequency",
    "pixel_forest",
    "seasonal",
    "survival_forest",
    "unigram",
    "logistic",
    "minirocket",
    "tfidf",
}  # what chooses among settings
asked = pytest.mark.parametrize(
    ("case", "kind"), [pytest.param(case, kind, id=f"{case.name}-{kind}") for case in CASES for kind in case.kinds]
)


def evidence(kind: str, rows: int, seed: int) -> Evidence:
    """Rows with a series of heart rates, a waveform and a score, of which the label follows; a fifth have no series.

    Of next codes: rows with a chain of codes, of which a fifth have none. Of points: rows with a picture of a bright square, of
    which a fifth have none. Of entities: rows with
    names among other words, of which a fifth have no word.
    """
    if kind == "next_event":
        return _codes(rows, seed)
    if kind == "segment":
        return _marked(rows, seed)
    if kind == "detect":
        return _boxed(_marked(rows, seed))
    if kind == "entities":
        return _texts(rows, seed)
    if kind == "contact":
        return _paired(rows, seed)
    if kind == "survival":
        return _watched(evidence("regression", rows, seed), seed)
    random = streams.generator(seed, "contract", kind)
    rate = 80 + 10 * random.normal(size=(rows, STEPS)).cumsum(1)
    empty = random.random(rows) < 0.2
    return Evidence(
        {"chart": _series(rate, empty), "lead": _windows(rate[:, -1], random), "visits": _visits(rate, empty)},
        {
            "chart": Spec("measurements", (1,), "days", ("HR",), lines=((80.0, 10.0),)),
            "lead": Spec("waveform", (1, LENGTH), "seconds", ("II",)),
            "visits": Spec("codes", (2,), "days", ("rare", "p", "q"), 3),
        },
        _columns(rate, empty, random),
        Target(
            _labels(kind, rate[:, -1], random),
            random.random((rows, 2 if kind in ("multilabel", "forecast") else 1)) < 0.9,
            NAMES[kind],
        ),
        np.arange(rows),
        np.array([f"{seed}/{row}" for row in range(rows)]),
    )


def _watched(rows: Evidence, seed: int) -> Evidence:
    """The same rows, each watched for a while, or until one of two events: the higher the last rate, the sooner."""
    random = streams.generator(seed, "contract", "survival")
    days = random.exponential(np.exp(6 - rows.target.values / 20) * [[10, 30]], (len(rows), 2))
    watched = random.uniform(5, 40, len(rows))
    time, seen = np.minimum(days.min(1), watched) + 0.01, days.min(1) < watched
    cause = np.where(seen, days.argmin(1) + 1, 0)
    entry = np.where(random.random(len(rows)) < 0.3, 0.5, 0.0) * time
    times = Times(time, cause, entry, (Horizon("5d", 5.0), Horizon("20d", 20.0)))
    return replace(rows, target=Target(cause[:, None].astype(float), rows.target.known, NAMES["survival"], times))


def _texts(rows: int, seed: int) -> Evidence:
    random = streams.generator(seed, "contract", "texts")
    lengths = random.integers(1, 2 * STEPS, rows) * (random.random(rows) > 0.2)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    drawn = random.integers(0, 4, offsets[-1])  # names of two types, and two other words
    begin = np.concatenate([6 * np.arange(length) for length in lengths]).astype(np.int32)
    text = [" ".join(["croup", "kuru.", "today", "seen,"][word] for word in one) for one in np.split(drawn, offsets[1:-1])]
    places = Places(offsets, begin, begin + 5, tuple(text), tuple((Piece(0, "", "NOTE"),) for _ in text))
    named = drawn < 2
    count = np.array([one.sum() for one in np.split(named, offsets[1:-1])])
    spans = Spans(np.concatenate([[0], np.cumsum(count)]), begin[named], begin[named] + 5 - drawn[named], drawn[named])
    tags = Tags(offsets, np.full(offsets[-1], -1), np.full(offsets[-1], True))
    target = Target(count[:, None].astype(float), random.random((rows, 1)) < 0.9, ("a", "b"), Spanned(spans, tags))
    inputs = {"note": Ragged(offsets, drawn.astype(np.int32), np.zeros(offsets[-1]), places=places)}
    row_id = np.array([f"{seed}/{row}" for row in range(rows)])
    nothing = Plain(np.zeros((rows, 0), np.float32), ())
    return Evidence(inputs, {"note": Spec("text", (), "index", vocabulary=4)}, nothing, target, np.arange(rows), row_id)


def _paired(rows: int, seed: int) -> Evidence:
    """RNA in which letters that match, ten apart, pair."""
    random = streams.generator(seed, "contract", "contact")
    lengths = random.integers(14, 22, rows) * (random.random(rows) > 0.2)
    text = tuple("".join(random.choice(list("ACGU"), length)) for length in lengths)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    begin = np.concatenate([np.arange(length) for length in lengths]).astype(np.int32)
    places = Places(offsets, begin, begin + 1, text, tuple((Piece(0, "", "SEQUENCE//rna"),) for _ in text))
    each = [[k for k in range(len(one) - 10) if one[k] + one[k + 10] in ("AU", "GC", "UA", "CG")] for one in text]
    low = np.array([k for one in each for k in one], np.int64)
    pairs = Pairs(np.concatenate([[0], np.cumsum([len(one) for one in each])]), low, low + 10)
    known = random.random((rows, 1)) < 0.9
    target = paired.placed(Target(np.zeros((rows, 1)), known, ("pairs",), pairs), places, 6)
    inputs = {"rna": Ragged(offsets, np.ones(offsets[-1], np.int8), np.zeros(offsets[-1]), places=places)}
    row_id = np.array([f"{seed}/{row}" for row in range(rows)])
    nothing = Plain(np.zeros((rows, 0), np.float32), ())
    return Evidence(inputs, {"rna": Spec("residues", (), "index", vocabulary=5)}, nothing, target, np.arange(rows), row_id)


def _codes(rows: int, seed: int) -> Evidence:
    random = streams.generator(seed, "contract", "codes")
    lengths = random.integers(0, 2 * STEPS, rows) * (random.random(rows) > 0.2)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    turn = random.integers(0, 3, offsets[-1])
    inputs = {"history": Ragged(offsets, (turn.cumsum() % 7).astype(np.int32), np.zeros(offsets[-1]))}
    specs = {"history": Spec("codes", (), "days", vocabulary=7)}
    row_id = np.array([f"{seed}/{row}" for row in range(rows)])
    nothing = Plain(np.zeros((rows, 0), np.float32), ())
    return Evidence(inputs, specs, nothing, next_event.own_target(inputs, specs), np.arange(rows), row_id)


def shown(pictures: Array) -> Pictures:
    """Pictures uint8 "M C *S" in memory, as they are."""
    channels = pictures.shape[1]
    return Pictures([Payload(one) for one in pictures], Recipe(channels, (0.0,) * channels, (1.0,) * channels))


@dataclass(frozen=True)
class Held:
    """Masks in memory."""

    masks: Array
    instances: bool = False

    def __len__(self) -> int:
        return len(self.masks)

    def take(self, rows: Array) -> Held:
        return Held(self.masks[rows])

    def whole(self, row: int) -> Array:
        return self.masks[row]

    def space(self, row: int) -> None:
        return None


def _marked(rows: int, seed: int) -> Evidence:
    random = streams.generator(seed, "contract", "segment")
    corner, side = random.integers(0, 6, (rows, 2)), random.integers(2, 6, rows)
    line = np.arange(12)
    inside = [(line >= first) & (line < first + side[:, None]) for first in (corner[:, :1], corner[:, 1:])]
    masks = (inside[0][:, :, None] & inside[1][:, None, :]).astype(np.int32)
    pictures = np.clip(60 + 120 * masks + random.normal(0, 20, masks.shape), 0, 255).astype(np.uint8)[:, None]
    lengths = (random.random(rows) > 0.2).astype(np.int64)
    entry = np.flatnonzero(lengths)
    inputs = {"photograph": Ragged(np.concatenate([[0], np.cumsum(lengths)]), shown(pictures), np.zeros(len(entry)), take=entry)}
    known, row_id = random.random((rows, 1)) < 0.9, np.array([f"{seed}/{row}" for row in range(rows)])
    target = Target(np.zeros((rows, 1)), known, ("cell",), Held(masks))
    nothing = Plain(np.zeros((rows, 0), np.float32), ())
    specs = {"photograph": Spec("image", (1, 12, 12), "days", single=True)}
    second = replace(target, known=np.full((rows, 1), True))
    return Evidence(inputs, specs, nothing, target, np.arange(rows), row_id, marks={"SECOND": second})


def _boxed(rows: Evidence) -> Evidence:
    """The same pictures three times as large, with a box around the square of each."""
    (ragged,), count = rows.inputs.values(), len(rows)
    edges = [(np.flatnonzero(mask.any(1))[[0, -1]], np.flatnonzero(mask.any(0))[[0, -1]]) for mask in rows.target.dense.masks]
    corners = np.array([[down[0], across[0], down[1] + 1, across[1] + 1] for down, across in edges], np.float32) * 3
    pictures = np.stack([one.values for one in ragged.values.payloads]).repeat(3, 2).repeat(3, 3)
    boxes = Boxes(np.arange(count + 1), corners, np.zeros(count, np.int64))
    inputs = {"photograph": replace(ragged, values=shown(pictures))}
    return replace(rows, inputs=inputs, target=replace(rows.target, dense=boxes), marks={})


def _series(rate: Array, empty: Array) -> Ragged:
    lengths = np.where(empty, 0, STEPS)
    values = rate[~empty].reshape(-1, 1).astype(np.float32)
    position = np.tile(np.arange(STEPS) - (STEPS - 1.0), int((~empty).sum()))
    return Ragged(np.concatenate([[0], np.cumsum(lengths)]), values, position, np.ones(values.shape, bool))


def _visits(rate: Array, empty: Array) -> Ragged:
    """At each step p where the rate is high, and q where it is higher."""
    high = np.stack([rate > 70, rate > 85], 2)[~empty].reshape(-1, 2)
    lengths = np.where(empty, 0, STEPS)
    values = np.where(high, [1, 2], 0).astype(np.int32)
    return Ragged(np.concatenate([[0], np.cumsum(lengths)]), values, np.zeros(len(values)), high)


def _windows(last: Array, random: np.random.Generator) -> Ragged:
    """A wave the faster, the higher the last heart rate; the first row has none."""
    phase = np.arange(LENGTH) * (last[1:, None] / 200)
    windows = np.sin(phase)[:, None] + 0.2 * random.normal(size=(len(last) - 1, 1, LENGTH))
    return Ragged(np.maximum(np.arange(len(last) + 1) - 1, 0), windows.astype(np.float32), np.zeros(len(windows)))


def _columns(rate: Array, empty: Array, random: np.random.Generator) -> Plain:
    noisy = rate[:, -1] / 5 + random.normal(size=len(rate))
    values = np.stack([rate[:, -1], rate.mean(1), rate.min(1), noisy], 1).astype(np.float32)
    values[empty, :3] = np.nan
    values[random.random(len(rate)) < 0.1, 3] = np.nan
    return Plain(values, ("chart.HR.last", "chart.HR.mean", "chart.HR.min", "scores.SAPS"), (_words(rate, empty),))


def _words(rate: Array, empty: Array) -> Counts:
    """How often the rate was said to be low, usual, high and very high."""
    said = np.stack([np.histogram(row, [-np.inf, 70, 85, 95, np.inf])[0] for row in rate]) * ~empty[:, None]
    names = ("low", "usual", "high", "very high")
    return Counts(csr_array(said.astype(np.float32)), tuple(f"note.words.{name}" for name in names), "note.words")


def _labels(kind: str, last: Array, random: np.random.Generator) -> Array:
    cause = last + 5 * random.normal(size=len(last))
    if kind == "regression":
        return cause[:, None]
    if kind == "forecast":
        return cause[:, None] + 2 * random.normal(size=(len(last), 2))
    if kind == "multiclass":
        return np.digitize(cause[:, None], [70, 95]).astype(np.float64)
    return (cause[:, None] > np.array([[85.0, 70.0]])).astype(np.float64)[:, : len(NAMES[kind])]


def built(case: Case) -> Baseline:
    module = registry.module("baselines", case.name)
    baseline: Baseline = module.build(config.convert(case.options, module.Config))
    return baseline


_FITTED: dict[tuple[str, str], Baseline] = {}


@pytest.fixture
def fitted(case: Case, kind: str) -> Baseline:
    """The baseline, fitted once for all tests that only ask it."""
    if (case.name, kind) not in _FITTED:
        baseline = built(case)
        baseline.fit(evidence(kind, 240, 0), evidence(kind, 80, 1), kind, 0)
        _FITTED[case.name, kind] = baseline
    return _FITTED[case.name, kind]


def test_every_registered_baseline_is_tried() -> None:
    assert {case.name for case in CASES} >= set(registry.names("baselines")), "a new baseline needs a Case here"


@asked
def test_answers_are_of_the_kind_asked_for_and_finite(case: Case, kind: str, fitted: Baseline) -> None:
    rows = evidence(kind, 40, 2)
    answer = fitted.answer(rows)
    assert answer.kind == {
        "regression": "values",
        "forecast": "values",
        "next_event": "values",
        "segment": "masks",
        "detect": "boxes",
        "entities": "spans",
        "survival": "curves",
        "contact": "pairs",
    }.get(kind, "probabilities")
    assert answer.names == (next_event.SUMS if kind == "next_event" else rows.target.names) and answer.values.shape == (
        40,
        len(answer.names),
    )
    assert answer.values.dtype == np.float64 and np.isfinite(answer.values).all()
    if kind in ("segment", "detect"):
        entries = batches.entries(rows.inputs["photograph"])
        assert [one is None for one in answer.painted or answer.boxed] == [entry < 0 for entry in entries]
    if kind == "entities":
        assert answer.spanned is not None and len(answer.spanned) == 40 and answer.spanned.score is not None
    if kind == "survival":
        assert answer.curves is not None and len(answer.curves.times) <= 200 and (np.diff(answer.curves.times) > 0).all()
        assert (np.diff(answer.curves.incidence, axis=2) >= 0).all() and answer.curves.survival.min() >= -1e-9
        np.testing.assert_allclose(answer.values, answer.curves.at(20.0))
    if kind == "forecast":
        assert answer.quantiles is not None and answer.quantiles.values.shape == (40, 2, 5)
        assert (np.diff(answer.quantiles.values, axis=2) >= 0).all()
    if kind == "contact":
        assert answer.paired is not None and len(answer.paired) == 40 and answer.paired.score is not None
    if answer.kind not in ("values", "boxes", "spans", "pairs"):
        assert answer.values.min() >= 0 and answer.values.max() <= 1
    if kind == "multiclass":
        np.testing.assert_allclose(answer.values.sum(1), 1, atol=1e-9)


@asked
def test_order_and_neighbours_of_rows_change_no_answer(case: Case, kind: str, fitted: Baseline) -> None:
    rows = evidence(kind, 40, 2)
    order = np.random.default_rng(0).permutation(40)
    expected = fitted.answer(rows).values
    for some in (order, order[:9], order[:1]):
        np.testing.assert_allclose(fitted.answer(evidences.take(rows, some)).values, expected[some], rtol=1e-6, atol=1e-6)


@asked
def test_labels_of_the_rows_that_are_answered_change_nothing(case: Case, kind: str, fitted: Baseline) -> None:
    rows = evidence(kind, 40, 2)
    hidden = replace(rows, target=Target(np.zeros_like(rows.target.values), np.zeros_like(rows.target.known), rows.target.names))
    np.testing.assert_array_equal(fitted.answer(hidden).values, fitted.answer(rows).values)


@asked
def test_rows_of_which_nothing_is_known_are_answered(case: Case, kind: str, fitted: Baseline) -> None:
    rows = evidence(kind, 5, 2)
    nothing = {name: replace(ragged, offsets=np.zeros(6, np.int64)) for name, ragged in rows.inputs.items()}
    uncounted = tuple(replace(block, values=block.values * 0) for block in rows.plain.counts)
    blank = replace(rows, inputs=nothing, plain=Plain(np.full_like(rows.plain.values, np.nan), rows.plain.names, uncounted))
    answered = fitted.answer(blank).values
    assert np.isfinite(answered).all()
    np.testing.assert_allclose(answered, np.broadcast_to(answered[0], answered.shape), rtol=1e-6, atol=1e-6)


@asked
def test_the_settings_chosen_can_be_written_down(case: Case, kind: str, fitted: Baseline) -> None:
    told = msgspec.json.decode(msgspec.json.encode(dict(fitted.chosen)))
    assert set(told) == set(fitted.chosen)
    for one in told.values() if case.name in TUNED else ():
        assert one["chosen"] in [{k: v for k, v in trial.items() if k != "loss"} for trial in one["tried"]]


@asked
def test_the_same_seed_gives_the_same_answers(case: Case, kind: str, fitted: Baseline) -> None:
    again, rows = built(case), evidence(kind, 20, 2)
    again.fit(evidence(kind, 240, 0), evidence(kind, 80, 1), kind, 0)
    np.testing.assert_array_equal(again.answer(rows).values, fitted.answer(rows).values)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_part_without_any_known_label_is_refused(case: Case) -> None:
    kind = case.kinds[0]
    train, tune = evidence(kind, 60, 0), evidence(kind, 30, 1)
    unknown = replace(train, target=replace(train.target, known=np.zeros_like(train.target.known)))
    with pytest.raises(DataError, match="known in no row of train"):
        built(case).fit(unknown, tune, kind, 0)


@pytest.mark.parametrize("case", [case for case in CASES if "binary" in case.kinds], ids=lambda case: case.name)
def test_labels_of_one_class_are_refused_or_answered_by_their_frequency(case: Case) -> None:
    train, tune = evidence("binary", 60, 0), evidence("binary", 30, 1)
    same = replace(train, target=replace(train.target, values=np.ones_like(train.target.values)))
    baseline = built(case)
    try:
        baseline.fit(same, tune, "binary", 0)
    except DataError as error:
        assert error.message
    else:
        assert baseline.answer(tune).values.min() > 0.99


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_unfitted_baseline_refuses_to_answer(case: Case) -> None:
    with pytest.raises(DataError, match="has not been fitted"):
        built(case).answer(evidence(case.kinds[0], 5, 0))


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        *[(case, kind) for case in CASES for kind in ALL if kind not in case.kinds and len(case.kinds) == 1],
        *[(case, "next_event") for case in CASES if case.name in ("boosting", "logistic", "mean", "last_value")],
        *[
            (case, kind)
            for case in CASES
            for kind in ("segment", "detect", "entities")
            if case.name in ("boosting", "logistic", "mean", "bigram")
        ],
        *[(case, "survival") for case in CASES if case.name in ("logistic", "mean", "tfidf")],
    ],
)
def test_a_question_of_another_kind_is_refused(case: Case, kind: str) -> None:
    with pytest.raises(DataError, match=f"no answer to a {kind} question"):
        built(case).fit(evidence(kind, 30, 0), evidence(kind, 20, 1), kind, 0)
