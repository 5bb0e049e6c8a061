"""Fusion of inputs: what an absent input is, and what each kind computes."""

from __future__ import annotations

import pytest
import torch

from sequela.config import Choice
from sequela.errors import ConfigError
from sequela.nn import fuse
from sequela.types import Encoded

WIDTHS = (3, 5)
NAMES = ("concat", "gated", "attention", "product")


def built(name: str, widths: tuple[int, ...] = WIDTHS, **options: object) -> fuse.Fuse:
    torch.manual_seed(0)
    return fuse.build(Choice(name=name, options=options), widths)


def encoded(rows: int = 6) -> list[Encoded]:
    """Two inputs; the second is absent in rows 0 and 3."""
    torch.manual_seed(1)
    masks = [torch.ones(rows, 2, dtype=torch.bool), torch.ones(rows, 4, dtype=torch.bool)]
    masks[1][[0, 3]] = False
    return [Encoded(None, mask, torch.randn(rows, width)) for mask, width in zip(masks, WIDTHS, strict=True)]


@pytest.mark.parametrize("name", NAMES)
def test_what_an_encoder_gives_for_an_absent_input_does_not_matter(name: str) -> None:
    module = built(name)
    first, second = encoded()
    changed = second.pooled.clone()
    changed[[0, 3]] = torch.nan
    after = module([first, Encoded(None, second.mask, changed)])
    torch.testing.assert_close(after, module([first, second]), rtol=0, atol=0)
    assert after.shape == (6, module.width)


@pytest.mark.parametrize("name", NAMES)
def test_an_absent_input_is_learnt_and_is_not_zeros(name: str) -> None:
    module = built(name)
    first, second = encoded()
    fused = module([first, second])
    present = Encoded(None, torch.ones_like(second.mask), second.pooled.where(second.mask.any(1, keepdim=True), 0.0))
    assert not torch.isclose(fused[0], module([first, present])[0]).all()
    fused.square().sum().backward()
    absent = dict(module.named_parameters())["present.absent.1"]
    assert (absent.grad != 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_rows_do_not_see_each_other(name: str) -> None:
    module = built(name)
    inputs = encoded()
    order = torch.tensor([4, 0, 5, 3, 1, 2])
    turned = [Encoded(None, one.mask[order], one.pooled[order]) for one in inputs]
    torch.testing.assert_close(module(turned), module(inputs)[order])


@pytest.mark.parametrize("name", NAMES)
def test_one_input_passes_unchanged(name: str) -> None:
    (only, _) = encoded()
    module = built(name, (3,))
    assert module([only]) is only.pooled
    assert module.width == 3
    assert not list(module.parameters())


def test_concat_lays_present_inputs_side_by_side() -> None:
    first, second = encoded()
    fused = built("concat")([first, second])
    torch.testing.assert_close(fused[1], torch.cat([first.pooled[1], second.pooled[1]]), rtol=0, atol=0)


def test_gated_is_the_sum_of_arevalo() -> None:
    module = built("gated", width=4)
    first, second = (one.pooled[1:2] for one in encoded())
    weights = {name: value.detach() for name, value in module.state_dict().items()}
    gates = (torch.cat([first, second], 1) @ weights["gates.weight"].T + weights["gates.bias"]).sigmoid()
    expected = torch.zeros(1, 4)
    for index, vector in enumerate((first, second)):
        value = (vector @ weights[f"values.{index}.weight"].T + weights[f"values.{index}.bias"]).tanh()
        expected += gates[:, 4 * index : 4 * index + 4] * value
    torch.testing.assert_close(module(encoded())[1:2], expected)


def test_attention_stays_within_the_inputs_it_averages() -> None:
    module = built("attention", width=4)
    inputs = encoded()
    vectors = torch.stack([layer(one.pooled) for layer, one in zip(module.values, inputs, strict=True)])
    here = [1, 2, 4, 5]
    fused = module(inputs)[here]
    assert (fused <= vectors.amax(0)[here] + 1e-6).all()
    assert (fused >= vectors.amin(0)[here] - 1e-6).all()


def test_an_unknown_fusion_or_option_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'concat'"):
        built("concatenate")
    with pytest.raises(ConfigError, match="did you mean 'width'"):
        built("gated", widht=4)
