"""Rules of a study as a part of the loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from msgspec import structs

from sequela import batch, config
from sequela import model as models
from sequela.contracts import Evidence
from sequela.errors import ConfigError
from sequela.model import rules
from sequela.train import fingerprint
from sequela.train.fit import Trained, fit
from sequela.types import Array, Plain, Ragged, Ruler, Spec, Target

RULER = Ruler((-3.0, 3.0), (-3.0, 3.0), 1.0)


def evidence(rows: int = 200, seed: int = 0) -> Evidence:
    """The sicker the patient, the lower the second feature, as where the ill are treated: a network learns just that."""
    random = np.random.default_rng(seed)
    ill = random.random(rows) < 0.5
    values = np.repeat(np.stack([ill * 1.0, ill * -1.5], 1), 3, 0) + random.normal(size=(3 * rows, 2))
    offsets = np.arange(0, 3 * rows + 1, 3)
    ragged = Ragged(offsets, values.astype(np.float32), np.tile([-2.0, -1.0, 0.0], rows), np.ones(values.shape, bool))
    spec = Spec("measurements", (2,), "days", ("Urea", "Creatinine"), rulers=(RULER, RULER))
    return Evidence(
        inputs={"chart": ragged},
        specs={"chart": spec},
        plain=Plain(np.zeros((rows, 0), np.float32), ()),
        target=Target(ill.astype(float)[:, None], np.ones((rows, 1), bool), ("failure",)),
        subject=np.arange(rows),
        row_id=np.array([f"row{number}" for number in range(rows)]),
    )


def asked(penalty: float, **train: Any) -> config.Study:
    return config.convert(
        {
            "name": "small",
            "question": "Is it failing?",
            "data": {"source": "."},
            "cohort": {"index": "SAMPLE"},
            "outcome": {"column": "failure"},
            "inputs": {"chart": {"modality": "measurements", "encoder": {"name": "gru", "width": 6, "dropout": 0.2}}},
            "task": "binary",
            "train": {"epochs": 4, "batch": 32, "patience": 0, "optimizer": {"lr": 0.02}} | train,
            "explain": {"rules": [{"feature": "Creatinine", "must_not": "lower", "penalty": penalty}]},
        },
        config.Study,
    )


def against(trained: Trained, rows: Evidence) -> Array:
    """How far the answer about each row goes against the rule."""
    (held,) = rules.resolved(asked(0).explain.rules, rows.specs, "binary", rows.target.names)  # type: ignore[union-attr]
    made = models.tensors(batch.collate(rows.inputs, np.arange(len(rows))), "cpu").inputs
    less, more = held.pair(made["chart"])
    with torch.no_grad():
        low, high = (rules.log_odds(trained.model({"chart": seq}), 0, "binary") for seq in (less, more))
    return held.wrong(low, high).numpy()


def test_a_penalty_takes_away_what_goes_against_its_rule(tmp_path: Path) -> None:
    rows, other = evidence(), evidence(seed=1)
    free, held = (fit(asked(penalty), rows, other, tmp_path / str(penalty)) for penalty in (0, 5))
    before, after = against(free, other), against(held, other)
    assert (before > 0.01).mean() > 0.9, "what is planted is learnt"
    assert after.mean() < before.mean() / 10


def test_a_penalised_training_is_the_same_again(tmp_path: Path) -> None:
    rows, other = evidence(60), evidence(60, seed=1)
    first, second = (fit(asked(2.0, epochs=2), rows, other, tmp_path / name) for name in ("one", "two"))
    assert all(torch.equal(a, b) for a, b in zip(first.model.parameters(), second.model.parameters(), strict=True))
    assert first.history[-1].train_loss == second.history[-1].train_loss


def test_a_rule_without_a_penalty_changes_no_training(tmp_path: Path) -> None:
    rows = evidence(60)
    none = structs.replace(asked(0, epochs=1), explain=None)
    with_rule, without = (fit(study, rows, rows, tmp_path / str(k)) for k, study in enumerate((asked(0, epochs=1), none)))
    assert all(torch.equal(a, b) for a, b in zip(with_rule.model.parameters(), without.model.parameters(), strict=True))


def test_a_checkpoint_of_another_penalty_is_not_taken_up() -> None:
    rows = evidence(20)
    one, two = (fingerprint.fingerprint(asked(penalty), rows, None) for penalty in (1.0, 2.0))
    with pytest.raises(ConfigError, match="rules with a penalty was"):
        fingerprint.refuse_change(one, two)
    assert fingerprint.fingerprint(asked(0), rows, None) == fingerprint.fingerprint(
        structs.replace(asked(0), explain=None), rows, None
    )
