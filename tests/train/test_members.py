from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sequela import model as models
from sequela.config import Study
from sequela.contracts import Evidence
from sequela.errors import ConfigError
from sequela.train.fit import fit
from sequela.train.members import fit_members, mean
from sequela.types import Answer


def test_members_are_the_models_of_their_seeds(
    study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    rows, calls = (evidence(40, 0), evidence(30, 1)), []
    members = fit_members(study(members=3, seed=5), *rows, tmp_path, progress=lambda *call: calls.append(call[0]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["member-1", "member-2", "member-3"]
    assert list(dict.fromkeys(calls)) == [f"training {number} of 3" for number in (1, 2, 3)]
    for number, member in enumerate(members):
        alone = fit(study(seed=5 + number), *rows, tmp_path / f"alone-{number}")
        assert alone.history[-1].train_loss == member.history[-1].train_loss
        found, expected = (models.predict(one.model, one.task, rows[1].inputs).values for one in (member, alone))
        assert np.array_equal(found, expected)


def test_one_member_lives_in_the_folder_itself(
    study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    assert len(fit_members(study(epochs=1), evidence(40, 0), evidence(30, 1), tmp_path)) == 1
    assert (tmp_path / "log.jsonl").is_file()


def test_finished_members_are_not_trained_again(
    study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    rows, calls = (evidence(40, 0), evidence(30, 1)), []
    fit_members(study(members=2, epochs=1), *rows, tmp_path)
    fit_members(study(members=3, epochs=1), *rows, tmp_path, resume=True, progress=lambda *call: calls.append(call[0]))
    assert set(calls) == {"training 3 of 3"}


def test_the_mean_of_answers_is_of_one_task() -> None:
    one, other = (Answer("probabilities", np.array([[value], [0.5]]), ("ill",)) for value in (0.2, 0.6))
    assert mean([one, other]).values.tolist() == [[0.4], [0.5]]
    with pytest.raises(ConfigError, match="cannot be averaged"):
        mean([one, Answer("values", one.values, ("ill",))])
