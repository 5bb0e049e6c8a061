"""Volumes as sequences of slices or slabs, with their places in millimetres."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.batch import pad
from sequela.config import convert
from sequela.errors import ConfigError, DataError
from sequela.modalities import slices
from sequela.modalities._synthetic import Held, events
from sequela.types import Known, Payload, Space

SPACING = (3.0, 2.0, 1.0)


def space(spacing=SPACING, oriented=True):
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = *spacing, 1
    return Space(affine, oriented=oriented)


def scan(depth=5, rows=6, columns=7, seed=0, spacing=SPACING, dtype=np.int16):
    values = np.random.default_rng(seed).integers(0, 250, (1, depth, rows, columns)).astype(dtype)
    return Payload(values, space=None if spacing is None else space(spacing))


def build(**options):
    return slices.build(convert(options, slices.Config))


def known(scans, rows=None, count=None):
    rows = list(range(len(scans))) if rows is None else rows
    columns = {"row": rows, "position": [np.nan] * len(rows), "code": ["IMAGE"] * len(rows)}
    table = events({**columns, "payload": [f"u{i}" for i in range(len(rows))]})
    payloads = Held({f"u{i}": one for i, one in enumerate(scans)})
    return Known(len(rows) if count is None else count, table, payloads, {"IMAGE": "payload"})


def read(scans, trained=None, **options):
    """The sequences of these volumes, and the numbers that standardised values stand for."""
    modality = build(**options)
    state = modality.fit(known(trained or scans))
    ragged = modality.read(known(scans), state)
    volumes = state.volumes
    return pad(ragged, np.arange(len(scans))), lambda values: values * volumes.spread[0] + volumes.mean[0]


@pytest.mark.parametrize(("axis", "place"), [("axial", 0), ("coronal", 1), ("sagittal", 2)])
def test_each_step_is_a_slice_in_order_with_its_place_in_millimetres(axis, place):
    one = scan()
    sequence, raw = read([one], axis=axis)
    expected = np.moveaxis(one.values, 1 + place, 0)
    np.testing.assert_allclose(raw(sequence.values[0]), expected, atol=1e-3)
    np.testing.assert_allclose(sequence.position[0], np.arange(one.values.shape[1 + place]) * SPACING[place])


@pytest.mark.parametrize(
    ("spacing", "axis"), [((3, 2, 1), 0), ((1, 2, 1), 1), ((1, 1, 4), 2), ((1, 1, 1), 0), ((1, 2, 2), 1), ((2.99, 1, 3), 0)]
)
def test_the_axis_is_that_along_which_points_lie_farthest_apart_and_of_equal_ones_the_first(spacing, axis):
    assert build().fit(known([scan(spacing=spacing)])).axis == axis


def test_smaller_volumes_are_padded_about_their_middle_and_none_is_stretched():
    large, small = scan(4, 8, 9, 1), scan(3, 5, 6, 2)
    sequence, raw = read([large, small], scale="train")
    assert sequence.values.shape == (2, 4, 1, 8, 9) and sequence.mask.tolist() == [[True] * 4, [True] * 3 + [False]]
    np.testing.assert_allclose(raw(sequence.values[1, :3, :, 2:7, 2:8]), small.values.swapaxes(0, 1), atol=1e-3)
    margin = np.ones((8, 9), bool)
    margin[2:7, 2:8] = False
    assert (sequence.values[1, :3, 0][:, margin] == 0).all()


def test_larger_volumes_are_cut_about_their_middle():
    one = scan(2, 6, 8)
    sequence, raw = read([one], size=4)
    np.testing.assert_allclose(raw(sequence.values[0]), one.values[:, :, 1:5, 2:6].swapaxes(0, 1), atol=1e-3)


def test_a_slab_shows_the_neighbours_of_its_slice_as_channels():
    one = scan(5)
    modality = build(slab=3, step=2)
    state = modality.fit(known([one]))
    sequence = pad(modality.read(known([one]), state), np.array([0]))
    values = (one.values[0] - state.volumes.mean[0]) / state.volumes.spread[0]
    nothing = np.zeros((1, 6, 7))
    np.testing.assert_allclose(sequence.values[0, 0], np.concatenate([nothing, values[:2]]), atol=1e-5)
    np.testing.assert_allclose(sequence.values[0, 1], values[1:4], atol=1e-5)
    np.testing.assert_allclose(sequence.values[0, 2], np.concatenate([values[3:], nothing]), atol=1e-5)
    assert sequence.position[0].tolist() == [0, 6, 12]
    assert modality.spec(state).names == ("grey -1", "grey +0", "grey +1")


def test_spacing_makes_a_millimetre_the_same_everywhere():
    fine = scan(4, 8, 8, spacing=(2.0, 1.0, 1.0))
    coarse = Payload(fine.values.reshape(1, 4, 4, 2, 4, 2).mean((3, 5)).astype(np.int16), space=space((2.0, 2.0, 2.0)))
    modality = build(spacing=[2, 2, 2])
    state = modality.fit(known([fine, coarse]))
    assert state.size == (4, 4) and modality.spec(state).spacing == (2, 2)
    sequence = pad(modality.read(known([fine, coarse]), state), np.arange(2))
    np.testing.assert_allclose(sequence.values[0, :, :, 1:3, 1:3], sequence.values[1, :, :, 1:3, 1:3], atol=0.8)
    assert np.corrcoef(sequence.values[0].ravel(), sequence.values[1].ravel())[0, 1] > 0.8


def test_a_window_cuts_what_a_radiologist_would_not_see():
    one = scan()
    sequence, raw = read([one], window=[50, 100])
    np.testing.assert_allclose(raw(sequence.values[0, :, 0]), np.clip((one.values[0] - 50.0) / 50, 0, 1), atol=1e-4)


def test_numbers_without_a_unit_are_taken_by_each_volume_s_own_mean_and_spread():
    one = scan()
    bright = Payload(one.values.astype(np.float32) * 1000 + 77, space=one.space)
    sequence, _ = read([one, bright], scale="each")
    np.testing.assert_allclose(sequence.values[0], sequence.values[1], atol=1e-4)


def test_volumes_that_are_not_like_those_of_training_are_refused_by_row():
    modality = build()
    state = modality.fit(known([scan(seed=i) for i in range(3)]))
    lying = Payload(scan().values, space=space(oriented=False))
    flat, twofold = Payload(scan().values[:, 0], space=space()), Payload(scan().values.repeat(2, 0), space=space())
    strange = [scan(), scan(spacing=(12.0, 2, 1)), scan(spacing=None), lying, flat, twofold, scan(dtype=np.uint8)]
    reasons = modality.refused(known(strange, count=8), state)
    assert reasons[0] == reasons[7] == "" and all(reasons[1:7])
    with pytest.raises(DataError, match="1 of 2 volumes are not like"):
        modality.read(known(strange[:2]), state)


def test_without_spacing_steps_stand_by_their_number():
    modality = build()
    one = scan(spacing=None)
    state = modality.fit(known([one]))
    assert modality.spec(state).unit == "index" and state.axis == 0
    assert modality.read(known([one]), state).position.tolist() == [0, 1, 2, 3, 4]


def test_only_the_slices_asked_for_are_read():
    opened = []

    class Watched(np.ndarray):
        def __getitem__(self, key):
            opened.append(key)
            return super().__getitem__(key)

    one = scan(40)
    modality = build()
    state = modality.fit(known([one]))
    ragged = modality.read(known([Payload(one.values.view(Watched), space=one.space)]), state)
    opened.clear()
    ragged.values[np.array([7])]
    assert [key[1] for key in opened if isinstance(key, tuple)] == [slice(7, 8)]


def test_plain_columns_hold_intensities_and_extent_in_millimetres():
    one = scan()
    modality = build()
    state = modality.fit(known([one, scan(seed=3)]))
    plain = modality.plain(known([one]), state)
    told = dict(zip(plain.names, plain.values[0].tolist(), strict=True))
    assert told["mean"] == pytest.approx(one.values.mean()) and told["spread"] == pytest.approx(one.values.std())
    assert [told[f"extent_{axis}"] for axis in ("slices", "rows", "columns")] == [15, 12, 7]
    assert sum(told[f"histogram_{b}"] for b in range(8)) == pytest.approx(1)


@pytest.mark.parametrize(
    "options",
    [{"size": 0}, {"size": [4, 0]}, {"size": [4, 4, 4]}, {"spacing": [1, 1]}, {"spacing": [1, 0, 1]}, {"window": "lungs"}],
)
def test_options_without_sense_are_refused(options):
    with pytest.raises(ConfigError):
        build(**options)


def test_pictures_are_no_volumes_and_a_missing_spacing_is_said():
    with pytest.raises(DataError, match="1 of 2 training pictures are no volumes"):
        build().fit(known([scan(), Payload(scan().values[:, 0])]))
    with pytest.raises(DataError, match="do not tell their spacing"):
        build(spacing="auto").fit(known([scan(spacing=None)]))
    with pytest.raises(DataError, match="no training row has a volume"):
        build().fit(known([]))
