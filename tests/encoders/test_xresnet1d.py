"""xresnet1d: its size and lengths as published, the way past a block, what a window's vector is."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from sequela.config import convert
from sequela.encoders import xresnet1d
from sequela.errors import ConfigError
from sequela.nn import stepwise
from sequela.types import Seq, Spec

LEADS = Spec("waveform", (12, 250), "seconds")


def built(**options: object) -> stepwise.Stepwise:
    torch.manual_seed(0)
    return xresnet1d.build(LEADS, convert(options, xresnet1d.Config)).eval()


@pytest.mark.parametrize("depth", [18, 101])
def test_a_window_is_shortened_thirty_two_times(depth: int) -> None:
    trunk = built(depth=depth, width=4).net
    assert trunk(torch.randn(2, 12, 250)).shape == (2, 4 * (4 if depth == 101 else 1), 8)


def test_it_has_the_weights_that_the_benchmark_s_xresnet1d101_has_before_its_head() -> None:
    """Counted from its description: stem 32, 32, 64; 3, 4, 23 and 3 bottlenecks, 64 wide, 256 out; kernels of 5."""
    stem = 5 * (12 * 32 + 32 * 32 + 32 * 64) + 2 * (32 + 32 + 64)

    def block(narrow: int) -> int:
        return narrow * 64 + 5 * 64 * 64 + 64 * 256 + 2 * (64 + 64 + 256)

    first = block(64) + 64 * 256 + 2 * 256  # the only one whose input is as wide as the stem, with a mapped way past it
    rest = (3 + 4 + 23 + 3 - 1) * block(256)
    found = sum(parameter.numel() for parameter in built(depth=101).net.parameters())
    assert found == stem + first + rest


def test_past_a_block_that_halves_go_the_means_of_pairs() -> None:
    halving = built(depth=18, width=4).net.layers[-2]
    values = torch.randn(3, 4, 9, generator=torch.Generator().manual_seed(1)).abs()
    expected = functional.avg_pool1d(values, 2, ceil_mode=True)
    torch.testing.assert_close(halving.shortcut(values), expected)
    torch.testing.assert_close(halving(values), expected)  # its last norm starts at 0


def test_the_vector_of_a_window_is_its_mean_and_its_largest_side_by_side() -> None:
    encoder = built(depth=18, width=4)
    values = torch.randn(5, 1, 12, 250, generator=torch.Generator().manual_seed(1))
    seq = Seq(values, torch.ones(5, 1, dtype=torch.bool), torch.zeros(5, 1, dtype=torch.float64))
    features = encoder.net(values[:, 0])
    torch.testing.assert_close(encoder(seq).pooled, torch.cat([features.mean(2), features.amax(2)], 1))
    assert encoder.width == 8


def test_an_even_kernel_is_refused() -> None:
    with pytest.raises(ConfigError, match="kernel is 4; expected an odd number"):
        built(kernel=4)
