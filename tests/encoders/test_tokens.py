"""A folder's vocabulary read from each file that may hold it, and our letters, k-mers and tokens told in it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sequela.encoders import _tokens
from sequela.encoders._tokens import Tokens
from sequela.errors import ConfigError
from sequela.residues import kmers
from sequela.residues.alphabets import ALPHABETS, BEGIN, END
from sequela.types import Spec

ESM = ("<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<mask>")
NONE = "unknown or rare"


def letters(alphabet: str) -> Spec:
    names = (NONE, *ALPHABETS[alphabet].legal)
    return Spec("residues", (), "index", names, vocabulary=len(names), alphabet=alphabet)


def tokens(*names: str, alphabet: str) -> Spec:
    return Spec("residues", (), "index", (NONE, *names), vocabulary=len(names) + 1, alphabet=alphabet)


def lines(folder: Path, *names: str) -> Path:
    (folder / "vocab.txt").write_text("\n".join(names) + "\n")
    return folder


def test_letters_have_the_folder_s_numbers_and_rare_ones_that_it_lacks_its_unknown(tmp_path: Path) -> None:
    spec = letters("protein")
    found = _tokens.numbered(_tokens.of_folder(lines(tmp_path, *ESM)), spec, "hf:esm")
    assert (found.opening, found.closing) == (0, 2)
    told = {name: ESM[number] for name, number in zip(spec.names, found.steps, strict=True)}
    lacking = {NONE, "J", "*"}
    assert {name for name, token in told.items() if token == "<unk>"} == lacking
    assert all(name == token for name, token in told.items() if name not in lacking)


@pytest.mark.parametrize("file", ["vocab.txt", "vocab.json"])
def test_a_vocabulary_reads_the_same_of_lines_and_of_numbers(tmp_path: Path, file: str) -> None:
    names = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", *"ACGT")
    lines(tmp_path, *names)
    if file == "vocab.json":
        (tmp_path / "vocab.txt").unlink()
        (tmp_path / file).write_text(json.dumps({name: number for number, name in reversed(list(enumerate(names)))}))
    assert _tokens.of_folder(tmp_path) == Tokens(names, "[CLS]", "[SEP]", "[UNK]")


def test_a_folder_says_itself_that_nothing_stands_behind_its_sequences(tmp_path: Path) -> None:
    lines(tmp_path, *ESM)
    told = {"cls_token": {"content": "<cls>", "lstrip": False}, "bos_token": None, "eos_token": None}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(told))
    assert _tokens.of_folder(tmp_path) == Tokens(ESM, "<cls>", "", "<unk>")


def test_k_mers_have_their_numbers_and_one_that_is_lacking_is_refused() -> None:
    words = list(kmers.every(2, "ACGT"))
    known = Tokens(("[UNK]", "[CLS]", "[SEP]", *reversed(words)), "[CLS]", "[SEP]", "[UNK]")
    found = _tokens.numbered(known, tokens(*words, alphabet="dna"), "hf:bert")
    assert found.steps == (0, *range(18, 2, -1))
    longer = list(kmers.every(3, "ACGT"))
    with pytest.raises(ConfigError, match="hf:bert lacks 64 of the 64 steps of dna that this input has: 'AAA', ") as refused:
        _tokens.numbered(known, tokens(*longer, alphabet="dna"), "hf:bert")
    assert "form and k" in refused.value.hint


def test_tokens_of_smiles_that_the_vocabulary_lacks_are_refused_by_name() -> None:
    known = Tokens(("<unk>", "C", "(", ")", "=", "O"), unknown="<unk>")
    assert _tokens.numbered(known, tokens("O", "C", alphabet="smiles"), "hf:x").steps == (0, 5, 1)
    with pytest.raises(ConfigError, match=r"lacks 1 of the 3 steps of smiles that this input has: 'Br'\s"):
        _tokens.numbered(known, tokens("O", "Br", "C", alphabet="smiles"), "hf:x")


def test_rna_is_not_read_by_a_network_of_dna() -> None:
    known = Tokens(("<unk>", *"ACGTN"), unknown="<unk>")
    assert len(_tokens.numbered(known, letters("dna"), "hf:dna").steps) == 18
    with pytest.raises(ConfigError, match=r"lacks 1 of the 17 steps of rna that this input has: 'U'\s"):
        _tokens.numbered(known, letters("rna"), "hf:dna")


def test_marks_of_the_input_and_a_vocabulary_without_unknown_are_refused() -> None:
    spec = letters("dna")
    with pytest.raises(ConfigError, match="own marks around a sequence"):
        _tokens.numbered(Tokens(tuple("ACGT")), replace(spec, names=(*spec.names, BEGIN, END)), "hf:x")
    with pytest.raises(ConfigError, match="no token for what is unknown"):
        _tokens.numbered(Tokens(tuple("ACGT")), spec, "hf:x")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", "{}", "does not say what its tokens are"),
        ("vocab.json", '{"A": 1, "C": 2}', "does not number its 2 tokens from 0 on"),
        ("vocab.json", "[1]", "is no object of JSON"),
    ],
)
def test_a_folder_without_a_vocabulary_that_can_be_read_is_refused(tmp_path: Path, file: str, content: str, message: str) -> None:
    (tmp_path / file).write_text(content)
    with pytest.raises(ConfigError, match=message):
        _tokens.of_folder(tmp_path)
