"""The partial likelihood against its definition, against lifelines, and where it must stand numbers of any size."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from sequela.nn.survival import efron
from sequela.nn.survival.watched import Watched, of_times
from sequela.types import Times

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "cox.json").read_text())
CASES = [name for name in GOLDEN if name != "made_with"]
CPU = torch.device("cpu")


def by_definition(score: np.ndarray, times: Times, cause: int) -> float:
    """Minus the log of Efron's partial likelihood, row by row."""
    total = 0.0
    for time in np.unique(times.time[times.cause == cause]):
        tied = (times.time == time) & (times.cause == cause)
        risk = np.exp(score[(times.time >= time) & (times.entry < time)]).sum()
        own = np.exp(score[tied]).sum()
        total -= score[tied].sum()
        total += sum(np.log(risk - number / tied.sum() * own) for number in range(tied.sum()))
    return float(total)


def golden(case: str) -> tuple[torch.Tensor, Watched]:
    told = GOLDEN[case]
    score = torch.tensor(told["covariates"], dtype=torch.float64) @ torch.tensor(told["coefficients"], dtype=torch.float64)
    time, entry, cause = (torch.tensor(told[name], dtype=torch.float64) for name in ("time", "entry", "event"))
    return score, Watched(time, cause.long(), entry)


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("whole", [True, False])
def test_the_rows_parts_sum_to_the_partial_likelihood(times: Callable[..., Times], late: bool, whole: bool) -> None:
    rows = times(70, late=late, whole=whole)
    score = torch.randn(70, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for cause in (1, 2):
        each = efron.partial(score, of_times(rows, CPU), cause)
        rounded = Times(rows.laid()[:, 0].astype(float), rows.cause, rows.laid()[:, 2].astype(float), ())
        assert float(each.sum()) == pytest.approx(by_definition(score.numpy(), rounded, cause), rel=1e-9)
        assert (each[torch.tensor(rows.cause != cause)] == 0).all()


@pytest.mark.parametrize("case", CASES)
def test_it_is_what_lifelines_says(case: str) -> None:
    score, watched = golden(case)
    assert -float(efron.partial(score, watched, 1).sum()) == pytest.approx(GOLDEN[case]["log_likelihood"], rel=1e-7)


@pytest.mark.parametrize("case", [case for case in CASES if GOLDEN[case]["baseline"]])
def test_the_baseline_hazard_is_what_lifelines_says(case: str) -> None:
    time, hazard = efron.baseline(*golden(case), 1)
    said = GOLDEN[case]["baseline"]
    place = np.searchsorted(said["time"], time.numpy())
    np.testing.assert_allclose(hazard, np.array(said["hazard"])[place], rtol=1e-6)


def test_the_baseline_hazard_has_only_those_at_risk_who_have_entered(times: Callable[..., Times]) -> None:
    rows = times(40)
    score = torch.randn(40, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    time, hazard = efron.baseline(score, of_times(rows, CPU), 1)
    at_risk = (rows.time >= time.numpy()[:, None] * (1 - 1e-6)) & (rows.entry < time.numpy()[:, None])
    np.testing.assert_allclose(hazard, np.cumsum(1 / (at_risk @ score.exp().numpy())))


def test_the_baseline_of_tied_events_has_a_step_for_each_of_them() -> None:
    watched = Watched(torch.tensor([2.0, 2.0, 3.0]), torch.tensor([1, 1, 0]), torch.zeros(3))
    _, hazard = efron.baseline(torch.zeros(3, dtype=torch.float64), watched, 1)
    np.testing.assert_allclose(hazard, [1 / 3, 1 / 3 + 1 / 2])


@pytest.mark.parametrize("late", [True, False])
def test_the_gradient_is_that_of_finite_differences(times: Callable[..., Times], late: bool) -> None:
    watched = of_times(times(14, late=late, whole=True), CPU)
    score = torch.randn(14, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)
    assert torch.autograd.gradcheck(lambda score: efron.partial(score, watched, 1), (score,))


def test_a_shift_of_all_scores_changes_nothing_however_large(times: Callable[..., Times]) -> None:
    watched = of_times(times(40), CPU)
    score = torch.randn(40, generator=torch.Generator().manual_seed(2))
    moved = efron.partial(score + 500, watched, 1)
    torch.testing.assert_close(moved, efron.partial(score, watched, 1), rtol=1e-3, atol=1e-3)


def test_a_batch_without_an_event_has_no_loss_and_no_gradient(times: Callable[..., Times]) -> None:
    rows = times(6)
    rows.cause[:] = 2
    score = torch.full((6,), 100.0, requires_grad=True)
    loss = efron.partial(score, of_times(rows, CPU), 1)
    loss.sum().backward()
    assert (loss == 0).all() and score.grad is not None and (score.grad == 0).all()


def test_who_comes_under_observation_after_an_event_is_not_at_risk_at_it() -> None:
    watched = Watched(torch.tensor([5.0, 9.0, 9.0]), torch.tensor([1, 0, 0]), torch.tensor([0.0, 5.0, 4.0]))
    score = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    efron.partial(score, watched, 1).sum().backward()
    assert score.grad is not None and score.grad[1] == 0 and score.grad[2] > 0


def test_blocks_of_risk_sets_are_as_one(times: Callable[..., Times], monkeypatch: pytest.MonkeyPatch) -> None:
    watched = of_times(times(50), CPU)
    score = torch.randn(50, generator=torch.Generator().manual_seed(3))
    whole = efron.partial(score, watched, 1)
    monkeypatch.setattr(efron, "ELEMENTS", 120)
    torch.testing.assert_close(efron.partial(score, watched, 1), whole)
