"""Synthetic cohorts and answers of every kind of task, and the run folder that they would leave."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from sequela import config
from sequela.evaluate import forecasting
from sequela.evaluate.evaluation import Judged, evaluate
from sequela.evaluate.facts import (
    Alarm,
    BaselineFacts,
    DataFacts,
    Epoch,
    FlowStep,
    InputFacts,
    PartFacts,
    RunFacts,
    SplitFacts,
    Trial,
)
from sequela.evaluate.metric import Metric
from sequela.evaluate.pool import pool
from sequela.evaluate.threshold import choose_all
from sequela.metrics.table import Kind
from sequela.types import Answer, Cohort, Quantiles, Target

CLASSES = {
    "binary": ("death",),
    "multiclass": ("N", "S", "V"),
    "multilabel": ("sepsis", "delirium"),
    "regression": ("days",),
    "forecast": ("HR +5s", "HR +10s"),
}
LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)

BY_SEX = {"sex": {"": (3, 2), "female": (0, 5000), "male": (12, 6983)}}


def cohort(target: Target, subject: np.ndarray | None = None, groups: dict[str, np.ndarray] | None = None) -> Cohort:
    """Rows of the test part with this target; one a subject unless told otherwise."""
    count = len(target.values)
    subject = np.arange(count) if subject is None else subject
    never = np.full(count, np.datetime64("NaT"), "datetime64[us]")
    names = subject.astype(str)
    rows = np.arange(count).astype(str)
    return Cohort(subject, names, rows, never, never, np.full(count, "test"), target, groups or {})


def yes_or_no(event: np.ndarray, name: str = "death") -> Target:
    return Target(event[:, None].astype(float), np.ones((len(event), 1), bool), (name,))


def risks(random: np.random.Generator, event: np.ndarray, skill: float, name: str = "death") -> Answer:
    """Risks that tell events apart the better, the greater the skill; well calibrated for normal scores of that distance."""
    share = event.mean()
    score = random.normal(size=len(event)) + skill * event
    logits = skill * score - skill**2 / 2 + np.log(share / (1 - share))
    return Answer("probabilities", (1 / (1 + np.exp(-logits)))[:, None], (name,))


def judged(kind: Kind, count: int = 300, seed: int = 0, skills: tuple[float, ...] = (1.5, 1.7, 1.0), split: str = "1") -> Judged:
    """A model and two baselines of these skills, on rows of which some subjects have two, with groups."""
    random = np.random.default_rng(seed)
    names = ("model", *(f"baseline:{name}" for name in ("boosting", "logistic")[: len(skills) - 1]))
    truth, known = _truth(random, kind, count)
    target = Target(truth, known, CLASSES[kind])
    answers = {name: _answer(random, kind, truth, skill) for name, skill in zip(names, skills, strict=True)}
    groups = {
        "sex": random.choice(["F", "M", ""], count, p=[0.48, 0.49, 0.03]),
        "unit": np.where(np.arange(count) < 8, "burns", "general"),
    }
    rows = cohort(target, np.arange(count) // 2 + random.integers(0, 2), groups)
    fixed = forecasting.steps(target) if kind == "forecast" else {}
    return Judged(rows, answers, choose_all(kind, answers, target, "youden") | fixed, split)


def _truth(random: np.random.Generator, kind: Kind, count: int) -> tuple[np.ndarray, np.ndarray]:
    if kind == "multilabel":
        return (random.random((count, 2)) < [0.3, 0.2]).astype(float), random.random((count, 2)) < 0.95
    if kind == "multiclass":
        return random.choice(3, (count, 1), p=[0.6, 0.25, 0.15]).astype(float), np.ones((count, 1), bool)
    if kind == "regression":
        return random.gamma(2, 3, (count, 1)), np.ones((count, 1), bool)
    if kind == "forecast":
        return 70 + random.normal(size=(count, 2)).cumsum(1), random.random((count, 2)) < 0.9
    return (random.random((count, 1)) < 0.25).astype(float), np.ones((count, 1), bool)


def _answer(random: np.random.Generator, kind: Kind, truth: np.ndarray, skill: float) -> Answer:
    names = CLASSES[kind]
    if kind == "regression":
        return Answer("values", truth + random.normal(size=truth.shape) * 4 / skill, names)
    if kind == "forecast":
        middle = truth + random.normal(size=truth.shape) / skill
        around = middle[:, :, None] + np.array([-1.28, -0.67, 0, 0.67, 1.28]) / skill
        return Answer("values", middle, names, quantiles=Quantiles(LEVELS, around))
    if kind == "multiclass":
        logits = random.normal(size=(len(truth), 3)) + skill * (truth == np.arange(3))
        return Answer("probabilities", np.exp(logits) / np.exp(logits).sum(1, keepdims=True), names)
    columns = [risks(random, truth[:, k], skill).values[:, 0] for k in range(truth.shape[1])]
    return Answer("probabilities", np.stack(columns, 1), names)


def study(kind: Kind, **sections: object) -> config.Study:
    """A study of that kind, as small as may be."""
    given = {
        "name": f"{kind}-study",
        "question": "Will this patient die in hospital, judged 48 hours after admission to intensive care?",
        "data": {"source": "synthetic"},
        "cohort": {"index": "ICU//ADMISSION", "predict_at": "48h", "history": "48h", "groups": ["sex", "unit"]},
        "outcome": {"code": "DEATH//IN_HOSPITAL", "within": "stay"},
        "inputs": {"chart": {"modality": "measurements", "encoder": {"name": "gru_d", "width": 64}}},
        "task": kind,
        "evaluate": {"bootstrap": 100},
    }
    return config.convert(given | sections, config.Study)


def facts(names: tuple[str, ...] = ("1",), **changes: object) -> RunFacts:
    """Everything that a report may tell, filled."""
    random = np.random.default_rng(0)
    splits = [
        SplitFacts(
            name=name,
            parts={
                "train": PartFacts(rows=8000, subjects=7900, events=1120),
                "tune": PartFacts(rows=1600, subjects=1590, events=230),
                "test": PartFacts(rows=2400, subjects=2380, events=340),
            },
            looks=1,
            history=[
                Epoch(
                    epoch=k, train_loss=0.5 * 0.8**k + 0.2, tune_loss=0.5 * 0.8**k + 0.22 + 0.004 * k, tune_score=0.8 + 0.01 * k
                )
                for k in range(1, 9)
            ],
            best_epoch=6,
            baselines=[
                BaselineFacts(
                    name="baseline:boosting",
                    chosen={"leaves": "16", "rate": "0.1"},
                    tried=[Trial(settings={"leaves": str(2**k)}, score=float(random.random())) for k in range(3, 6)],
                ),
                BaselineFacts(name="baseline:score:SOFA", refused="no row has this score"),
            ],
            cpu_seconds=321.0,
        )
        for name in names
    ]
    whole = RunFacts(
        version="0.1.0",
        date="2026-01-31T12:00:00+00:00",
        seed=0,
        commit="0123456789abcdef",
        versions={"python": "3.11.2", "torch": "2.13.0"},
        machine={"processor": "a processor", "cores": "2"},
        data=DataFacts(
            name="Synthetic ward", hash="ab" * 32, reader="physionet2012", refused=3, notes={"a value was clipped": 17}
        ),
        splits=splits,
        audit=[
            Alarm(check="subject overlap", severity="ok", text="no subject is in two parts"),
            Alarm(
                check="input tells all",
                severity="warning",
                text="SOFA alone reaches .98",
                count=1,
                allowed="it is the clinic's score",
            ),
        ],
        inputs=[
            InputFacts(
                name="chart",
                modality="measurements",
                encoder="gru_d",
                shape=[37],
                features=37,
                without=4,
                missing={"Lactate": 0.957, "Troponin": 0.93},
            )
        ],
        parameters=48_211,
        cpu_seconds=321.0,
        test_opened=True,
    )
    return msgspec.structs.replace(whole, **changes)


def folder(
    path: Path,
    kind: Kind,
    those: list[Judged],
    told: RunFacts | None = None,
    as_run: config.Study | None = None,
    part: str = "test",
) -> Path:
    """The run folder of one split, or of several with their mean."""
    settings = (as_run or study(kind)).evaluate
    found = [
        evaluate(kind, one.cohort, one.answers, settings, one.thresholds, part=part, split=one.split, seed=0) for one in those
    ]
    metrics: list[Metric] = [row for one in found for row in one.metrics]
    if len(those) > 1:
        metrics += pool(kind, those, settings, part=part, seed=0)
    path.mkdir(parents=True, exist_ok=True)
    steps = [
        FlowStep(what="index", reason="no admission to intensive care", before=12_000, out=0, after=12_000, subjects=12_000),
        FlowStep(what="exclude", reason="no series", before=12_000, out=12, after=11_988, subjects=11_988, groups=BY_SEX),
    ]
    told = told or facts(tuple(one.split for one in those))
    (path / "study.toml").write_text(config.dump(as_run or study(kind)), encoding="utf-8")
    (path / "flow.json").write_bytes(msgspec.json.encode(steps))
    (path / "metrics.json").write_bytes(msgspec.json.encode(metrics))
    (path / "curves.json").write_bytes(msgspec.json.encode([one.curves for one in found]))
    (path / "run.json").write_bytes(msgspec.json.encode(told))
    return path
