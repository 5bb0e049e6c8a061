"""How often drift is called where nothing has changed, and how often a named change is found.

Development and later data are drawn anew in each of 200 simulations: 20 latent measurements of a patient, each told by four
columns that say much the same and are missing at times, an outcome, a risk, and a day. Everything that `sequela drift` checks
is checked, at one false alarm in twenty comparisons. Then each named change is made to the later data alone, of as many subjects
as the software itself says that it asks for; the power that it promises stands beside the share of simulations that found it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from harness import measure, record

from sequela import seed as streams
from sequela.evaluate.drift import foreseen, performance
from sequela.evaluate.drift.found import Asked, Found, Settings, found
from sequela.evaluate.intervals import bootstrap, percentiles, wilson
from sequela.evaluate.questions import Asked as Questioned
from sequela.metrics.calibration import logit
from sequela.study.development import Calls, Development, Prevalence, summarised, summary
from sequela.types import Answer, Plain, Target

SIMULATIONS, CHANGES = 200, 30  # comparisons where nothing has changed, and of each named change
TRAIN, TEST, LATER, FIRST = 8000, 4000, 2000, 300  # subjects; FIRST: of a comparison that asks how many it takes
LATENT, TOLD, NAME, CUT = 20, 4, "died", 0.2
METRICS = ("auroc", "observed_expected", "calibration_slope", "calibration_intercept")


@dataclass(frozen=True)
class Patients:
    """Simulated subjects, a row each."""

    plain: Plain
    risk: np.ndarray
    event: np.ndarray


def patients(count: int, random: np.random.Generator, *, shift: float = 0.0, blur: float = 0.0, odds: float = 1.0) -> Patients:
    """`shift` moves the first measurement; `blur` is the share of the line that outcomes no longer follow; `odds` of events."""
    latent = random.normal(size=(count, LATENT))
    weight = np.linspace(1.2, 0, LATENT) / 2
    line = latent @ weight
    risk = 1 / (1 + np.exp(2.4 - line))
    true = 1 / (1 + np.exp(2.4 - np.log(odds) - line * (1 - blur)))
    latent[:, 0] += shift
    told = latent[:, :, None] * 0.9 + random.normal(size=(count, LATENT, TOLD)) * np.sqrt(1 - 0.81)
    told[random.random((count, LATENT)) < np.linspace(0, 0.6, LATENT)] = np.nan
    names = tuple(f"x{k}.{j}" for k in range(LATENT) for j in range(TOLD))
    return Patients(Plain(told.reshape(count, -1).astype(np.float32), names), risk, random.random(count) < true)


def questioned(rows: Patients) -> Questioned:
    target = Target(rows.event[:, None].astype(np.float64), np.ones((len(rows.event), 1), bool), (NAME,))
    return Questioned("binary", target, {"model": Answer("probabilities", rows.risk[:, None], (NAME,))}, {"model": CUT})


def development(random: np.random.Generator) -> tuple[Development, list[dict[str, Any]]]:
    """What a bundle would hold: summaries of training, scores and calls of tune, metrics of test."""
    train, tune, test = (patients(count, random) for count in (TRAIN, TEST, TEST))
    called = tune.risk >= CUT
    counts = [tune.event, tune.event & called, ~tune.event, ~tune.event & called]
    names = ("events", "called_events", "others", "called_others")
    calls = Calls(name=NAME, threshold=CUT, **{name: int(rows.sum()) for name, rows in zip(names, counts, strict=True)})
    told = Development(
        subjects=TRAIN,
        columns=summarised(train.plain),
        judged=TEST,
        scores=[summary(NAME, logit(tune.risk))],
        calls=[calls],
        prevalences=[Prevalence(name=NAME, rows=TRAIN, events=int(train.event.sum()))],
    )
    return told, metrics(test, int(random.integers(1 << 30)))


def metrics(rows: Patients, seed: int) -> list[dict[str, Any]]:
    """As rows of metrics.json."""
    count = len(rows.event)
    asked = [one for one in questioned(rows).questions(np.arange(count)) if one.metric in METRICS]
    samples = bootstrap(np.arange(count), [one.value for one in asked], 200, seed)
    common = {"part": "test", "model": "model", "class": "", "group": "", "against": "", "n": count}
    found = []
    for one, drawn in zip(asked, samples, strict=True):
        low, high = percentiles(drawn) or (float("nan"), float("nan"))
        found.append({**common, "metric": one.metric, "value": float(one.value(None)), "low": low, "high": high})
    return found


def compared(told: Development, then: list[dict[str, Any]], rows: Patients, settings: Settings) -> Found:
    count = len(rows.event)
    asked = Asked(
        development=told,
        metrics=then,
        model="model",
        confidence=0.95,
        each=np.arange(count),
        plain=rows.plain,
        scores=logit(rows.risk)[:, None],
        risks={NAME: rows.risk},
        outcomes={NAME: rows.event.astype(np.float64)},
        questions=[one for one in questioned(rows).questions(np.arange(count)) if one.metric in METRICS[:3]],
        subject=np.arange(count),
        time=np.datetime64("2026-01-01") + np.sort(np.random.default_rng(settings.seed).integers(0, 365, count)),
    )
    return found(asked, settings)


def share(hits: int, of: int) -> dict[str, float | int]:
    low, high = wilson(hits, of)
    return {"found": hits, "of": of, "share": hits / of, "low": low, "high": high}


def unchanged() -> dict[str, Any]:
    """Comparisons where nothing has changed: how often anything, and how often each kind, raises an alarm."""
    hits: dict[str, int] = {}
    windows = alarmed = 0
    for k in range(SIMULATIONS):
        random = streams.generator(k, "unchanged")
        told, then = development(random)
        seen = compared(told, then, patients(LATER, random), Settings(seed=k))
        for family in {one.family for one in seen.checks if one.alarm} | (
            {"any"} if any(c.alarm for c in seen.checks) else set()
        ):
            hits[family] = hits.get(family, 0) + 1
        windows, alarmed = windows + len(seen.windows), alarmed + sum(one.alarm for one in seen.windows)
        families = seen.families
    each = {family: share(hits.get(family, 0), SIMULATIONS) for family in ("any", *families)}
    return {"stated": Settings().false_alarms, "checks": len(seen.checks), "alarms": each, "windows": share(alarmed, windows)}


# --------------------------------------------------------------------------------------------------------------- named changes


def changed() -> list[dict[str, Any]]:
    """Each named change, of the subjects that it is said to ask for."""
    cases = (("inputs", "x0.0", {"shift": foreseen.INPUT_SHIFT / 0.9}), ("labels", NAME, {}), ("performance", "", {}))
    return [one for family, what, change in cases for one in _of_case(family, what, change)]


def _of_case(family: str, what: str, change: dict[str, float]) -> list[dict[str, Any]]:
    if family == "inputs":
        return [_found(family, what, "any column", change)]
    if family == "labels":
        return [_found(family, what, NAME, {"odds": _odds(foreseen.PREVALENCE_FACTOR)})]
    drop = {"blur": _blur(foreseen.DROPS["auroc"])}
    return [
        _found(family, "auroc", "auroc", drop),
        _found(family, "observed_expected", "observed_expected", {"odds": _odds(foreseen.EXPECTED_FACTOR)}),
    ]


def _found(family: str, what: str, ahead: str, change: dict[str, float]) -> dict[str, Any]:
    """How often that very check raises an alarm."""
    hits, needed, promised = 0, [], []
    for k in range(CHANGES):
        random = streams.generator(k, "changed", family, what)
        told, then = development(random)
        first = compared(told, then, patients(FIRST, random), Settings(seed=k, resamples=400))
        asked = next(one for one in first.foreseen if one.family == family and one.what == ahead).needed
        if asked is None:
            continue
        seen = compared(told, then, patients(asked, random, **change), Settings(seed=k, resamples=400))
        own = next(one for one in seen.foreseen if one.family == family and one.what == ahead)
        hits += any(one.alarm for one in seen.checks if one.family == family and one.what == what)
        needed.append(asked)
        promised.append(own.power)
    told_of = share(hits, len(needed)) if needed else None
    median = float(np.median(needed)) if needed else None
    return {
        "family": family,
        "what": what,
        "change": change,
        "subjects": median,
        "promised": float(np.mean(promised)),
        "alarms": told_of,
    }


def _odds(factor: float) -> float:
    """Odds that make events so many times as common, by bisection on many patients."""
    random = np.random.default_rng(0)
    base = patients(200_000, random).risk
    low, high = 1.0, 10.0
    for _ in range(40):
        middle = (low + high) / 2
        now = 1 / (1 + (1 - base) / base / middle)
        low, high = (middle, high) if now.mean() < factor * base.mean() else (low, middle)
    return low


def _blur(drop: float) -> float:
    """The share of the line that outcomes no longer follow, so that AUROC falls by so much."""
    start = _auroc(0.0)
    low, high = 0.0, 0.9
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if _auroc(middle) > start + drop else (low, middle)
    return low


def _auroc(blur: float) -> float:
    rows = patients(100_000, np.random.default_rng(1), blur=blur)
    return float(next(one for one in questioned(rows).questions(np.arange(100_000)) if one.metric == "auroc").value(None))


def main() -> None:
    with measure() as spent:
        payload = {
            "simulations": SIMULATIONS,
            "subjects": {"train": TRAIN, "tune": TEST, "test": TEST, "later": LATER},
            "columns": LATENT * TOLD,
            "unchanged": unchanged(),
            "changed": changed(),
            "resamples_of_a_metric": performance.RESAMPLES,
        }
    record("drift", {**payload, "cpu_seconds": round(spent.cpu_seconds, 1)})


if __name__ == "__main__":
    main()
