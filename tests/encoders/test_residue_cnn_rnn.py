"""Filters, then GRUs, over residues: each step by hand from its neighbours, and what a norm over the batch may see."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from sequela.config import convert
from sequela.encoders import residue_cnn_rnn
from sequela.errors import ConfigError
from sequela.types import Seq, Spec

RESIDUES = Spec("residues", (), "index", vocabulary=22)
SMALL = {"embedding": 5, "filters": 4, "kernels": [1, 3], "width": 3, "layers": 2, "dropout": 0.0}


def made(**options: object) -> residue_cnn_rnn.ResidueCnnRnn:
    torch.manual_seed(2)
    return residue_cnn_rnn.build(RESIDUES, convert(SMALL | options, residue_cnn_rnn.Config))


def fed(lengths: tuple[int, ...] = (9, 4), steps: int = 9) -> Seq:
    random = torch.Generator().manual_seed(0)
    values = torch.randint(1, 22, (len(lengths), steps), generator=random)
    mask = torch.arange(steps) < torch.tensor(lengths)[:, None]
    return Seq(values, mask, torch.arange(float(steps)).expand(len(lengths), -1))


@torch.no_grad()
def test_the_near_part_of_a_step_is_its_filters_normed_by_hand() -> None:
    network, seq = made(), fed()
    found = network(seq).steps[1, :4, : network.local.width].numpy()
    p = {name: value.numpy() for name, value in network.state_dict().items()}
    letters = p["inputs.codes.weight"][seq.values[1, :4].numpy()]
    padded = np.pad(letters, ((1, 1), (0, 0)))
    one = letters @ p["local.motifs.0.convolution.weight"][:, :, 0].T + p["local.motifs.0.convolution.bias"]
    three = np.stack([np.einsum("kd,fdk->f", padded[t : t + 3], p["local.motifs.1.convolution.weight"]) for t in range(4)])
    both = np.concatenate([one, three + p["local.motifs.1.convolution.bias"]], 1)
    normed = (both - both.mean(1, keepdims=True)) / np.sqrt(both.var(1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(found, np.maximum(normed, 0), atol=1e-5)


@torch.no_grad()
def test_the_far_part_reads_the_whole_sequence_both_ways() -> None:
    network, seq = made().eval(), fed((9,))
    base = network(seq).steps[0, :, network.local.width :]
    for moved, half in ((0, slice(0, 3)), (8, slice(3, 6))):  # forward states, then backward ones
        values = seq.values.clone()
        values[0, moved] = 1 + values[0, moved] % 20
        changed = network(Seq(values, seq.mask, seq.position)).steps[0, :, network.local.width :]
        assert (changed[4, half] != base[4, half]).any()


def test_a_norm_over_the_batch_counts_the_steps_that_exist_and_no_others() -> None:
    network, seq = made(norm="batch").train(), fed()
    network(seq)
    alone = made(norm="batch").train()
    alone(Seq(*(_longer(part, 5) for part in (seq.values, seq.mask, seq.position))))
    for mine, theirs in zip(network.state_dict().values(), alone.state_dict().values(), strict=True):
        torch.testing.assert_close(mine, theirs)
    assert network.local.norm.norm.running_mean.abs().sum() > 0  # type: ignore[union-attr]


def _longer(part: Tensor, more: int) -> Tensor:
    return torch.cat([part, part.new_zeros(len(part), more)], 1)


def test_no_kernels_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least one kernel"):
        made(kernels=[])
