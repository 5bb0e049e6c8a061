from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from sequela import model as models
from sequela.config import Study
from sequela.contracts import Evidence
from sequela.errors import SequelaError
from sequela.train.plan import Plan, make
from sequela.types import Seq

ROWS = np.arange(5)


def noisy(seq: Seq, generator: torch.Generator) -> Seq:
    return replace(seq, values=seq.values + torch.rand(seq.values.shape, generator=generator))


def planned(made: Study, rows: Evidence) -> Plan:
    return make(made, rows, None, models.build(made, rows.specs, ("ill",))[1])


def test_augmentation_depends_on_the_position_alone(study: Callable[..., Study], evidence: Callable[..., Evidence]) -> None:
    plan = replace(planned(study(), evidence(20, 0)), augment={"chart": noisy})  # type: ignore[dict-item]

    def values(epoch: int, number: int) -> torch.Tensor:
        found: torch.Tensor = plan.step(epoch, number, ROWS).batch.inputs["chart"].values
        return found

    first = values(1, 2)
    torch.rand(9)
    assert torch.equal(first, values(1, 2))
    assert not torch.equal(first, values(1, 3)) and not torch.equal(first, values(2, 2))


def test_a_step_without_augmentation_is_its_rows(study: Callable[..., Study], evidence: Callable[..., Evidence]) -> None:
    plan = planned(study(), evidence(20, 0))
    assert torch.equal(plan.step(0, 0, ROWS).batch.inputs["chart"].values, plan.step(3, 1, ROWS).batch.inputs["chart"].values)


def test_rows_without_a_label_are_not_counted(study: Callable[..., Study], evidence: Callable[..., Evidence]) -> None:
    rows = evidence(20, 0)
    known = rows.target.known.copy()
    known[:2] = False
    assert planned(study(), replace(rows, target=replace(rows.target, known=known))).step(0, 0, ROWS).labelled == 3


def test_weights_give_each_class_the_same_total(study: Callable[..., Study], evidence: Callable[..., Evidence]) -> None:
    rows = evidence(30, 0)
    weight, label = planned(study(balance="weights"), rows).weight, rows.target.values[:, 0]
    assert weight is not None and weight.mean() == pytest.approx(1)
    assert weight[label == 1].sum() == pytest.approx(weight[label == 0].sum())


def test_half_a_balance_weighs_by_the_root(study: Callable[..., Study], evidence: Callable[..., Evidence]) -> None:
    rows = evidence(30, 0)
    whole, half = (planned(study(balance="weights", balance_power=power), rows).weight for power in (1.0, 0.5))
    assert whole is not None and half is not None and half.mean() == pytest.approx(1)
    assert half.max() / half.min() == pytest.approx((whole.max() / whole.min()) ** 0.5, rel=1e-5)


def test_quantities_cannot_be_balanced(study: Callable[..., Study], evidence: Callable[..., Evidence]) -> None:
    from msgspec import structs

    with pytest.raises(SequelaError):
        planned(structs.replace(study(balance="sampling"), task="regression"), evidence(20, 0))
