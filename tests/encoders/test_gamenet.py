"""GAMENet's memory: what it keeps of earlier visits, and that a first visit has none."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from sequela.encoders import gamenet
from sequela.errors import ConfigError
from sequela.types import Seq, Spec

NAMES = ("unknown or rare", "ICD10CM//I10", "ICD10CM//E11.9", "ATC//C09AA05", "ATC//A10BA02", "LOINC//2160-0")
SPEC = Spec("codes", (3,), "days", NAMES, vocabulary=6)


def visits(*rows: list[list[int]]) -> Seq:
    """Rows of visits of codes."""
    steps = max(len(row) for row in rows)
    values, seen = torch.zeros(len(rows), steps, 3, dtype=torch.int64), torch.zeros(len(rows), steps, 3, dtype=torch.bool)
    for i, row in enumerate(rows):
        for t, codes in enumerate(row):
            values[i, t, : len(codes)], seen[i, t, : len(codes)] = torch.tensor(codes), True
    mask = torch.arange(steps) < torch.tensor([[len(row)] for row in rows])
    return Seq(values, mask, torch.zeros(len(rows), steps, dtype=torch.float64), seen)


def made(**options: object) -> gamenet.GAMENet:
    torch.manual_seed(0)
    return gamenet.build(SPEC, gamenet.Config(width=4, **options)).eval()


@torch.no_grad()
def test_a_first_visit_remembers_nothing() -> None:
    net = made()
    pooled = net(visits([[1, 3]], [[1, 3], [1]])).pooled
    assert pooled.shape == (2, 4 + 2)
    assert (pooled[0, 4:] == 0).all() and pooled[1, 4:].tolist() == [1, 0]


@torch.no_grad()
def test_what_is_remembered_is_the_share_of_attention_on_visits_that_held_it() -> None:
    net = made()
    seq = visits([[1, 3], [2, 3, 4], [1]])
    steps = net(seq).steps[0]
    scores = steps[:2] @ steps[2] / 2 - torch.nn.functional.softplus(net.decay) * torch.tensor([2.0, 1.0])
    share = scores.softmax(0)
    torch.testing.assert_close(net(seq).pooled[0, 4:], torch.stack([share.sum(), share[1]]))


@torch.no_grad()
def test_the_visit_that_is_asked_about_is_no_memory_and_its_medications_are_no_problem() -> None:
    net = made()
    with_drug, without = net(visits([[1, 3], [2, 4]])), net(visits([[1, 3], [2]]))
    assert torch.equal(with_drug.pooled, without.pooled)


@torch.no_grad()
def test_medications_reach_the_answer_by_the_memory_alone() -> None:
    net = made()
    one, other = net(visits([[1, 3], [2]])), net(visits([[1, 4], [2]]))
    assert torch.equal(one.pooled[:, :4], other.pooled[:, :4])
    assert not torch.equal(one.pooled[:, 4:], other.pooled[:, 4:])


@torch.no_grad()
def test_with_a_large_decay_the_memory_is_the_previous_visit() -> None:
    net = made()
    net.decay.fill_(60.0)
    assert net(visits([[1, 4], [1, 3], [1]])).pooled[0, 4:].tolist() == pytest.approx([1, 0], abs=1e-6)


def test_an_input_without_visits_names_or_medications_is_refused() -> None:
    for spec in (replace(SPEC, shape=()), replace(SPEC, names=()), Spec("measurements", (3,), "days")):
        with pytest.raises(ConfigError, match="visits of named codes"):
            gamenet.build(spec, gamenet.Config())
    with pytest.raises(ConfigError, match="none of the 6 codes"):
        gamenet.build(SPEC, gamenet.Config(medications=("NDC//*",)))
