"""An ESM of transformers itself, made small in a folder: its own answers over our letters, and a study from folder to bundle."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
import torch

from sequela import config, registry
from sequela.bundle import load
from sequela.encoders._external import shipped
from sequela.errors import ConfigError
from sequela.pipeline import import_data, run
from sequela.residues.alphabets import ALPHABETS
from sequela.types import Seq, Spec

pytestmark = pytest.mark.slow  # importing transformers takes seconds
VOCABULARY = ("<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>")
NAMES = ("unknown or rare", *ALPHABETS["protein"].legal)
SPEC = Spec("residues", (), "index", NAMES, vocabulary=len(NAMES), alphabet="protein")


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """What importing transformers says of other packages is not ours to mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("transformers")
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights, configuration and vocabulary as Hugging Face keeps those of ESM."""
    import transformers

    place = tmp_path_factory.mktemp("esm")
    (place / "vocab.txt").write_text("\n".join(VOCABULARY))
    torch.manual_seed(0)
    told = transformers.EsmConfig(
        vocab_size=len(VOCABULARY),
        mask_token_id=VOCABULARY.index("<mask>"),
        pad_token_id=VOCABULARY.index("<pad>"),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=14,
        position_embedding_type="rotary",
        token_dropout=True,
    )
    transformers.EsmModel(told, add_pooling_layer=False).save_pretrained(place)
    return place


def built(name: str, **options: Any) -> torch.nn.Module:
    module = registry.module("encoders", name)
    return module.build(SPEC, config.convert({"overlap": 3} | options, module.Config)).eval()


def read(*texts: str) -> Seq:
    mask = torch.arange(max(map(len, texts))) < torch.tensor([len(text) for text in texts])[:, None]
    values = torch.zeros(mask.shape, dtype=torch.int64)
    values[mask] = torch.tensor([NAMES.index(letter) for text in texts for letter in text])
    return Seq(values, mask, torch.zeros(mask.shape, dtype=torch.float64))


@torch.no_grad()
def test_the_state_of_each_letter_is_that_which_transformers_gives_of_its_own_tokenizer(folder: Path) -> None:
    from transformers import EsmModel, EsmTokenizer

    text = "MKVJLXA*"
    asked = EsmTokenizer(str(folder / "vocab.txt"))(" ".join(text), return_tensors="pt")
    assert asked["input_ids"].shape == (1, len(text) + 2)
    theirs = EsmModel.from_pretrained(folder, add_pooling_layer=False).eval()(**asked).last_hidden_state[0, 1:-1]
    seq = read(text, "MK")  # padding beside it changes nothing
    ours = built(f"hf:{folder}")(seq)
    torch.testing.assert_close(ours.steps[0], theirs, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(ours.pooled[0], theirs.mean(0), rtol=1e-5, atol=1e-5)
    assert not ours.steps[1, 2:].any()


@torch.no_grad()
def test_a_sequence_beyond_the_places_of_the_network_is_read_in_windows(folder: Path) -> None:
    net = built(f"hf:{folder}", window=10)
    text = "MKVLAAGITWYHEDRSTPQN"
    found = net(read(text))
    assert found.steps.shape == (1, 20, 16)
    torch.testing.assert_close(found.steps[0, :7], net(read(text[:10])).steps[0, :7], rtol=1e-5, atol=1e-5)
    with pytest.raises(ConfigError, match="steps at once; window = 99 is more"):
        built(f"hf:{folder}", window=99)


@torch.no_grad()
def test_what_a_bundle_names_holds_the_vocabulary_in_place_of_the_folder(folder: Path) -> None:
    net = built(f"hf:{folder}", frozen=True)
    named = config.choice(shipped({"name": f"hf:{folder}", "frozen": True, "overlap": 3}, residues=True), "encoder")
    assert named.name == "hf:esm"
    assert str(folder) not in json.dumps(named.options)
    again = built(named.name, **json.loads(json.dumps(named.options)))
    again.load_state_dict(net.state_dict())
    seq = read("MKVJLXA", "GIT")
    assert torch.equal(again(seq).steps, net(seq).steps)


def test_a_folder_without_a_vocabulary_reads_no_residues(folder: Path, tmp_path: Path) -> None:
    for file in ("config.json", "model.safetensors"):
        (tmp_path / file).write_bytes((folder / file).read_bytes())
    with pytest.raises(ConfigError, match="does not say what its tokens are"):
        built(f"hf:{tmp_path}")
    (tmp_path / "vocab.txt").write_text("\n".join(["<unk>"] * 40 + list("ACDEFGHIKLMNPQRSTVWY")))
    with pytest.raises(ConfigError, match="has 33 tokens, and its vocabulary names number 59"):
        built(f"hf:{tmp_path}")


@pytest.mark.parametrize("frozen", [True, False])
def test_a_study_of_proteins_is_answered_alike_by_its_bundle(folder: Path, tmp_path: Path, frozen: bool) -> None:
    random = np.random.default_rng(0)
    table = ["who,letters,bound"]
    for who in range(40):
        text = "".join(random.choice(list("ADEGIKLMNPRSTV"), 12))
        motif = who % 2 != (who % 7 == 0)  # tells, but not alone: that would be a leak
        table.append(f"{who},{text[:5] + ('WCW' if motif else '') + text[5:]},{who % 2}")
    source = tmp_path / "source"
    source.mkdir()
    (source / "proteins.csv").write_text("\n".join(table) + "\n")
    options = {"subject": "who", "sequences": {"protein": "letters"}, "labels": ["bound"]}
    store = import_data("sequences", source, tmp_path / "proteins.store", options=options)
    study = {
        "name": "small",
        "question": "Does the protein bind?",
        "data": {"source": "."},
        "cohort": {"index": "SAMPLE"},
        "outcome": {"column": "bound"},
        "inputs": {
            "protein": {
                "modality": {"name": "residues", "sequence": "protein"},
                "encoder": {"name": f"hf:{folder}", "frozen": frozen, "overlap": 3},
            }
        },
        "task": "binary",
        "train": {"epochs": 2, "batch": 8},
        "baselines": {"names": []},
        "evaluate": {"bootstrap": 0},
    }
    found = run(config.convert(study, config.Study), data=store, out=tmp_path / "run")
    with ZipFile(found.bundle) as held:
        assert str(folder) not in held.read("bundle.json").decode()
    moved = folder.rename(folder.with_name("elsewhere"))
    try:
        said = {one.source_id: one.probabilities for one in load(found.bundle).predict(store)}
    finally:
        moved.rename(folder)
    import polars as pl

    written = pl.read_parquet(found.folder / "predictions.parquet").filter(pl.col("model") == "model")
    assert len(written) > 0
    for row in written.iter_rows(named=True):
        (risk,) = [value for name, value in row.items() if name.startswith("p_")][-1:]
        assert abs(list(said[row["source_id"]].values())[-1] - risk) < 1e-5
