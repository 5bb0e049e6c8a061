from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from sequela.config import Study
from sequela.contracts import Evidence
from sequela.train.fit import fit
from sequela.train.members import fit_members
from sequela.train.refit import refit
from sequela.train.rows import join


@pytest.mark.slow
def test_the_final_model_learns_from_both_parts_for_the_best_number_of_epochs(
    study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    made = study(epochs=8, patience=2, optimizer={"lr": 0.3}, schedule={"name": "one_cycle"})
    rows = evidence(40, 0), evidence(30, 1)
    chosen = fit(made, *rows, tmp_path / "chosen")
    final = refit(made, *rows, tmp_path / "final")
    assert chosen.epochs_run > chosen.best_epoch == final.epochs_run == final.best_epoch
    again = study(epochs=chosen.best_epoch, patience=0, optimizer={"lr": 0.3}, schedule={"name": "one_cycle"})
    expected = fit(again, join(*rows), None, tmp_path / "expected").model.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in final.model.state_dict().items())
    assert all(line.tune_loss is None for line in final.history)


def test_a_study_asks_for_the_refit(study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path) -> None:
    (final,) = fit_members(study(final="refit", epochs=2), evidence(40, 0), evidence(30, 1), tmp_path)
    assert final.history[0].tune_loss is None and (tmp_path / "refit" / "log.jsonl").is_file()
