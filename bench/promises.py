"""Which promise of uncertainty holds under what, over 200 simulated studies each: sets of classes at 90 %, and abstention.

OMP_NUM_THREADS=1 python bench/promises.py

Each simulation draws patients with five numbers, of whom about 15 % are sick; a logistic regression learns from 1,000 of them,
the promises are fitted on 2,000 others (tune), and judged on 4,000 new ones: drawn alike, with half of them sick (prevalence
shift), or with other numbers (covariate shift: the first two lie higher by three quarters of a standard deviation, or by two and
a half, and what they mean stays). The model is too simple for the truth, which has a product of two numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from harness import measure, record
from sklearn.linear_model import LogisticRegression

from sequela.evaluate.uncertainty import abstention, sets, shift
from sequela.types import Answer, Array, Target

SIMULATIONS, COVERAGE, PREVALENT, MOVED = 200, 0.9, 0.5, 0.75
TRAIN, TUNE, NEW, FAR = 1000, 2000, 4000, 2.5
RISK, CONFIDENCE, THRESHOLD = 0.1, 0.9, 0.5
RANGE = (0.89, 0.91)


@dataclass(frozen=True)
class People:
    """Patients of one simulation."""

    numbers: Array  # "N 5"
    sick: Array  # bool "N"

    @property
    def target(self) -> Target:
        return Target(self.sick[:, None].astype(float), np.ones((len(self.sick), 1), bool), ("sick",))


def drawn(random: np.random.Generator, count: int, moved: float = 0.0) -> People:
    numbers = random.normal(size=(count, 5))
    numbers[:, :2] += moved
    logits = numbers @ np.array([1.0, 0.7, 0.5, 0.0, 0.0]) + 0.6 * numbers[:, 0] * numbers[:, 1] - 2.4
    return People(numbers, random.random(count) < 1 / (1 + np.exp(-logits)))


def mixed(random: np.random.Generator, count: int, share: float) -> People:
    """Sick and healthy ones drawn as ever, but in this share."""
    pool = drawn(random, count * 12)
    sick = random.random(count) < share
    chosen = np.where(sick, random.choice(np.flatnonzero(pool.sick), count), random.choice(np.flatnonzero(~pool.sick), count))
    return People(pool.numbers[chosen], pool.sick[chosen])


@dataclass(frozen=True)
class Trained:
    """A model with the patients that its promises are fitted on."""

    model: LogisticRegression
    tune: People

    def answer(self, people: People) -> Answer:
        return Answer("probabilities", self.model.predict_proba(people.numbers)[:, 1:], ("sick",))

    def fitted(self, by: sets.By) -> sets.Sets:
        subject = np.arange(len(self.tune.sick))
        return sets.fit(self.answer(self.tune), self.tune.target, subject, COVERAGE, by)


def trained(random: np.random.Generator) -> Trained:
    people = drawn(random, TRAIN)
    return Trained(LogisticRegression().fit(people.numbers, people.sick), drawn(random, TUNE))


def held(possible: Array, people: People) -> dict[str, float]:
    """How often the sets held the truth."""
    right = possible[np.arange(len(people.sick)), people.sick.astype(int)]
    return {
        "all": right.mean(),
        "sick": right[people.sick].mean(),
        "healthy": right[~people.sick].mean(),
        "size": possible.sum(1).mean(),
    }


def by_class(of: Trained, new: People) -> Array:
    return of.fitted("class").possible(of.answer(new))


def plain(of: Trained, new: People) -> Array:
    return of.fitted("all").possible(of.answer(new))


def plain_for_the_mix(of: Trained, new: People) -> Array:
    """One limit over all rows, weighed by how often the sick occur, which is told from the answers alone."""
    answer, truth = of.answer(of.tune), of.tune.sick.astype(int)
    before = np.bincount(truth, minlength=2) / len(truth)
    now = shift.prevalence(of.answer(new), before)
    scores = 1 - sets.chances(answer)[np.arange(len(truth)), truth]
    limits = shift.limits_under(scores, truth, np.arange(len(truth)), before, now, COVERAGE)
    return 1 - sets.chances(of.answer(new)) <= limits


def weighed(of: Trained, new: People) -> Array:
    """Limits of each class, weighed by how likely a patient of tune is among the new ones."""
    weights = shift.ratio(of.tune.numbers, new.numbers)
    subject = np.arange(len(of.tune.sick))
    return shift.possible(of.answer(of.tune), of.tune.target, subject, of.answer(new), weights, COVERAGE)


Draw = Callable[[np.random.Generator], People]
WORLDS: dict[str, Draw] = {
    "no shift": lambda random: drawn(random, NEW),
    "prevalence shift": lambda random: mixed(random, NEW, PREVALENT),
    "covariate shift": lambda random: drawn(random, NEW, MOVED),
    "strong covariate shift": lambda random: drawn(random, NEW, FAR),
}
FORMS: dict[str, Callable[[Trained, People], Array]] = {
    "by class": by_class,
    "over all rows": plain,
    "over all rows, for the mix": plain_for_the_mix,
    "by class, weighed by patients": weighed,
}


def coverages() -> list[dict[str, object]]:
    """The mean over the simulations, of every form in every world."""
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    enough: dict[str, list[bool]] = {world: [] for world in WORLDS}
    for number in range(SIMULATIONS):
        random = np.random.default_rng([7, number])
        of = trained(random)
        for world, draw in WORLDS.items():
            new = draw(random)
            enough[world].append(shift.ratio(of.tune.numbers, new.numbers).enough)
            for form, possible in FORMS.items():
                found.setdefault((world, form), []).append(held(possible(of, new), new))
    return [_row(world, form, told, enough[world]) for (world, form), told in found.items()]


def _row(world: str, form: str, told: Sequence[dict[str, float]], enough: Sequence[bool]) -> dict[str, object]:
    means = {name: float(np.mean([one[name] for one in told])) for name in told[0]}
    error = float(np.std([one["sick"] for one in told], ddof=1) / np.sqrt(len(told)))
    row: dict[str, object] = {"data": world, "limits": form, **means, "standard error, sick": error}
    if form == "by class, weighed by patients":
        row["refused"] = 1 - float(np.mean(enough))
    row["keeps 90 % among the sick"] = RANGE[0] <= means["sick"] <= RANGE[1]
    return row


def abstentions() -> list[dict[str, object]]:
    """How often the share of wrong decisions among those given, told on 4,000 new patients each, is above what was promised."""
    found: dict[str, list[tuple[float, float]]] = {world: [] for world in WORLDS}
    silent = 0
    for number in range(SIMULATIONS):
        random = np.random.default_rng([11, number])
        of = trained(random)
        sure, wrong = _decided(of, of.tune)
        fitted = abstention.fit(sure, wrong, np.arange(len(sure)), RISK, CONFIDENCE, number)
        silent += fitted.cut is None
        for world, draw in WORLDS.items():
            own, missed = _decided(of, draw(random))
            gives = fitted.gives(own)
            found[world].append((float(missed[gives].mean()) if gives.any() else 0.0, float(gives.mean())))
    return [
        {
            "data": world,
            "promised": RISK,
            "broken in": float(np.mean([risk > RISK for risk, _ in told])),
            "may be broken in": 1 - CONFIDENCE,
            "wrong, mean": float(np.mean([risk for risk, _ in told])),
            "given, mean": float(np.mean([given for _, given in told])),
            "without a cut": silent,
            "holds": float(np.mean([risk > RISK for risk, _ in told])) <= 1 - CONFIDENCE,
        }
        for world, told in found.items()
    ]


def _decided(of: Trained, people: People) -> tuple[Array, Array]:
    answer = of.answer(people)
    wrong = abstention.decided(answer, THRESHOLD) != people.sick
    return abstention.surety(answer, THRESHOLD), wrong


if __name__ == "__main__":
    with measure() as cost:
        told, silence = coverages(), abstentions()
    payload = {
        "simulations": SIMULATIONS,
        "coverage": COVERAGE,
        "cpu_seconds": cost.cpu_seconds,
        "sets": told,
        "abstention": silence,
    }
    record("promises", payload)
