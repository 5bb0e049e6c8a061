"""Rules that hold for every registered encoder, over every kind of input that it accepts."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Tensor

from sequela import registry
from sequela.config import convert
from sequela.contracts import Encoder
from sequela.errors import ConfigError
from sequela.types import Encoded, Seq, Spec, Wording

SPECS = {
    "measurements": Spec("measurements", (5,), "days", names=tuple("abcde"), side=5, context=2),
    "bare measurements": Spec("measurements", (4,), "index"),
    "codes": Spec("codes", (), "days", vocabulary=11, side=1),
    "words": Spec("text", (7,), "index", vocabulary=11, words=Wording(11, 11)),
    "visits": Spec("codes", (3,), "days", vocabulary=11, context=2),
    "aligned residues": Spec("residues", (), "index", tuple("?ACGT"), vocabulary=5, alphabet="dna", length=7),
    "medications": Spec("codes", (4,), "days", ("rare", *"abcde", *(f"ATC//{k}" for k in range(5))), 11, side=1, context=2),
    "windows": Spec("waveform", (2, 64), "seconds", side=2),
    "rows of an image": Spec("image", (1, 1, 28), "index"),
    "image": Spec("image", (1, 28, 28), "index", single=True),
    "volume": Spec("image", (1, 4, 9, 8), "millimetres", single=True, spacing=(3.0, 1.0, 1.0)),
    "static": Spec("static", (6,), "index", single=True),
}
# options beside the defaults, where a different path through the code depends on them
OPTIONS: dict[str, list[dict[str, object]]] = {
    "rnn": [{"nonlinearity": "sigmoid", "layers": 2, "bidirectional": True, "pool": "last+attention"}, {"nonlinearity": "relu"}],
    "lstm": [{"layers": 3, "bidirectional": True, "pool": "last+mean+max+attention"}],
    "bilstm": [{"layers": 2, "variational": False, "pool": "last+mean+attention", "spelling": {"word_dropout": 0.2}}],
    "gru": [{"form": "before", "layers": 2, "bidirectional": True}, {"form": "before", "pool": "max"}],
    "gru_d": [{"pool": "attention", "learn_mean": True}],
    "mlp": [{"layers": 3, "activation": "gelu"}],
    "by_place": [{"layers": 2, "activation": "sigmoid", "input_dropout": 0.2}],
    "resnet": [{"map": True, "depth": 10}],
    "alexnet": [{"width": 4, "dense": 8, "norm": "batch"}],
    "vgg": [{"depth": 11, "width": 4, "dense": 8, "norm": "group"}],
    "densenet": [{"blocks": [2, 2], "growth": 4, "map": True}],
    "vit": [{"patch": 7, "width": 8, "map": True}, {"patch": 1, "width": 8, "read": "mean"}],
    "cnn_rnn": [
        {"bidirectional": True},
        {"step": {"name": "cnn", "channels": [3]}, "over": {"name": "transformer", "width": 8}},
        {"over": {"name": "lstm", "layers": 2, "dropout": 0.2}, "pool": "focus"},
        {"step": {"name": "inception_time", "width": 3, "depth": 2}, "over": {"name": "tcn", "width": 8, "layers": 2}},
        {"step": {"name": "crnn", "channels": [4], "width": 4}, "over": {"name": "mingru", "width": 8}},
    ],
    "crnn": [
        {"spectrum": {"length": 16, "hop": 4, "bins": 6}, "channels": [5], "stride": 1, "inside": "attention+last"},
        {"channels": [5, 6], "stride": 2, "cell": "lstm", "layers": 2, "bidirectional": False, "inside": "last", "norm": "group"},
    ],
    "inception_time": [{"width": 4, "depth": 4, "kernels": [3, 5], "bottleneck": 0, "inside": "attention", "pool": "max"}],
    "resnet1d": [{"inside": "mean+max+attention", "pool": "attention", "side_dropout": 0.3, "step_dropout": 0.3}],
    "beside": [{"width": 16, "side_dropout": 0.3, "noise": 0.1, "pool": "attention"}],
    "xresnet1d": [{"depth": 18, "width": 4, "norm": "group", "inside": "mean+max+attention", "pool": "attention"}],
    "unet": [
        {"width": 4, "deep_supervision": True, "residual": True, "norm": "batch"},
        {"width": 4, "stride": 2, "norm": "group"},
    ],
    "gamenet": [{"medications": ["ATC//1", "ATC//2"], "visit": "mean"}],
    "retain": [{"state": 5, "width": 7}],
    "dipole": [
        {"attention": "general", "visit": "mean"},
        {"attention": "concat", "bidirectional": False},
    ],
    "t_lstm": [{"pool": "last+mean", "elapsed": 0.04, "visit": "mean"}],
    "mingru": [{"candidate": "positive", "layers": 3, "bidirectional": True, "pool": "attention"}],
    "tcn": [{"kernel": 2, "layers": 2, "pool": "last+max"}, {"causal": False, "kernel": 4, "layers": 2}],
    "residue_cnn_rnn": [
        {"norm": "batch", "cell": "lstm", "kernels": [2, 5], "filters": 6, "width": 5, "pool": "last+mean+attention"}
    ],
    "transformer": [
        {"causal": True, "since": "first", "pool": "last"},
        {"time": "time2vec", "heads": 1, "pool": "attention"},
        {"time": "none", "visit": "mean"},
    ],
    "deepr": [{"kernels": [1, 4], "gaps": [0.5]}],
    "caml": [{"width": 6, "kernel": 3, "pool": "mean+attention", "visit": "mean"}],
    "cnn_text": [{"width": 6, "kernels": [1, 2], "pool": "max+mean"}],
    "han": [{"width": 4, "embedding": 6, "dropout": 0.2, "input_dropout": 0.2, "sentence_dropout": 0.2}],
}
# in place of the defaults, which are for large pictures: millions of weights would make minutes of each rule
NARROW: dict[str, dict[str, object]] = {
    "alexnet": {"width": 8, "dense": 16},
    "vgg": {"width": 8, "dense": 16},
    "densenet": {"blocks": [3, 3], "growth": 4},
    "resnet": {"width": 8},
    "unet": {"width": 8},
    "inception_time": {"width": 8, "bottleneck": 8},
    "crnn": {"channels": [6, 8], "stride": 2, "width": 8},
    "xresnet1d": {"width": 8, "blocks": [1, 2]},
}
ROWS = 4


def tried(name: str) -> list[dict[str, object]]:
    return [NARROW.get(name, {}), *OPTIONS.get(name, [])]


def build(name: str, spec: Spec, options: dict[str, object], seed: int = 0) -> torch.nn.Module:
    """The encoder with weights of this seed, in eval; raises ConfigError where it refuses the input or an option."""
    module = registry.module("encoders", name)
    torch.manual_seed(seed)
    return module.build(spec, convert(options, module.Config)).eval()


def accepted(name: str, spec: Spec, options: dict[str, object]) -> bool:
    try:
        build(name, spec, options)
    except ConfigError:
        return False
    return True


CASES = [
    pytest.param(name, kind, options, id=f"{name}-{kind}-{number}")
    for name in registry.names("encoders")
    for kind, (number, options) in product(SPECS, enumerate(tried(name)))
    if accepted(name, SPECS[kind], options)
]
cases = pytest.mark.parametrize(("name", "kind", "options"), CASES)


def draw(spec: Spec, lengths: tuple[int, ...], seed: int = 1) -> Seq:
    """Rows of these lengths; whatever lies on padding is drawn as well."""
    random = torch.Generator().manual_seed(seed)
    rows, steps = len(lengths), max(1, *lengths)

    def normal(*shape: int) -> Tensor:
        return torch.randn(rows, *shape, generator=random)

    numbers, codes = normal(steps, *spec.shape), torch.randint(spec.vocabulary or 1, (rows, steps, *spec.shape), generator=random)
    return Seq(
        values=codes if spec.vocabulary else numbers,
        mask=torch.arange(steps) < torch.tensor(lengths)[:, None],
        position=(torch.rand(rows, steps, generator=random, dtype=torch.float64).cumsum(1) - steps),
        seen=torch.rand(rows, steps, *spec.shape, generator=random) < 0.6 if spec.shape else None,
        side=normal(steps, spec.side).abs() if spec.side else None,
        context=normal(spec.context) if spec.context else None,
    )


def lengths(spec: Spec) -> tuple[int, ...]:
    return (1,) * ROWS if spec.single else (7, 1, 4, 6)


def take(seq: Seq, rows: list[int], steps: int | None = None) -> Seq:
    """These rows, cut to so many steps."""

    def cut(part: Tensor | None) -> Tensor | None:
        return None if part is None else part[rows][:, :steps]

    context = None if seq.context is None else seq.context[rows]
    return Seq(cut(seq.values), cut(seq.mask), cut(seq.position), cut(seq.seen), cut(seq.side), context)


def padded(seq: Seq, spec: Spec, more: int) -> Seq:
    """The same rows with other padding, and so many steps of it more."""
    count = seq.mask.sum(1).tolist()
    other = draw(spec, (seq.mask.shape[1] + more,) * len(count), seed=99)

    def lay(mine: Tensor | None, theirs: Tensor | None) -> Tensor | None:
        if mine is None or theirs is None:
            return None
        laid = theirs.clone()
        for row, length in enumerate(count):
            laid[row, :length] = mine[row, :length]
        return laid

    mask = torch.arange(seq.mask.shape[1] + more) < seq.mask.sum(1)[:, None]
    parts = (lay(getattr(seq, part), getattr(other, part)) for part in ("values", "position", "seen", "side"))
    values, position, seen, side = parts
    return Seq(values, mask, position, seen, side, seq.context)


def assert_same(one: Encoded, other: Encoded, rows: list[int] | None = None) -> None:
    """Equal within 1e-5 in `rows` of the first and all of the other: what was pooled, and every step that exists."""
    chosen = slice(None) if rows is None else rows
    if one.pooled is not None:
        torch.testing.assert_close(one.pooled[chosen], other.pooled, rtol=1e-5, atol=1e-5)
    if one.steps is not None:
        steps, mask = one.steps[chosen], one.mask[chosen]
        common = min(mask.shape[1], other.mask.shape[1])
        exists = mask[:, :common]
        torch.testing.assert_close(steps[:, :common][exists], other.steps[:, :common][exists], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", registry.names("encoders"))
def test_it_accepts_at_least_one_kind_of_input_with_all_its_options(name: str) -> None:
    for options in [{}, *tried(name)]:
        assert any(accepted(name, spec, options) for spec in SPECS.values()), options


@cases
@torch.no_grad()
def test_padding_changes_nothing(name: str, kind: str, options: dict[str, object]) -> None:
    spec = SPECS[kind]
    made, seq = build(name, spec, options), draw(spec, lengths(spec))
    assert_same(made(seq), made(padded(seq, spec, 3)))


@cases
@torch.no_grad()
def test_no_word_on_what_was_seen_means_that_all_was(name: str, kind: str, options: dict[str, object]) -> None:
    spec = SPECS[kind]
    made, seq = build(name, spec, options), draw(spec, lengths(spec))
    all_seen = torch.ones_like(seq.values, dtype=torch.bool)
    assert_same(made(replace(seq, seen=None)), made(replace(seq, seen=all_seen)))


@cases
@torch.no_grad()
def test_order_and_neighbours_change_nothing(name: str, kind: str, options: dict[str, object]) -> None:
    spec = SPECS[kind]
    made, seq = build(name, spec, options), draw(spec, lengths(spec))
    together = made(seq)
    for rows in ([3, 1, 0, 2], [2], [1, 3]):
        assert_same(together, made(take(seq, rows, int(seq.mask[rows].sum(1).max()))), rows)


@cases
@torch.no_grad()
def test_later_steps_change_nothing_earlier_where_it_is_causal(name: str, kind: str, options: dict[str, object]) -> None:
    spec = SPECS[kind]
    made = build(name, spec, options)
    if spec.single or not made.causal:
        pytest.skip("one step a row, or not causal")
    seq = draw(spec, (7,) * ROWS)
    later = draw(spec, (7,) * ROWS, seed=5)

    def joined(mine: Tensor | None, theirs: Tensor | None) -> Tensor | None:
        return None if mine is None or theirs is None else torch.cat([mine[:, :4], theirs[:, 4:]], 1)

    parts = ("values", "position", "seen", "side")
    changed = replace(seq, **{part: joined(getattr(seq, part), getattr(later, part)) for part in parts})
    one, other = made(seq).steps, made(changed).steps
    torch.testing.assert_close(one[:, :4], other[:, :4], rtol=1e-5, atol=1e-5)
    assert not torch.allclose(one[:, 4:], other[:, 4:], atol=1e-5)


@cases
@torch.no_grad()
def test_an_encoder_that_is_not_causal_looks_ahead(name: str, kind: str, options: dict[str, object]) -> None:
    spec = SPECS[kind]
    made = build(name, spec, options)
    if spec.single or made.causal:
        pytest.skip("one step a row, or causal")
    seq = draw(spec, (7,) * ROWS)
    assert not torch.allclose(made(seq).steps[:, :4], made(take(seq, list(range(ROWS)), 4)).steps, atol=1e-5)


@cases
def test_a_row_without_steps_is_finite_and_knows_nothing_of_its_padding(name: str, kind: str, options: dict[str, object]) -> None:
    spec = SPECS[kind]
    made = build(name, spec, options)
    seq = draw(spec, (0, *lengths(spec)[1:]))
    out, other = made(seq), made(padded(seq, spec, 2))
    assert out.pooled.isfinite().all()
    torch.testing.assert_close(out.pooled[0], other.pooled[0], rtol=0, atol=0)
    nobody = made(draw(spec, (0, 0)))
    assert nobody.pooled.isfinite().all()
    out.pooled.square().sum().backward()
    assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in made.parameters())


@cases
@torch.no_grad()
def test_what_is_not_a_number_on_padding_changes_nothing(name: str, kind: str, options: dict[str, object]) -> None:
    spec = SPECS[kind]
    if spec.vocabulary:
        pytest.skip("codes are always numbers")
    made, seq = build(name, spec, options), draw(spec, (0, *lengths(spec)[1:]))
    beyond = ~seq.mask.view(*seq.mask.shape, *[1] * len(spec.shape))
    assert_same(made(seq), made(replace(seq, values=seq.values.masked_fill(beyond, float("nan")))))


@cases
@torch.no_grad()
def test_rows_of_one_step_answer(name: str, kind: str, options: dict[str, object]) -> None:
    spec = SPECS[kind]
    made, seq = build(name, spec, options), draw(spec, (1,) * ROWS)
    pooled = made(seq).pooled
    assert pooled.isfinite().all()
    assert (pooled[0] - pooled[1]).abs().max() > 1e-6


@cases
@torch.no_grad()
def test_what_it_declares_is_what_it_gives(name: str, kind: str, options: dict[str, object]) -> None:
    spec = SPECS[kind]
    made, seq = build(name, spec, options), draw(spec, lengths(spec))
    out = made(seq)
    assert isinstance(made, Encoder)
    assert made.gives <= {"pooled", "steps", "map"}
    assert torch.equal(out.mask, seq.mask)
    assert (out.pooled is not None) == ("pooled" in made.gives)
    if out.pooled is not None:
        assert out.pooled.shape == (ROWS, made.width)
    if {"steps", "map"} & made.gives:
        assert out.steps.shape[:3] == (*seq.mask.shape, made.steps_width)
        assert out.steps.dim() == (2 + len(spec.shape) if "map" in made.gives else 3)


@cases
@torch.no_grad()
def test_saved_and_loaded_it_answers_the_same(name: str, kind: str, options: dict[str, object]) -> None:
    from safetensors.torch import load, save

    spec = SPECS[kind]
    made, seq = build(name, spec, options), draw(spec, lengths(spec))
    fresh = build(name, spec, options, seed=7)
    assert not torch.equal(fresh(seq).pooled, made(seq).pooled)
    fresh.load_state_dict(load(save({key: value.contiguous() for key, value in made.state_dict().items()})))
    assert torch.equal(fresh(seq).pooled, made(seq).pooled)


@cases
def test_every_parameter_learns(name: str, kind: str, options: dict[str, object]) -> None:
    spec = replace(SPECS[kind], single=False)  # what links steps learns from several
    made, seq = build(name, spec, options).train(), draw(spec, lengths(spec))
    with torch.no_grad():  # away from a start at 0, which lets other parameters wait a step
        for parameter in made.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    weight = torch.randn(made.width, generator=torch.Generator().manual_seed(3))
    out = made(seq)
    maps = [*([out.steps] if "map" in made.gives else []), *out.coarser]
    sum([(one[:, :, 0] - 1).square().sum() for one in maps], (out.pooled @ weight).square().sum()).backward()
    still = [key for key, p in made.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.abs().sum() > 0)]
    assert not still


@cases
@torch.no_grad()
def test_the_same_batch_twice_gives_the_same_bits(name: str, kind: str, options: dict[str, object]) -> None:
    spec = SPECS[kind]
    made, seq = build(name, spec, options), draw(spec, lengths(spec))
    assert torch.equal(made(seq).pooled, made(seq).pooled)
