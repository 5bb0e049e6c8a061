"""The small convolutional net: its size, its arithmetic, and what it refuses."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from sequela.encoders import cnn
from sequela.errors import ConfigError
from sequela.tasks import multiclass
from sequela.types import Seq, Spec

IMAGE = Spec("image", (1, 28, 28), "index", single=True)


def sequence(spec: Spec, mask: list[list[bool]], seed: int = 0) -> Seq:
    known = torch.tensor(mask)
    values = torch.randn(*known.shape, *spec.shape, generator=torch.Generator().manual_seed(seed))
    return Seq(values, known, torch.zeros(known.shape, dtype=torch.float64))


def test_the_lung_ct_net_has_420610_parameters() -> None:
    encoder = cnn.build(IMAGE, cnn.Config())
    head = multiclass.build(multiclass.Config(), ("benign", "malignant")).head(encoder.width)
    counts = [parameter.numel() for module in (encoder, head) for parameter in module.parameters()]
    assert counts == [288, 32, 18_432, 64, 401_408, 128, 256, 2]
    assert sum(counts) == 420_610


def test_it_computes_conv_pool_conv_pool_dense() -> None:
    torch.manual_seed(0)
    encoder = cnn.build(IMAGE, cnn.Config()).eval()
    seq = sequence(IMAGE, [[True], [True], [True]])
    first, second, dense = (encoder.net[index] for index in (0, 3, 7))
    values = seq.values[:, 0]
    for layer in (first, second):
        values = functional.max_pool2d(functional.conv2d(values, layer.weight, layer.bias, padding="same").relu(), 2)
    expected = (values.reshape(3, 7 * 7 * 64) @ dense.weight.T + dense.bias).relu()
    torch.testing.assert_close(encoder(seq).pooled, expected)
    torch.testing.assert_close(encoder(seq).steps[:, 0], expected)


@pytest.mark.parametrize("shape", [(3, 4, 9), (2, 33, 20)])
def test_it_reads_any_size_and_number_of_channels(shape: tuple[int, int, int]) -> None:
    spec = Spec("image", shape, "index")
    encoded = cnn.build(spec, cnn.Config(channels=(4, 6), width=10))(sequence(spec, [[True, True, False], [True, False, False]]))
    assert encoded.pooled.shape == (2, 10)
    assert encoded.steps.shape == (2, 3, 10)


def test_several_images_of_a_row_are_averaged_and_padding_is_not_looked_at() -> None:
    encoder = cnn.build(IMAGE, cnn.Config()).eval()
    seq = sequence(IMAGE, [[True, True, False], [True, False, False], [False, False, False]])
    seq.values[~seq.mask] = torch.nan
    encoded = encoder(seq)
    torch.testing.assert_close(encoded.pooled[0], encoded.steps[0, :2].mean(0))
    torch.testing.assert_close(encoded.pooled[1], encoded.steps[1, 0])
    assert (encoded.pooled[2] == 0).all()
    assert (encoded.steps[~seq.mask] == 0).all()


def test_an_image_too_small_to_halve_and_a_step_that_is_no_image_are_refused() -> None:
    with pytest.raises(ConfigError, match="3 x 28 cannot be halved 2 times"):
        cnn.build(Spec("image", (1, 3, 28), "index"), cnn.Config())
    with pytest.raises(ConfigError, match=r"numbers of shape \(37,\); this encoder reads \(C, H, W\)"):
        cnn.build(Spec("measurements", (37,), "days"), cnn.Config())
    with pytest.raises(ConfigError, match="is codes"):
        cnn.build(Spec("codes", (), "days", vocabulary=10), cnn.Config())
