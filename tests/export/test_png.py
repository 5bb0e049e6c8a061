"""Masks of pictures as PNG, read back as they were."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.errors import DataError
from sequela.export import png

Image = pytest.importorskip("PIL.Image")


@pytest.mark.parametrize("most", [1, 255, 256, 65535])
def test_labels_come_back_as_they_were(most, tmp_path):
    mask = np.random.default_rng(0).integers(0, most + 1, (7, 5)).astype(np.uint16)
    mask[0, 0] = most
    with Image.open(png.write(mask, tmp_path / "a.png")) as found:
        np.testing.assert_array_equal(np.asarray(found), mask)
        assert found.size == (5, 7) and found.mode == ("L" if most < 256 else "I;16")


@pytest.mark.parametrize(
    "mask", [np.zeros((2, 2, 2), np.uint8), np.zeros((2, 2)), np.full((2, 2), -1), np.full((2, 2), 70000)], ids=str
)
def test_what_is_no_mask_of_a_picture_is_refused(mask, tmp_path):
    with pytest.raises(DataError):
        png.write(mask, tmp_path / "a.png")


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"ends on \.png"):
        png.write(np.zeros((2, 2), np.uint8), tmp_path / "a.jpg")
