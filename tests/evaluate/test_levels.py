"""Levels of a group stand in the order of a person."""

from __future__ import annotations

from sequela.evaluate.levels import ordered


def test_bands_go_by_their_number_and_all_others_by_name() -> None:
    assert ordered(["100-120", ">=120", "45-65", "<45", "", "<45"]) == ["<45", "45-65", "100-120", ">=120", ""]
    assert ordered(["surgical", "medical", ""]) == ["medical", "surgical", ""]
    assert ordered(["10", "9", "2.5"]) == ["2.5", "9", "10"]
