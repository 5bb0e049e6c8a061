"""InceptionTime: its arithmetic, its size as published, its shortcuts."""

from __future__ import annotations

import torch
from torch.nn import functional

from sequela.config import convert
from sequela.encoders import inception_time
from sequela.nn import stepwise
from sequela.types import Seq, Spec


def built(spec: Spec, **options: object) -> stepwise.Stepwise:
    torch.manual_seed(0)
    return inception_time.build(spec, convert(options, inception_time.Config)).eval()


def normed(values: torch.Tensor, norm: torch.nn.Module) -> torch.Tensor:
    return functional.batch_norm(values, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)


def test_a_module_lays_short_middling_and_long_convolutions_and_the_largest_of_three_side_by_side() -> None:
    encoder = built(Spec("waveform", (2, 50), "seconds"), depth=1, width=3, kernels=[3, 5], bottleneck=4)
    module = encoder.net.layers[0][0]
    values = torch.randn(6, 1, 2, 50, generator=torch.Generator().manual_seed(1))
    entry = functional.conv1d(values[:, 0], module.bottleneck.weight)
    branches = [functional.conv1d(entry, branch.weight, padding=branch.weight.shape[2] // 2) for branch in module.branches]
    largest = functional.max_pool1d(values[:, 0], 3, 1, 1)
    branches.append(functional.conv1d(largest, module.largest[1].weight))
    expected = normed(torch.cat(branches, 1), module.norm[0]).relu().mean(2)
    seq = Seq(values, torch.ones(6, 1, dtype=torch.bool), torch.zeros(6, 1, dtype=torch.float64))
    torch.testing.assert_close(encoder(seq).pooled, expected)


def test_past_every_three_modules_goes_a_shortcut_and_past_what_is_left_over_none() -> None:
    encoder = built(Spec("waveform", (1, 30), "seconds"), depth=5, width=2, kernels=[3])
    first, rest = encoder.net.layers
    values = torch.randn(4, 1, 30, generator=torch.Generator().manual_seed(1))
    mapped, norm = first.shortcut
    past = normed(functional.conv1d(values, mapped.weight), norm)
    torch.testing.assert_close(first(values), (first.body(values) + past).relu())
    assert len(first.body) == 3 and isinstance(rest, torch.nn.Sequential) and len(rest) == 2


def test_it_has_the_weights_that_the_paper_s_net_has_but_for_the_middle_samples() -> None:
    """Of kernels 10, 20 and 40: one tap more in each than here, 32 filters of 32 channels (the first module: of one)."""
    encoder = built(Spec("waveform", (1, 100), "seconds"))
    found = sum(parameter.numel() for parameter in encoder.net.parameters())
    first = 32 * (10 + 20 + 40) + 32 + 2 * 128
    other = 128 * 32 + 32 * 32 * (10 + 20 + 40) + 128 * 32 + 2 * 128
    shortcuts = 128 + 2 * 128 + 2 * 128
    fewer_taps = 3 * 32 + 5 * 3 * 32 * 32
    assert found == first + 5 * other + shortcuts - fewer_taps
