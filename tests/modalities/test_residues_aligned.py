"""What aligned sequences tell the baselines: which letter stands at which place, and nothing of another length."""

from __future__ import annotations

import numpy as np
import pytest

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.modalities import residues
from sequela.modalities._synthetic import Held, events
from sequela.modalities.residues import Residues
from sequela.types import Known


def known(texts: list[str], name: str = "dna") -> Known:
    code = f"SEQUENCE//{name}"
    count = len(texts)
    frame = events({"row": range(count), "position": [float("nan")] * count, "code": [code] * count, "text_value": texts})
    return Known(count, frame, Held({}), {code: "sequence"})


def made(name: str = "dna", **options: object) -> Residues:
    return residues.build(config.convert({"sequence": name, "aligned": True, **options}, residues.Config))


def test_aligned_sequences_tell_which_letter_stands_where() -> None:
    texts = ["ACG", "aNT", "ACG", "TTT"]
    modality = made()
    found = modality.plain(known(texts), modality.fit(known(texts))).counts[-1]
    assert found.label == "letters by place"
    ones = [{name for name, one in zip(found.names, row, strict=True) if one} for row in found.values.toarray()]
    expected = [{f"place {k}.{letter.upper()}" for k, letter in enumerate(text, 1) if letter != "N"} for text in texts]
    assert ones == expected


def test_a_sequence_of_another_length_than_those_it_is_aligned_with_is_refused() -> None:
    modality = made()
    state = modality.fit(known(["ACG", "TTT"]))
    said = modality.refused(known(["ACGT", "AAA"]), state)
    assert said == ["its sequence has 4 letters, and those that it is aligned with 3", ""]
    assert np.isfinite(modality.plain(known(["ACGT", "AAA"]), state).counts[-1].values.toarray()).all()


def test_training_sequences_of_several_lengths_are_not_aligned() -> None:
    with pytest.raises(DataError, match="of 2 to 3 letters are not aligned"):
        made().fit(known(["ACG", "AC"]))


def test_tokens_of_smiles_are_not_aligned() -> None:
    with pytest.raises(ConfigError, match="tokens of SMILES are not aligned"):
        made("smiles")


@pytest.mark.parametrize(
    ("options", "steps"),
    [({}, 7), ({"form": "kmers", "k": 3, "stride": 2}, 3), ({"marks": True}, 9), ({"max_steps": 4}, 4)],
    ids=["letters", "k-mers", "marks", "cut"],
)
def test_an_encoder_is_told_how_many_steps_every_row_has(options: dict[str, object], steps: int) -> None:
    texts = ["ACGTACG", "TTTAANC"]
    modality = made(**options)
    state = modality.fit(known(texts))
    assert modality.spec(state).length == steps
    assert modality.read(known(texts), state).lengths.tolist() == [steps, steps]


def test_examples_are_of_the_length_that_all_have() -> None:
    modality = made()
    state = modality.fit(known(["ACGTACG", "TTTAANC"]))
    assert set(map(len, modality.example(state, 5, 0).events["text_value"])) == {7}
