"""NIfTI files written by nibabel, and what it makes of them, turned as a store has it."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.config import convert
from sequela.readers import nifti

nibabel = pytest.importorskip("nibabel")
RANDOM = np.random.default_rng(0)
IMAGE = RANDOM.integers(-1000, 2000, (5, 6, 7)).astype(np.int16)
MASK = RANDOM.integers(0, 3, (5, 6, 7)).astype(np.uint8)
OBLIQUE = np.array([[1.9, 0.3, 0.0, -20.0], [-0.3, 1.4, 0.2, 7.0], [0.1, -0.2, 2.9, 30.0], [0, 0, 0, 1]])


def save(root, name, values=IMAGE, affine=OBLIQUE, change=None, kind=None):
    """A file whose header `change` may alter, its numbers being stored as they are given."""
    image = (kind or nibabel.Nifti1Image)(values, affine)
    image.header.set_xyzt_units("mm")
    if change:
        change(image.header)
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    image.to_filename(path)
    return path


def patch(path, offset, value):
    """Overwrites bytes of the header of an uncompressed file."""
    raw = bytearray(path.read_bytes())
    raw[offset : offset + len(value)] = value
    path.write_bytes(raw)


def read(folder, sink, root, **options):
    nifti.build(convert(options, nifti.Config)).read(folder(root), sink)
    return sink


def reference(image):
    """A nibabel image as "D H W" and its affine in LPS, made by nibabel's own turning to RAS and our reversal of that."""
    ras = nibabel.as_closest_canonical(image)
    i, j, _ = ras.shape[:3]
    points = np.array([[i - 1, j - 1, 0, 1], [i - 1, j - 1, 1, 1], [i - 1, j - 2, 0, 1], [i - 2, j - 1, 0, 1]])
    first, down, row, column = (points @ ras.affine.T)[:, :3] * [-1, -1, 1]
    affine = np.eye(4)
    affine[:3] = np.stack([down - first, row - first, column - first, first], 1)
    return np.asarray(ras.dataobj)[::-1, ::-1].transpose(*range(3, ras.ndim), 2, 1, 0), affine


def assert_is(payload, image):
    values, affine = reference(image)
    stored = payload.values if values.ndim == 4 else payload.values[0]
    np.testing.assert_allclose(stored, values, rtol=1e-6)
    np.testing.assert_allclose(payload.space.affine, affine, atol=1e-4)


def pair(root, image="images/a.nii", mask="labels/a.nii", **options):
    save(root, image)
    save(root, mask, **{"values": MASK, **options})
