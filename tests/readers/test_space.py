from itertools import permutations, product

import hypothesis.extra.numpy as npst
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sequela.errors import DataError
from sequela.readers._space import as_source, canonical, letters
from sequela.types import Space

SHAPE = (3, 4, 5)
VOLUME = np.arange(60, dtype=np.int16).reshape(SHAPE)
TURNS = [(order, flips) for order in permutations(range(3)) for flips in product([False, True], repeat=3)]
turns = st.sampled_from(TURNS)
angles = st.tuples(*[st.floats(-180, 180)] * 3)
spacings = st.tuples(*[st.floats(0.1, 10)] * 3)


def affine_of(angle=(0.0, 0.0, 0.0), spacing=(1.0, 1.0, 1.0), origin=(-7.0, 3.0, 11.0)):
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angle, degrees=True).as_matrix() * np.asarray(spacing)
    affine[:3, 3] = origin
    return affine


def turned(values, affine, turn):
    """The same points numbered another way, worked out point by point."""
    order, flips = turn
    moved = np.transpose(values, order)[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    column = [affine[:3, axis] * (-1 if flip else 1) for axis, flip in zip(order, flips, strict=True)]
    first = np.zeros(3)
    for axis, flip in zip(order, flips, strict=True):
        first[axis] = values.shape[axis] - 1 if flip else 0
    new = np.eye(4)
    new[:3, :3] = np.stack(column, 1)
    new[:3, 3] = affine[:3, :3] @ first + affine[:3, 3]
    return moved, new


@given(turns, angles, spacings)
def test_however_the_axes_of_a_volume_are_permuted_and_flipped_it_is_stored_alike(turn, angle, spacing):
    affine = affine_of(angle, spacing)
    there, space = canonical(VOLUME, affine)
    again, other = canonical(*turned(VOLUME, affine, turn))
    assert np.array_equal(there, again)
    assert np.allclose(space.affine, other.affine, atol=1e-9)


@given(turns, st.sampled_from([45.0, 135.0, -45.0]), st.sampled_from(["x", "y", "z"]))
def test_a_volume_at_45_degrees_is_stored_alike_too(turn, angle, about):
    affine = affine_of(tuple(angle if axis == about else 0.0 for axis in "xyz"))
    there, space = canonical(VOLUME, affine)
    again, other = canonical(*turned(VOLUME, affine, turn))
    assert np.array_equal(there, again)
    assert np.allclose(space.affine, other.affine, atol=1e-9)


@given(angles, spacings)
def test_every_point_keeps_its_place_in_the_patient(angle, spacing):
    affine = affine_of(angle, spacing)
    values, space = canonical(VOLUME, affine)
    for index in np.ndindex(values.shape):
        source = np.unravel_index(values[index], SHAPE)
        assert np.allclose(space.affine @ [*index, 1], affine @ [*source, 1])


@given(turns)
def test_stored_indices_rise_towards_superior_posterior_and_left(turn):
    _, space = canonical(*turned(VOLUME, affine_of(spacing=(1.0, 2.0, 3.0)), turn))
    assert np.array_equal(space.affine[:3, :3], [[0, 0, 1], [0, 2, 0], [3, 0, 0]])
    assert space.spacing == (3.0, 2.0, 1.0)
    assert letters(space.affine) == "SPL"


@given(turns, angles, spacings)
def test_as_source_undoes_canonical(turn, angle, spacing):
    values, affine = turned(VOLUME, affine_of(angle, spacing), turn)
    back, there = as_source(*canonical(values, affine))
    assert np.array_equal(back, values)
    assert np.allclose(there, affine, atol=1e-9)


@given(turns, npst.arrays(np.uint8, (2, *SHAPE)))
def test_leading_axes_stay_where_they_are(turn, values):
    affine = affine_of()
    moved, where = turned(VOLUME, affine, turn)
    stacked = np.stack([turned(one, affine, turn)[0] for one in values])
    assert stacked.shape[1:] == moved.shape
    assert np.array_equal(canonical(stacked, where)[0], canonical(values, affine)[0])


def test_letters_say_where_the_sources_axes_point():
    assert letters(np.diag([-1.0, -1.0, 1.0, 1.0])) == "RAS"  # as NIfTI has it
    assert letters(np.diag([1.0, 1.0, 1.0, 1.0])) == "LPS"
    sagittal = np.array([[0, 0, -3, 0], [1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]])
    assert letters(sagittal) == "PIR"


def test_an_oblique_axis_counts_as_the_nearest():
    assert letters(affine_of((20.0, -15.0, 10.0))) == "LPS"
    assert letters(affine_of((70.0, 0.0, 0.0))) == "LSA"
    sheared = np.eye(4)
    sheared[1, 2] = 0.4  # a gantry's tilt
    assert letters(sheared) == "LPS"


def test_a_space_without_letters_is_as_it_was_stored():
    values, affine = as_source(VOLUME, Space(np.eye(4)))
    assert values is VOLUME
    assert np.array_equal(affine, np.eye(4))


@pytest.mark.parametrize(
    "affine",
    [
        np.zeros((4, 4)),
        np.diag([1.0, 1.0, 0.0, 1.0]),
        np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]),
        np.full((4, 4), np.nan),
        np.eye(3),
    ],
)
def test_an_affine_that_cannot_be_inverted_is_refused(affine):
    with pytest.raises(DataError, match="affine"):
        canonical(VOLUME, affine)
