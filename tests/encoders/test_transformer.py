"""The transformer against its equations, one head and one step after the other."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from sequela.encoders import transformer
from sequela.errors import ConfigError
from sequela.types import Seq, Spec

SPEC = Spec("codes", (4,), "days", vocabulary=9, side=1, context=2)
WIDTH, HEADS, STEPS, LENGTHS = 8, 2, 5, (5, 2, 3)


def made_and_fed(**options):
    torch.manual_seed(4)
    made = transformer.build(SPEC, transformer.Config(width=WIDTH, heads=HEADS, **options)).double()
    for parameter in made.layers.parameters():
        torch.nn.init.normal_(parameter, 0, 0.5)
    rows = len(LENGTHS)
    return made, Seq(
        torch.randint(9, (rows, STEPS, 4)),
        torch.arange(STEPS) < torch.tensor(LENGTHS)[:, None],
        torch.rand(rows, STEPS, dtype=torch.float64).cumsum(1) * 20 - 100,
        torch.rand(rows, STEPS, 4) < 0.6,
        torch.randn(rows, STEPS, 1, dtype=torch.float64),
        torch.randn(rows, 2, dtype=torch.float64),
    )


def norm(x, p, name):
    scaled = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
    return scaled * p[f"{name}.weight"] + p[f"{name}.bias"]


def linear(x, p, name):
    return x @ p[f"{name}.weight"].T + p[f"{name}.bias"]


def attended(x, p, name, causal):
    query, key, value = np.split(linear(x, p, f"{name}.queries"), 3, axis=1)
    size, found = WIDTH // HEADS, np.zeros_like(x)
    for head in range(HEADS):
        own = slice(head * size, (head + 1) * size)
        for t in range(len(x)):
            seen = t + 1 if causal else len(x)
            weight = np.exp([query[t, own] @ key[i, own] / math.sqrt(size) for i in range(seen)])
            found[t, own] = (weight / weight.sum()) @ value[:seen, own]
    return linear(found, p, f"{name}.out")


def gelu(x):
    return functional.gelu(torch.from_numpy(x)).numpy()


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("since", ["prediction", "first"])
def test_steps_of_the_transformer_equal_the_equations(causal: bool, since: str) -> None:
    made, seq = made_and_fed(causal=causal, since=since)
    p = {name: value.detach().numpy() for name, value in made.named_parameters()}
    steps = made(seq).steps.detach().numpy()
    for row, length in enumerate(LENGTHS):
        hot = np.zeros((length, 9))
        for step, place in zip(*np.nonzero(seq.seen[row, :length].numpy()), strict=True):
            hot[step, seq.values[row, step, place]] += 1
        x = hot @ p["inputs.codes.weight"] + seq.side[row, :length].numpy() @ p["inputs.numbers.weight"].T
        x += p["inputs.row.weight"] @ seq.context[row].numpy()
        time = seq.position[row, :length].numpy()
        time = time - (time[0] if since == "first" else 0)
        angle = math.tau * time[:, None] / np.geomspace(1 / 24, 36_525, WIDTH // 2)
        x += np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
        for layer in ("layers.0", "layers.1"):
            x = x + attended(norm(x, p, f"{layer}.norms.0"), p, layer, causal)
            inner = gelu(linear(norm(x, p, f"{layer}.norms.1"), p, f"{layer}.forwards.0"))
            x = x + linear(inner, p, f"{layer}.forwards.2")
        np.testing.assert_allclose(steps[row, :length], norm(x, p, "norm"), rtol=0, atol=1e-9)


def test_times_move_the_answer_unless_there_is_no_clock() -> None:
    for time, moves in (("sinusoidal", True), ("time2vec", True), ("none", False)):
        made, seq = made_and_fed(time=time)
        moved = made(replace(seq, position=seq.position * 1.5)).pooled
        assert ((moved - made(seq).pooled).abs().amax() > 1e-3) == moves


def test_counted_from_the_first_step_a_shift_in_time_changes_nothing() -> None:
    made, seq = made_and_fed(since="first")
    torch.testing.assert_close(made(replace(seq, position=seq.position - 64)).pooled, made(seq).pooled)
    other, _ = made_and_fed()
    assert (other(replace(seq, position=seq.position - 64)).pooled - other(seq).pooled).abs().amax() > 1e-3


def test_dropout_acts_in_training_alone() -> None:
    made, seq = made_and_fed(dropout=0.5)
    plain, _ = made_and_fed()
    plain.load_state_dict(made.state_dict())
    assert torch.equal(made.eval()(seq).pooled, plain.eval()(seq).pooled)
    assert not torch.equal(made.train()(seq).pooled, plain(seq).pooled)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"width": 10, "heads": 4}, "cannot be shared by 4 heads"), ({"shortest": 5.0, "longest": 2.0}, "shortest period is 5")],
)
def test_a_transformer_that_cannot_be_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        transformer.build(SPEC, transformer.Config(**options))
