"""Entities of a row's documents as they are told to who asks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from sequela.bundle import spanned
from sequela.bundle.prediction import Prediction
from sequela.contracts import Evidence
from sequela.text.documents import BETWEEN
from sequela.types import Answer, Piece, Places, Ragged, Spans

FIRST, SECOND = "no 😀 fever\nnor chills", "asthma"
TEXT = FIRST + BETWEEN + SECOND
PIECES = (Piece(0, "", "NOTE"), Piece(len(FIRST + BETWEEN), "", "NOTE//letter"))


def told(begin: list[int], end: list[int], concept: list[str] | None = None) -> dict[str, Any]:
    """Of one row, all but the first of another class."""
    count = len(begin)
    codes = None if concept is None else np.array(concept, object)
    spans = Spans(
        np.array([0, 0, count]), np.array(begin), np.array(end), np.minimum(np.arange(count), 1), np.full(count, 0.875), codes
    )
    places = Places(np.zeros(3, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32), ("", TEXT), ((), PIECES))
    ragged = Ragged(np.zeros(3, np.int64), np.zeros(0, np.int64), np.zeros(0), places=places)
    given: Any = SimpleNamespace(inputs={"note": ragged})
    rows = spanned.told(
        ("Sign", "Disease"), cast(Evidence, given), Answer("spans", np.zeros((2, 2)), ("Sign", "Disease"), spanned=spans)
    )
    assert rows[0] == {"value": {"Sign": 0.0, "Disease": 0.0}, "spans": []}
    return rows[1]


def test_every_entity_is_found_again_at_its_place_in_its_own_document() -> None:
    found = told([TEXT.index("fever"), TEXT.index("asthma")], [TEXT.index("fever") + 5, len(TEXT)], ["", "D001249"])
    assert found["value"] == {"Sign": 1.0, "Disease": 1.0}
    for one in found["spans"]:
        assert (FIRST, SECOND)[one["document"] - 1][one["begin"] : one["end"]] == one["text"]
    assert [one["code"] for one in found["spans"]] == ["NOTE", "NOTE//letter"]
    assert "concept" not in found["spans"][0] and found["spans"][1]["concept"] == "D001249"


def test_an_entity_never_reaches_into_the_next_document() -> None:
    (one,) = told([TEXT.index("chills")], [len(TEXT)])["spans"]
    assert one["text"] == "chills" and one["document"] == 1


def test_a_person_reads_counts_and_a_line_for_each_entity() -> None:
    found = told([TEXT.index("fever"), TEXT.index("asthma")], [TEXT.index("chills") + 6, len(TEXT)], ["", "D001249"])
    said = Prediction("a", "a", None, **found).text().splitlines()
    assert said == [
        "a: Sign 1, Disease 1",
        "    Sign             0.875  “fever nor chills” (document 1, characters 5-21)",
        "    Disease          0.875  “asthma” (document 2, characters 0-6)  D001249",
    ]
    assert '"text":"fever\\nnor chills","score":0.875' in Prediction("a", "a", None, **found).json()
