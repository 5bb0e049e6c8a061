"""SDF: molecules that RDKit wrote come back, with their properties; broken ones are refused by their number."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from sequela.errors import DataError

chem = pytest.importorskip("rdkit.Chem")


def block(smiles: str, title: str = "", **properties: str) -> str:
    molecule = chem.MolFromSmiles(smiles)
    molecule.SetProp("_Name", title)
    told = "".join(f">  <{name}>  (1)\n{value}\n\n" for name, value in properties.items())
    return f"{chem.MolToMolBlock(molecule)}{told}$$$$\n"


@pytest.fixture
def read(written: Callable[..., Any]) -> Callable[..., Any]:
    return partial(written, "sdf")


def smiles(sink: Any) -> dict[str, str]:
    return dict(sink.of("SEQUENCE//smiles").select("source_id", "text_value").iter_rows())


def test_molecules_are_canonical_smiles_with_their_stereochemistry(read: Any) -> None:
    written = ["OCC", "C[C@H](N)C(=O)O", "F/C=C/F", "[Na+].[Cl-]"]
    found = smiles(read({"a.sdf": "".join(map(block, written))}))
    assert found == {str(number): chem.CanonSmiles(one) for number, one in enumerate(written, 1)}


def test_properties_are_labels_and_statics_and_a_missing_one_is_no_zero(read: Any) -> None:
    blocks = (
        block("CCO", "ethanol", active="1", formula="C2H6O"),
        block("CCN", "amine", formula="C2H7N"),
        block("C", "m", active="0"),
    )
    sink = read({"a.sdf": "".join(blocks).replace("\n", "\r\n")}, subject="title", labels=["active"], static=["formula"])
    assert dict(sink.of("LABEL//active").select("source_id", "numeric_value").iter_rows()) == {"ethanol": 1, "m": 0}
    assert dict(sink.of("FORMULA").select("source_id", "text_value").iter_rows()) == {"ethanol": "C2H6O", "amine": "C2H7N"}


def test_a_property_of_several_lines_keeps_all_of_them(read: Any) -> None:
    sink = read({"a.sdf": block("CCO", names="ethanol\nalcohol")}, static=["names"])
    assert sink.of("NAMES")["text_value"].item() == "ethanol; alcohol"


@pytest.mark.parametrize(
    ("faulty", "reason"),
    [
        ("a title\n$$$$\n", "cut short"),
        (block("CCO").replace(" O ", " Zz", 1), "RDKit cannot read"),
        (block("FC(F)(F)F").replace("5  4", "5  5", 1), "RDKit cannot read"),
        (block("CCO").replace("M  END", ""), "cut short"),
    ],
)
def test_a_molecule_that_is_broken_is_refused_by_its_number_and_the_others_kept(read: Any, faulty: str, reason: str) -> None:
    sink = read({"a.sdf": block("CCO") + faulty + block("CCN")})
    assert set(smiles(sink)) == {"1", "3"}
    assert list(sink.refused) == ["a.sdf molecule 2"] and reason in sink.refused["a.sdf molecule 2"]


def test_the_largest_fragment_of_a_salt_is_kept_alone(read: Any) -> None:
    sink = read({"a.sdf": block("[Na+].CC(=O)[O-]")}, largest_fragment=True)
    assert smiles(sink) == {"1": "CC(=O)[O-]"} and sum(sink.notes.values()) == 1


def test_a_text_without_an_end_of_a_molecule_is_no_sdf(read: Any) -> None:
    with pytest.raises(DataError, match="not SDF"):
        read({"a.sdf": "CCO\nCCN\n"})
