"""Ontologies in OBO format: what stands above each term."""

from __future__ import annotations

import pytest

from sequela.codes import obo
from sequela.errors import DataError

GO = """format-version: 1.2
ontology: go

[Term]
id: GO:1
name: function: of any kind

[Term]
id: GO:2
is_a: GO:1 ! function
relationship: regulates GO:4 ! another

[Term]
id: GO:3
is_a: GO:1 {source="x"} ! function
relationship: part_of GO:2 ! the second

[Term]
id: GO:4
is_obsolete: true

[Typedef]
id: part_of
is_a: overlaps
"""


def test_terms_stand_below_what_they_are_and_what_they_are_part_of() -> None:
    assert obo.parents(GO.splitlines()) == {"GO:1": [], "GO:2": ["GO:1"], "GO:3": ["GO:1", "GO:2"]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[Term]\nname: x\n", "line 1: a term has no id"),
        ("[Term]\nid: a\n[Term]\nid: a\n", "line 3: the term a stands in line 1 already"),
        ("[Term]\nid: a\nis_a: b\n", "line 1: b, above a, is no term"),
        ("[Term]\nid: a\nis_a: b\n[Term]\nid: b\nis_obsolete: true\n", "b, above a, is no term of the file that is in use"),
    ],
)
def test_an_ontology_that_cannot_be_meant_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        obo.parents(text.splitlines())
