"""The next codes: each is foreseen once from what came before it, in as little memory as is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sequela import config
from sequela import model as models
from sequela.errors import ConfigError, DataError
from sequela.tasks import next_event
from sequela.tasks.next_event import NextCodes, NextEvent
from sequela.types import Encoded, Ragged, Seq, Spec, Target

ROWS, STEPS, WIDTH, VOCABULARY = 5, 7, 6, 23
LENGTHS = torch.tensor([7, 3, 1, 0, 5])
EVENTS = Spec("codes", (), "days", vocabulary=VOCABULARY)


def encoded(visits: int = 0, seed: int = 0) -> Encoded:
    """What an encoder gives of rows of LENGTHS steps: codes, or visits of up to so many."""
    random = torch.Generator().manual_seed(seed)
    steps = torch.randn(ROWS, STEPS, WIDTH, generator=random)
    mask = torch.arange(STEPS) < LENGTHS[:, None]
    shape = (ROWS, STEPS, visits) if visits else (ROWS, STEPS)
    values = torch.randint(0, VOCABULARY, shape, generator=random)
    seen = torch.arange(visits) < torch.randint(1, visits + 1, (ROWS, STEPS, 1), generator=random) if visits else None
    return Encoded(steps, mask, None, Seq(values, mask, torch.zeros(ROWS, STEPS, dtype=torch.float64), seen))


def head_of(options: dict[str, Any] | None = None) -> NextCodes:
    torch.manual_seed(1)
    return NextCodes(WIDTH, VOCABULARY, config.convert(options or {}, next_event.Config))


def task() -> NextEvent:
    return next_event.build(next_event.Config(), tuple(f"c{k}" for k in range(VOCABULARY)))


def nats_one_by_one(head: NextCodes, given: Encoded) -> Tensor:
    """The definition: minus the log-probability of each code of each step but the first, given the step before it."""
    assert given.steps is not None and given.seq is not None
    total = torch.zeros(ROWS)
    for row in range(ROWS):
        for step in range(1, int(LENGTHS[row])):
            chance = head.out(given.steps[row, step - 1]).log_softmax(0)
            values = given.seq.values[row, step]
            codes = values[None] if values.dim() == 0 else values[given.seq.seen[row, step]]
            total[row] -= chance[codes].sum()
    return total


@pytest.mark.parametrize("visits", [0, 4])
def test_the_loss_is_the_surprise_at_every_code_after_the_first_step(visits: int) -> None:
    head, given = head_of(), encoded(visits)
    out = head(given)
    assert out.shape == (ROWS, 1)
    known = Target(LENGTHS[:, None].float(), (LENGTHS > 1)[:, None], task().names)
    torch.testing.assert_close(task().loss(out, known), nats_one_by_one(head, given))
    assert (out[2:4] == 0).all(), "a row of one step, or of none, foresees nothing"


@pytest.mark.parametrize("visits", [0, 4])
def test_what_is_answered_sums_the_codes_by_their_rank(visits: int) -> None:
    head, given = head_of().eval(), encoded(visits)
    answer = task().answer(head(given))
    np.testing.assert_allclose(answer.values[:, 0], nats_one_by_one(head, given).detach().numpy(), rtol=1e-5)
    assert answer.names == next_event.SUMS and (answer.values[:, 1] <= answer.values[:, 2]).all()
    sure = replace(given, steps=torch.zeros(ROWS, STEPS, WIDTH))
    nn.init.zeros_(head.out.weight)
    head.out.bias.data = -torch.arange(VOCABULARY).float()  # code k has k codes before it
    counted = task().answer(head(sure)).values
    assert given.seq is not None
    values, seen = given.seq.values[:, 1:], given.mask[:, 1:]
    if visits:
        seen = given.seq.seen[:, 1:] & seen[:, :, None]
    for column, most in ((1, 1), (2, 10)):
        expected = ((values < most) & seen).flatten(1).sum(1).numpy()
        np.testing.assert_array_equal(counted[:, column], expected)


def test_the_likeliest_codes_follow_the_last_step() -> None:
    head, given = head_of().eval(), encoded()
    likeliest = task().answer(head(given)).likeliest
    assert likeliest is not None and given.steps is not None
    for row, length in enumerate(LENGTHS.tolist()):
        vector = given.steps[row, length - 1] if length else torch.zeros(WIDTH)
        chance = head.out(vector).softmax(0).detach()
        ranked = chance.argsort(descending=True)[:10]
        np.testing.assert_array_equal(likeliest.codes[row], ranked.numpy())
        np.testing.assert_allclose(likeliest.probabilities[row], chance[ranked].numpy(), rtol=1e-5)


@pytest.mark.parametrize("visits", [0, 4])
def test_pieces_change_neither_loss_nor_gradient_and_keep_the_scores_small(visits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    found = []
    for piece in (1 << 22, 3 * VOCABULARY):
        monkeypatch.setattr(next_event, "PIECE", piece)
        head, given = head_of(), encoded(visits)
        assert given.steps is not None
        given.steps.requires_grad_()
        rows.clear()
        head.out.register_forward_hook(lambda _module, _given, out: rows.append(out.numel()))
        head(given).sum().backward()
        assert max(rows) <= piece
        found.append((head(given), given.steps.grad, head.out.weight.grad))
    for whole, pieced in zip(*found, strict=True):
        torch.testing.assert_close(whole, pieced)


def test_what_stands_on_padding_changes_nothing() -> None:
    head, given = head_of({"hidden": 4}).eval(), encoded(4)
    assert given.steps is not None and given.seq is not None
    noise = torch.where(given.mask[:, :, None], given.steps, torch.full_like(given.steps, 1e3))
    values = torch.where(given.mask[:, :, None] & given.seq.seen, given.seq.values, VOCABULARY - 1)
    torch.testing.assert_close(head(replace(given, steps=noise, seq=replace(given.seq, values=values))), head(given))


def test_a_batch_that_foresees_nothing_has_a_loss_of_0_and_a_gradient() -> None:
    head, given = head_of(), encoded()
    out = head(replace(given, mask=torch.zeros_like(given.mask)))
    out.sum().backward()
    assert (out == 0).all()


# ----------------------------------------------------------------------------------------------------- the input as its target


def test_the_target_counts_the_codes_after_each_row_s_first_step() -> None:
    events = Ragged(np.array([0, 3, 3, 4]), np.arange(4), np.zeros(4))
    found = next_event.own_target({"history": events}, {"history": EVENTS})
    assert found.values.tolist() == [[2], [0], [0]] and found.known.tolist() == [[True], [False], [False]]
    seen = np.array([[True, False], [True, True], [True, True]])
    visits = Ragged(np.array([0, 2, 4]), np.zeros((3, 2), int), np.zeros(4), seen, take=np.array([0, 2, 1, 0]))
    found = next_event.own_target({"history": visits}, {"history": replace(EVENTS, shape=(2,))})
    assert found.values.tolist() == [[2], [1]]


def test_a_training_part_without_a_second_step_is_refused() -> None:
    with pytest.raises(DataError, match="none of 3 training rows has a second step"):
        task().check(Target(np.zeros((3, 1)), np.zeros((3, 1), bool), ("a",)))


def test_measurements_and_several_inputs_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"inputs\.chart is of measurements"):
        next_event.own_names({"chart": Spec("measurements", (3,), "days")})
    with pytest.raises(ConfigError, match="one input, and the study has 2: a, b"):
        next_event.own_names({"a": EVENTS, "b": EVENTS})


def study(encoder: dict[str, Any]) -> config.Study:
    return config.convert(
        {
            "name": "next",
            "question": "Which code comes next?",
            "data": {"source": "."},
            "cohort": {"index": "SAMPLE"},
            "inputs": {"history": {"modality": "codes", "encoder": encoder}},
            "task": "next_event",
        },
        config.Study,
    )


def test_an_encoder_that_looks_ahead_is_refused_by_name() -> None:
    specs = {"history": EVENTS}
    names = models.target_names(study({"name": "lstm"}), specs, ())
    models.check(study({"name": "lstm"}), specs, names)
    with pytest.raises(ConfigError, match=r"needs a causal encoder, and 'lstm' of inputs\.history looks ahead"):
        models.check(study({"name": "lstm", "bidirectional": True}), specs, names)


def test_later_codes_change_nothing_that_was_foreseen_before_them_and_nor_does_how_long_the_record_goes_on() -> None:
    made, _ = models.build(study({"name": "gru", "width": 8}), {"history": EVENTS}, task().names)
    made.eval()
    seq = encoded().seq
    assert seq is not None
    cut = 3
    begun = replace(seq, values=seq.values[:, :cut], mask=seq.mask[:, :cut], position=seq.position[:, :cut] - 100.0)
    mixed = replace(seq, values=torch.cat([seq.values[:, :cut], seq.values[:, cut:].flip(0)], 1))
    short = task().answer(made({"history": begun})).values
    own = [
        task().answer(made({"history": replace(one, mask=seq.mask & (torch.arange(STEPS) < cut))})).values for one in (seq, mixed)
    ]
    np.testing.assert_allclose(own[0], short, rtol=1e-5)
    np.testing.assert_allclose(own[1], short, rtol=1e-5)
    shifted = models.since_first(begun)
    torch.testing.assert_close(shifted.position, models.since_first(replace(begun, position=begun.position + 50)).position)
