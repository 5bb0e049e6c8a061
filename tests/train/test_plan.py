from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from msgspec import structs

from sequela import model as models
from sequela.config import Input, Study, convert
from sequela.contracts import Evidence
from sequela.errors import ConfigError, SequelaError
from sequela.prep import mixup
from sequela.train.plan import Plan, make
from sequela.types import Plain, Ragged, Seq, Spec, Target

ROWS = np.arange(5)


def noisy(seq: Seq, generator: torch.Generator, _target: Target | None = None) -> Seq:
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
    with pytest.raises(SequelaError):
        planned(structs.replace(study(balance="sampling"), task="regression"), evidence(20, 0))


def pictures(rows: int, seed: int) -> Evidence:
    random = np.random.default_rng(seed)
    values = random.normal(size=(rows, 1, 6, 6)).astype(np.float32)
    label = (np.arange(rows) % 4 == 0).astype(float)[:, None]
    return Evidence(
        inputs={"xray": Ragged(np.arange(rows + 1), values, np.zeros(rows))},
        specs={"xray": Spec("image", (1, 6, 6), "days", ("grey",), single=True)},
        plain=Plain(np.zeros((rows, 0), np.float32), ()),
        target=Target(label, np.ones((rows, 1), bool), ("ill",)),
        subject=np.arange(rows),
        row_id=np.arange(rows).astype(str),
    )


def seeing(study: Callable[..., Study], augment: list[Any], **train: Any) -> Study:
    encoder = {"name": "cnn", "channels": [2]}
    return structs.replace(
        study(**train), inputs={"xray": convert({"modality": "image", "encoder": encoder, "augment": augment}, Input)}
    )


def test_rare_classes_are_changed_more_often(study: Callable[..., Study]) -> None:
    rows = pictures(40, 0)
    asked = {"name": "brightness", "often": 0.0001, "classes": {"ill": 10000.0}}
    step = planned(seeing(study, [asked]), rows).step(0, 0, np.arange(40))
    changed = (step.batch.inputs["xray"].values[:, 0].numpy() != rows.inputs["xray"].values).any((1, 2, 3))
    assert (changed == (rows.target.values[:, 0] == 1)).all()


def test_mixed_rows_count_both_labels_with_the_weight_of_each(study: Callable[..., Study]) -> None:
    rows = pictures(40, 0)
    plan = planned(seeing(study, [], mixup=0.5, balance="weights"), rows)
    step = plan.step(1, 2, np.arange(40))
    assert step.mixture is not None and plan.weight is not None
    out = torch.randn(40, 1, generator=torch.Generator().manual_seed(0))
    each = plan.task.loss(out, step.target), plan.task.loss(out, mixup.partners(step.target, step.mixture))
    weight, share = torch.from_numpy(plan.weight), step.mixture.share
    expected = share * each[0] * weight + (1 - share) * each[1] * weight[step.mixture.partner]
    torch.testing.assert_close(step.losses(plan.task, out), expected)
    assert torch.equal(step.batch.inputs["xray"].values, plan.step(1, 2, np.arange(40)).batch.inputs["xray"].values)
    assert not torch.equal(step.batch.inputs["xray"].values, plan.step(1, 3, np.arange(40)).batch.inputs["xray"].values)


def test_rows_of_measurements_are_not_mixed(study: Callable[..., Study], evidence: Callable[..., Evidence]) -> None:
    with pytest.raises(ConfigError, match=r"train.mixup: two rows of inputs.chart \(measurements\)"):
        planned(study(mixup=0.2), evidence(20, 0))
