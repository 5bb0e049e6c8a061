"""A training from given first weights: those it names are taken, the others drawn; and a checkpoint remembers which they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from sequela import model as models
from sequela.config import Study
from sequela.contracts import Evidence
from sequela.errors import ConfigError
from sequela.train.fit import fit
from sequela.train.members import fit_members
from sequela.train.refit import refit
from sequela.train.state import Weights

STILL = {"epochs": 1, "batch": 64, "optimizer": {"lr": 1e-12, "weight_decay": 0.0}}


@pytest.fixture
def start(study: Callable[..., Study], evidence: Callable[..., Evidence]) -> Weights:
    """The weights of the encoder, each 0.25."""
    rows = evidence(20, 0)
    state = models.build(study(), rows.specs, rows.target.names)[0].state_dict()
    return {name: torch.full_like(value, 0.25) for name, value in state.items() if name.startswith("encoders.")}


def test_named_weights_are_taken_and_the_others_are_drawn_from_the_seed(
    start: Weights, study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    rows, tune = evidence(40, 1), evidence(20, 2)
    plain = fit(study(**STILL), rows, tune, tmp_path / "plain").model.state_dict()
    found = fit(study(**STILL), rows, tune, tmp_path / "fit", start=start).model.state_dict()
    again = refit(study(**STILL), rows, tune, tmp_path / "refit", start=start).model.state_dict()
    for name, value in found.items():
        torch.testing.assert_close(value, start.get(name, plain[name]), atol=1e-6, rtol=0)
    for name, value in start.items():
        torch.testing.assert_close(again[name], value, atol=1e-6, rtol=0)


def test_every_member_starts_from_them(
    start: Weights, study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    members = fit_members(study(**STILL, members=2), evidence(40, 1), evidence(20, 2), tmp_path, start=start)
    first, second = (one.model.state_dict() for one in members)
    assert all(torch.allclose(first[name], second[name], atol=1e-6) for name in start)
    assert any(not torch.equal(first[name], second[name]) for name in first if name not in start)


def test_a_checkpoint_of_other_first_weights_is_refused(
    start: Weights, study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    rows, tune = evidence(40, 1), evidence(20, 2)
    fit(study(), rows, tune, tmp_path, start=start)
    fit(study(), rows, tune, tmp_path, start=start, resume=True)
    other = {name: value + 1e-3 for name, value in start.items()}
    for changed in (other, None):
        with pytest.raises(ConfigError, match="the first weights are not the same"):
            fit(study(), rows, tune, tmp_path, start=changed, resume=True)
