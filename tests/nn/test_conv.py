"""Blocks and norms of the residual networks."""

from __future__ import annotations

import pytest
import torch

from sequela.nn import conv


@pytest.mark.parametrize("bottleneck", [False, True])
@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_a_block_that_keeps_its_size_starts_as_relu(dimensions: int, bottleneck: bool) -> None:
    blocks = conv.Blocks(dimensions, 3, "batch", bottleneck)
    values = torch.randn(2, 8, *[6] * dimensions, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(blocks.block(8, 8 // blocks.expansion, 1)(values), values.relu())


def test_batch_norm_is_torch_s_own_where_there_is_a_spread() -> None:
    values = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0))
    ours, theirs = conv.BatchNorm(4), torch.nn.BatchNorm1d(4)
    torch.testing.assert_close(ours(values), theirs(values))
    torch.testing.assert_close(ours.running_var, theirs.running_var)
    torch.testing.assert_close(ours.eval()(values), theirs.eval()(values))


def test_one_number_a_channel_is_normalised_by_the_running_ones_and_does_not_enter_them() -> None:
    norm = conv.BatchNorm(2)
    norm.running_mean.copy_(torch.tensor([1.0, -1.0]))
    found = norm(torch.tensor([[[3.0], [3.0]]]))
    torch.testing.assert_close(found.flatten(), torch.tensor([2.0, 4.0]), rtol=1e-4, atol=0)
    assert norm.running_mean.tolist() == [1.0, -1.0]
    assert norm(torch.zeros(0, 2, 5)).shape == (0, 2, 5)


@pytest.mark.parametrize(("channels", "groups"), [(1, 1), (5, 1), (6, 1), (8, 4), (32, 8), (48, 8)])
def test_groups_hold_two_channels_or_more_where_there_are_two(channels: int, groups: int) -> None:
    norm = conv.norm("group", channels)
    assert isinstance(norm, torch.nn.GroupNorm)
    assert norm.num_groups == groups


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_instance_norm_is_that_of_torch_for_each_picture_alone(dimensions: int) -> None:
    norm = conv.norm("instance", 3)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    values = torch.randn(4, 3, *[5] * dimensions, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.instance_norm(values, weight=norm.weight, bias=norm.bias)
    torch.testing.assert_close(norm(values), expected)
    torch.testing.assert_close(norm(values[2:3]), expected[2:3])


def test_instance_norm_of_one_number_a_channel_scales_and_shifts_it() -> None:
    norm = conv.norm("instance", 2)
    values = torch.tensor([[3.0, -1.0], [0.5, 2.0]])[:, :, None, None]
    torch.testing.assert_close(norm(values), values)
    torch.nn.init.constant_(norm.bias, 1.0)
    torch.testing.assert_close(norm(values), values + 1)
    assert norm(values[:0]).shape == (0, 2, 1, 1)
