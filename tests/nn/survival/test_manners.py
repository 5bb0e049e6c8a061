"""Rules for every manner of telling times: their likelihoods are those of their own curves, and their curves are proper."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch

from sequela.nn.survival.hazards import Hazards
from sequela.nn.survival.masses import Masses
from sequela.nn.survival.outlook import Manner
from sequela.nn.survival.proportional import Proportional
from sequela.nn.survival.watched import Watched, of_times
from sequela.nn.survival.weibull import Weibulls
from sequela.types import Curves, Horizon, Times

HORIZONS = (Horizon("1y", 365.25), Horizon("3y", 1095.75))
LAST = HORIZONS[-1].days
CPU = torch.device("cpu")
MANNERS: Mapping[str, tuple[Manner, int]] = {  # and its number of causes
    "hazards": (Hazards(2, HORIZONS, 12), 2),
    "hazards, one cause": (Hazards(1, HORIZONS, 12), 1),
    "hazards with a cure": (Hazards(1, HORIZONS, 12, cure=True), 1),
    "masses": (Masses(2, HORIZONS, 12, alpha=0.0, sigma=0.1), 2),
    "ranked masses": (Masses(2, HORIZONS, 12, alpha=0.3, sigma=0.1), 2),
    "weibull": (Weibulls(2, HORIZONS, 3), 2),
    "weibull with a cure": (Weibulls(1, HORIZONS, 2, cure=True), 1),
    "proportional": (Proportional(2, HORIZONS), 2),
}
OWN = [name for name in MANNERS if name not in ("ranked masses", "proportional")]  # whose loss is minus a log-likelihood
OF_INTERVALS = [name for name in OWN if not name.startswith("weibull")]


def told(manner: Manner, times: Times, spread: float = 1.0) -> torch.Tensor:
    """The output "B P+Q" of a net that was told of these rows and has learnt something of its own, float64."""
    bias, knots = (one.double() for one in manner.first(times))
    noise = torch.randn(len(times), len(bias), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return torch.cat([bias + spread * noise, knots.expand(len(times), -1)], 1)


def curves(manner: Manner, out: torch.Tensor) -> Curves:
    times, incidence = manner.chances(out)
    return Curves(times.numpy(), incidence.numpy())


@pytest.mark.parametrize("name", MANNERS)
@pytest.mark.parametrize("spread", [1.0, 30.0])
def test_curves_rise_and_never_pass_one(name: str, spread: float, times: Callable[..., Times]) -> None:
    manner, causes = MANNERS[name]
    found = curves(manner, told(manner, times(60, causes=causes), spread).float())
    assert found.incidence.dtype == np.float64 and found.incidence.shape[:2] == (60, causes)
    assert (np.diff(found.times, prepend=0.0) > 0).all() and found.times[-1] == LAST
    assert np.isin([horizon.days for horizon in HORIZONS], found.times).all()
    assert (np.diff(found.incidence, axis=2, prepend=0.0) >= 0).all()
    assert (found.incidence.sum(1) <= 1 + 1e-12).all()


@pytest.mark.parametrize("name", OF_INTERVALS)
def test_the_likelihood_of_intervals_is_that_of_their_curves(name: str, times: Callable[..., Times]) -> None:
    manner, causes = MANNERS[name]
    rows = times(80, seed=1, causes=causes)
    out = told(manner, rows)
    laid, found = rows.laid().astype(float), curves(manner, out)
    time, entry = np.minimum(laid[:, 0], LAST), np.minimum(laid[:, 2], LAST)
    for row, loss in enumerate(manner.loss(out, of_times(rows, CPU)).tolist()):
        one = found.take(np.array([row]))
        entered = 1 - one.at(entry[row]).sum()
        cause = rows.cause[row] if laid[row, 0] <= LAST else 0
        place = np.searchsorted(one.times, time[row])
        risen = np.diff(one.incidence[0], axis=1, prepend=0.0)[:, place]
        chance = risen[cause - 1] if cause else 1 - one.at(time[row]).sum()
        assert loss == pytest.approx(-np.log(chance / entered), rel=1e-6, abs=2e-5)


@pytest.mark.parametrize("name", ["weibull", "weibull with a cure"])
def test_the_likelihood_of_distributions_is_that_of_their_curves(name: str, times: Callable[..., Times]) -> None:
    manner, causes = MANNERS[name]
    rows = times(40, seed=2, causes=causes)
    rows = replace(rows, time=np.minimum(rows.time, LAST - 10), entry=np.minimum(rows.entry, LAST - 40))
    out = told(manner, rows, 0.3)
    losses = manner.loss(out, of_times(rows, CPU)).numpy()
    found = _finer(manner, out)
    for row in range(len(rows)):
        one = found.take(np.array([row]))
        entered, step = 1 - one.at(rows.entry[row]).sum(), 0.5
        density = (one.at(rows.time[row] + step) - one.at(rows.time[row] - step))[0] / (2 * step)
        chance = density[rows.cause[row] - 1] if rows.cause[row] else 1 - one.at(rows.time[row]).sum()
        assert losses[row] == pytest.approx(-np.log(chance / entered), abs=0.02)


def _finer(manner: Manner, out: torch.Tensor) -> Curves:
    """Of distributions, on a grid of days: their curves are told on a coarse one."""
    assert isinstance(manner, Weibulls)
    days = tuple(Horizon(f"{day}d", float(day)) for day in range(1, int(LAST))) + HORIZONS[-1:]
    return curves(replace(manner, horizons=days), out)


@pytest.mark.parametrize("name", MANNERS)
def test_gradients_are_those_of_finite_differences(name: str, times: Callable[..., Times]) -> None:
    manner, causes = MANNERS[name]
    rows = times(9, seed=3, causes=causes)
    out = told(manner, times(60, causes=causes), 0.5)[:9]
    watched, knots = of_times(rows, CPU), out[:, manner.size[0] :]
    own = out[:, : manner.size[0]].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda own: manner.loss(torch.cat([own, knots], 1), watched), (own,))


@pytest.mark.parametrize("name", MANNERS)
@pytest.mark.parametrize("size", [1.0, 40.0, 200.0])
def test_losses_and_gradients_stay_numbers_in_float32(name: str, size: float, times: Callable[..., Times]) -> None:
    manner, causes = MANNERS[name]
    rows = times(60, causes=causes)
    out = told(manner, rows, size).float().requires_grad_()
    long = Watched(torch.full((60,), 40_000.0), torch.arange(60) % (causes + 1), torch.zeros(60))
    for watched in (of_times(rows, CPU), long, long._replace(time=torch.full((60,), 1e-3))):
        loss = manner.loss(out, watched)
        loss.sum().backward()
        assert loss.isfinite().all() and out.grad is not None and out.grad.isfinite().all()


@pytest.mark.parametrize("name", OWN)
def test_an_interval_before_entry_adds_nothing(name: str, times: Callable[..., Times]) -> None:
    """A row that came under observation as late as it was censored says nothing; one that did not says the more the longer."""
    manner, causes = MANNERS[name]
    out = told(manner, times(60, causes=causes))[:3]
    watched = Watched(torch.full((3,), 900.0), torch.zeros(3, dtype=torch.int64), torch.tensor([0.0, 450.0, 899.9999]))
    loss = manner.loss(out[:1].expand(3, -1), watched)
    assert loss[0] > loss[1] > loss[2] >= 0
    assert float(loss[2]) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("name", OWN)
def test_the_loss_of_a_row_is_its_own(name: str, times: Callable[..., Times]) -> None:
    manner, causes = MANNERS[name]
    rows = times(30, causes=causes)
    out, watched = told(manner, rows), of_times(rows, CPU)
    assert not manner.joint
    some = torch.tensor([4, 17, 2])
    torch.testing.assert_close(manner.loss(out[some], watched.take(some)), manner.loss(out, watched)[some])


@pytest.mark.parametrize("name", MANNERS)
def test_a_head_that_knows_no_row_apart_begins_at_what_came_to_all(name: str, times: Callable[..., Times]) -> None:
    """The first curves are near the Aalen-Johansen estimate; a cure is a first guess, so they are further away."""
    manner, causes = MANNERS[name]
    rows = times(1500, seed=4, causes=causes)
    found = curves(manner, told(manner, rows, 0.0)).take(np.array([0])).at(np.array([365.25, 1095.75]))[0]
    far = 0.2 if name == "weibull with a cure" else 0.03
    np.testing.assert_allclose(found, _aalen_johansen(rows, causes), rtol=0, atol=far)


def _aalen_johansen(times: Times, causes: int) -> np.ndarray:
    left, came, found = 1.0, np.zeros(causes), []
    events = np.unique(times.time[times.cause > 0])
    for horizon in HORIZONS:
        for time in events[events <= horizon.days]:
            at_risk = ((times.time >= time) & (times.entry < time)).sum()
            each = np.array([((times.time == time) & (times.cause == k)).sum() for k in range(1, causes + 1)])
            came = came + left * each / at_risk
            left *= 1 - each.sum() / at_risk
        events = events[events > horizon.days]
        found.append(came)
    return np.array(found).T
