"""What networks with weights by place make of the 70 promoters that may choose for studies/promoters.toml, in folds dealt anew.

    SEQUELA_DATA=DATA python bench/promoter_choice.py

A seed draws 70 of the 106 sequences; the other 36 are not read. Each variant is trained as a study trains it, but without a tune
part, on the same folds. Told are the errors of the mean of its members and of that mean with logistic regression (half and half,
in logits), as a mean over the deals; of logistic regression alone the errors for each strength of its penalty.
"""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import harness
import numpy as np
from scipy.special import expit, logit

from sequela import config
from sequela import model as models
from sequela.baselines import logistic
from sequela.contracts import Evidence
from sequela.pipeline import trial
from sequela.pipeline.prepared import prepare
from sequela.pipeline.progress import silent
from sequela.train import fit
from sequela.train.crossvalidate import grouped_folds
from sequela.train.rows import join, take
from sequela.types import Array

STUDY = Path(__file__).resolve().parent.parent / "studies" / "promoters.toml"
DRAWN, OF, MEMBERS, FOLDS, DEALS = 70, 106, 3, 5, 2
STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0)
MODALITY = {"name": "residues", "sequence": "dna", "aligned": True, "ngrams": 1}
LEAST = 1e-6  # a probability is kept this far from 0 and 1


def by_place(*, batch: int = 16, decay: float = 0.1, rate: float = 0.1, input_dropout: float = 0.0) -> dict[str, Any]:
    """A variant: an encoder with its augmentation, and how it is trained."""
    return {
        "encoder": {"name": "by_place", "width": 16, "input_dropout": input_dropout},
        "augment": [{"name": "mutate", "rate": rate}] if rate else [],
        "train": {"batch": batch, "epochs": 30, "optimizer": {"name": "adamw", "lr": 1e-2, "weight_decay": decay}},
    }


VARIANTS = {
    "mutated .1": by_place(),
    "decay 1": by_place(decay=1.0),
    "input dropout .3, not mutated": by_place(rate=0.0, input_dropout=0.3),
    "mutated .3": by_place(rate=0.3),
    "mutated .1, batches of 64": by_place(batch=64),
}


def study(variant: Mapping[str, Any]) -> config.Study:
    """The study with another network, which learns from the drawn sequences alone."""
    told = tomllib.loads(STUDY.read_text(encoding="utf-8"))
    told["inputs"]["dna"] |= {"modality": MODALITY, **{name: variant[name] for name in ("encoder", "augment")}}
    told["train"] |= variant["train"]
    chosen, other = drawn()
    told["split"] = {"by": "list", "parts": {"train": chosen, "test": other}}
    return config.convert(told, config.Study)


def drawn() -> tuple[list[str], list[str]]:
    """The names of the sequences that may choose, and those of the others."""
    path = Path(os.environ["SEQUELA_DATA"]) / "uci_promoters" / "promoters.data"
    names = [line.split(",")[1].strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    order = np.random.default_rng(0).permutation(OF)
    return [names[k] for k in np.sort(order[:DRAWN])], [names[k] for k in np.sort(order[DRAWN:])]


def rows(asked: config.Study) -> Evidence:
    """Those that may choose."""
    prepared = prepare(asked, STUDY.parent, None, silent)
    read = trial.read(prepared.split(prepared.plans[0]))
    return join(read.train, read.tune)


def dealt(held: Evidence) -> list[tuple[Array, Array]]:
    """What is learnt from and what is held out, for every fold of every deal."""
    return [pair for deal in range(DEALS) for pair in grouped_folds(held, FOLDS, deal)]


def by_network(asked: config.Study, held: Evidence) -> Array:
    """The mean log-odds of the members for each row, in each deal, "D N"."""
    said = np.zeros((DEALS, len(held)))
    for number, (learnt, out) in enumerate(dealt(held)):
        for seed in range(MEMBERS):
            with tempfile.TemporaryDirectory() as place:
                trained = fit.fit(asked, take(held, learnt), None, Path(place), seed=seed)
            found = models.predict(trained.model, trained.task, take(held, out).inputs)
            said[number // FOLDS, out] += found.values[:, 0]
    return logit(np.clip(said / MEMBERS, LEAST, 1 - LEAST))


def by_logistic(strength: float, held: Evidence) -> Array:
    """The log-odds of logistic regression for each row, in each deal, "D N"; every tenth row learnt from chooses the columns."""
    said = np.zeros((DEALS, len(held)))
    for number, (learnt, out) in enumerate(dealt(held)):
        made = logistic.build(logistic.Config(strengths=(strength,)))
        made.fit(take(held, np.delete(learnt, np.s_[::10])), take(held, learnt[::10]), "binary", 0)
        said[number // FOLDS, out] = made.answer(take(held, out)).values[:, 0]
    return logit(np.clip(said, LEAST, 1 - LEAST))


def judged(said: Array, held: Evidence) -> dict[str, float]:
    """Errors of all rows, as a mean over the deals, and the log loss."""
    event = held.target.values[:, 0] == 1
    loss = -np.log(expit(np.where(event, said, -said))).mean()
    return {"errors": float(((said > 0) != event).sum(1).mean()), "log loss": round(float(loss), 4)}


def main() -> None:
    """Measures and records."""
    held = rows(study(by_place()))
    plain = {strength: by_logistic(strength, held) for strength in STRENGTHS}
    alone = {f"strength {strength}": judged(said, held) for strength, said in plain.items()}
    print(alone, flush=True)
    best = min(STRENGTHS, key=lambda strength: alone[f"strength {strength}"]["log loss"])
    found: dict[str, Any] = {}
    for name, variant in VARIANTS.items():
        with harness.measure() as cost:
            said = by_network(study(variant), held)
        found[name] = {
            "members alone": judged(said, held),
            f"with logistic, strength {best}": judged((said + plain[best]) / 2, held),
            "cpu_seconds": round(cost.cpu_seconds, 1),
        }
        print(name, found[name], flush=True)
    claim = f"errors among the {DRAWN} sequences that may choose, {FOLDS} folds dealt {DEALS} times, {MEMBERS} members"
    harness.record("promoter_choice", {"claim": claim, "sequences": DRAWN, "networks": found, "logistic": alone})


if __name__ == "__main__":
    main()
