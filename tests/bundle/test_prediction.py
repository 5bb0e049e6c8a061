"""What a person reads of an answer in one line."""

from __future__ import annotations

from sequela.bundle.prediction import Prediction


def labelled(risks: list[float], called: list[str]) -> str:
    """The line of a row with labels a, b, c and on."""
    return Prediction("p", "p", None, probabilities=dict(zip("abcdefghijklmnop", risks, strict=False)), decision=called).text()


def test_labels_that_are_called_stand_first_then_the_likelier() -> None:
    assert labelled([0.1, 0.3, 0.4, 0.2], ["b", "d"]) == "p: b 0.300, d 0.200, c 0.400, a 0.100"
    assert labelled([0.1, 0.3], []) == "p: b 0.300, a 0.100"


def test_of_many_labels_ten_stand_in_a_line_and_the_others_are_counted() -> None:
    assert labelled([k / 100 for k in range(10)], []).count(",") == 9
    said = labelled([k / 100 for k in range(14)], ["l"])
    assert said.startswith("p: l 0.110, n 0.130, m 0.120") and said.endswith("e 0.040, and 4 less likely")


def test_no_label_that_is_called_is_left_out_of_the_line() -> None:
    said = labelled([k / 100 for k in range(14)], list("abcdefghijkl"))
    assert "m 0.1" not in said and said.endswith(", b 0.010, a 0.000, and 2 more, not called")
