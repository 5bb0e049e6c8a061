"""A BERT of transformers itself, made small in a folder: its own answers, and a study with it from folder to bundle."""

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
from sequela.text import subwords
from sequela.types import Seq, Spec

pytestmark = pytest.mark.slow  # importing transformers takes seconds
SENTENCES = [
    "No chest pain today.",
    "Chest pain since Monday, and fever.",
    "He denies fever; the pain is gone.",
    "Pain, fever, cough.",
]


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """What importing transformers and tokenizers says of other packages is not ours to mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("transformers")
        pytest.importorskip("tokenizers")
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights, configuration and tokenizer as Hugging Face keeps them."""
    import transformers
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    place = tmp_path_factory.mktemp("bert")
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(
        SENTENCES, trainers.WordPieceTrainer(vocab_size=80, special_tokens=special, show_progress=False)
    )
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(place / "tokenizer.json"))
    torch.manual_seed(0)
    told = transformers.BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=12,
    )
    transformers.BertModel(told).save_pretrained(place)
    return place


def built(folder: Path, **options: Any) -> tuple[torch.nn.Module, Spec]:
    names = subwords.load(folder).names
    spec = Spec("text", (), "index", names, vocabulary=len(names))
    module = registry.module("encoders", f"hf:{folder}")
    return module.build(spec, config.convert({"overlap": 3} | options, module.Config)).eval(), spec


def read(folder: Path, *texts: str) -> Seq:
    cut = subwords.load(folder).encode(texts)
    count = np.diff(cut.offsets)
    mask = torch.arange(int(count.max())) < torch.tensor(count)[:, None]
    values = torch.zeros(mask.shape, dtype=torch.int64)
    values[mask] = torch.tensor(cut.id, dtype=torch.int64)
    return Seq(values, mask, torch.zeros(mask.shape, dtype=torch.float64))


@torch.no_grad()
def test_its_states_are_those_that_transformers_gives(folder: Path) -> None:
    from transformers import BertModel

    net, _ = built(folder)
    theirs = BertModel.from_pretrained(folder).eval()
    seq = read(folder, SENTENCES[0])
    ids = torch.tensor([[2, *seq.values[0].tolist(), 3]])
    assert ids.shape[1] <= 12
    torch.testing.assert_close(net(seq).steps[0], theirs(ids).last_hidden_state[0, 1:-1])


@pytest.mark.parametrize("pool", ["mean", "first"])
@torch.no_grad()
def test_a_text_among_others_is_read_as_alone_by_bert(folder: Path, pool: str) -> None:
    net, _ = built(folder, pool=pool)
    together = net(read(folder, *SENTENCES))
    for row, sentence in enumerate(SENTENCES):
        torch.testing.assert_close(net(read(folder, sentence)).pooled[0], together.pooled[row], rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_what_a_bundle_names_makes_the_same_network_without_the_folder(folder: Path) -> None:
    net, spec = built(folder, frozen=True)
    named = config.choice(shipped({"name": f"hf:{folder}", "frozen": True, "overlap": 3}), "encoder")
    assert named.name == "hf:bert"
    assert str(folder) not in json.dumps(named.options)
    module = registry.module("encoders", named.name)
    again = module.build(spec, config.convert(named.options, module.Config)).eval()
    again.load_state_dict(net.state_dict())
    seq = read(folder, *SENTENCES)
    assert torch.equal(again(seq).pooled, net(seq).pooled)


def test_another_tokenizer_than_that_of_the_folder_is_refused(folder: Path) -> None:
    module = registry.module("encoders", f"hf:{folder}")
    with pytest.raises(ConfigError, match="are not those of the tokenizer") as refused:
        module.build(Spec("text", (), "index", ("", "pain", "fever"), vocabulary=3), module.Config())
    assert f'tokenizer = "hf:{folder}"' in refused.value.hint


@pytest.mark.parametrize("frozen", [True, False])
def test_a_study_with_bert_is_answered_alike_by_its_bundle(folder: Path, tmp_path: Path, frozen: bool) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    random = np.random.default_rng(0)
    lines = []
    for who in range(40):
        cough = who % 2 != (who % 7 == 0)  # tells, but not alone: that would be a leak
        text = " ".join(random.permutation(SENTENCES[:3])[:2]) + (" Cough." if cough else "")
        lines.append(json.dumps({"subject": str(who), "text": text, "ill": who % 2}))
    (notes / "notes.jsonl").write_text("\n".join(lines) + "\n")
    options = {"file": "notes.jsonl", "subject": "subject", "text": "text", "labels": ["ill"]}
    store = import_data("text", notes, tmp_path / "notes.store", options=options)
    study = {
        "name": "small",
        "question": "Is the patient ill?",
        "data": {"source": "."},
        "cohort": {"index": "SAMPLE"},
        "outcome": {"column": "ill"},
        "inputs": {
            "note": {
                "modality": {"name": "text", "form": "subwords", "tokenizer": f"hf:{folder}"},
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
