"""Arrays that are made once and kept while there is room."""

from __future__ import annotations

import numpy as np

from sequela.prep.scratch import Shelf


def test_an_array_is_made_once_and_one_without_room_has_none():
    made = []

    def make(number):
        made.append(number)
        return np.full((2, 3), number, np.int16)

    shelf = Shelf([12, 0, 12, 12], limit=130)
    assert [shelf.holds(entry) for entry in range(4)] == [True, False, True, False]
    for entry in (2, 0, 2, 0):
        found = shelf.get(entry, (2, 3), np.dtype(np.int16), lambda entry=entry: make(entry))
        np.testing.assert_array_equal(found, np.full((2, 3), entry))
    assert made == [2, 0]
