"""What a language model's folder calls its tokens, and which of them the letters, k-mers or tokens of residues are.

A folder names its tokens in tokenizer.json, vocab.txt (a line each) or vocab.json, and in tokenizer_config.json and
special_tokens_map.json which of them stand around a sequence and for what is unknown; where it does not say, those of BERT
([CLS], [SEP], [UNK]) or of ESM and RoBERTa (<cls> or <s>, <eos> or </s>, <unk>) that it has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from sequela.errors import ConfigError
from sequela.residues.alphabets import ALPHABETS, BEGIN
from sequela.text import subwords
from sequela.text.encoding import decoded
from sequela.types import Spec

OPENING, CLOSING = ("[CLS]", "<cls>", "<s>"), ("[SEP]", "<eos>", "</s>")
UNKNOWN = ("[UNK]", "<unk>")
FILES = ("tokenizer.json", "vocab.txt", "vocab.json")
SHOWN = 5  # tokens that are named where a vocabulary lacks some


@dataclass(frozen=True, slots=True)
class Tokens:
    """The vocabulary of a network."""

    tokens: tuple[str, ...]  # by number
    opening: str = ""  # before each sequence; "": none
    closing: str = ""  # behind each sequence; "": none
    unknown: str = ""  # of what has no token; "": there is none for it


@dataclass(frozen=True, slots=True)
class Numbered:
    """The numbers that a network has for what it is to read."""

    opening: int | None
    closing: int | None
    steps: tuple[int, ...] = ()  # of each number of the input; (): the same


def own(spec: Spec) -> Numbered:
    """Of an input whose numbers are the network's: the marks that the input's names hold."""
    return Numbered(_number(spec.names, OPENING), _number(spec.names, CLOSING))


def held(folder: Path) -> bool:
    """Whether a folder names its tokens."""
    return any((folder / name).is_file() for name in FILES)


def of_folder(folder: Path) -> Tokens:
    """The tokens of a folder. Raises ConfigError where it names none, or in a file that is damaged."""
    names = _names(folder)
    told: dict[str, Any] = {}
    for file in ("special_tokens_map.json", "tokenizer_config.json"):
        told |= _object(folder / file) if (folder / file).is_file() else {}
    return Tokens(
        names,
        _special(told, ("cls_token", "bos_token"), OPENING, names),
        _special(told, ("sep_token", "eos_token"), CLOSING, names),
        _special(told, ("unk_token",), UNKNOWN, names),
    )


def numbered(known: Tokens, spec: Spec, network: str) -> Numbered:
    """The number that the network has for each letter, k-mer or token of this input; for a rare letter that it lacks, unknown.

    Raises ConfigError where it lacks a letter that is certain (one of the 20 residues, A, C, G or T), a k-mer, a token of SMILES
    or one for what is unknown, and where the input brings marks of its own.
    """
    if BEGIN in spec.names:
        raise ConfigError(f"{network} puts its own marks around a sequence", hint="leave marks out, of the input's modality")
    number = {name: place for place, name in enumerate(known.tokens)}
    _refuse_lacking([name for name in _needed(spec) if name not in number], spec, network)
    if known.unknown not in number:
        raise ConfigError(f"the vocabulary of {network} has no token for what is unknown", hint="[UNK] or <unk>")
    unknown = number[known.unknown]
    steps = tuple(number.get(name, unknown) for name in spec.names)
    return Numbered(number.get(known.opening), number.get(known.closing), steps)


def _needed(spec: Spec) -> Sequence[str]:
    """The names that must be tokens: all k-mers and tokens, of letters those that are certain."""
    alphabet = ALPHABETS.get(spec.alphabet)
    known = spec.names[1:]  # the first is what is unknown
    return alphabet.letters if alphabet is not None and known == tuple(alphabet.legal) else known


def _refuse_lacking(lacking: Sequence[str], spec: Spec, network: str) -> None:
    if not lacking:
        return
    named = ", ".join(map(repr, lacking[:SHOWN])) + (", …" if len(lacking) > SHOWN else "")
    raise ConfigError(
        f"the vocabulary of {network} lacks {len(lacking):,} of the {len(spec.names) - 1:,} steps of {spec.alphabet} that this "
        f"input has: {named}",
        hint="the input's alphabet, form and k must be those that the network was trained with",
    )


def _names(folder: Path) -> tuple[str, ...]:
    if (folder / "tokenizer.json").is_file():
        return subwords.load(folder).names
    if (folder / "vocab.txt").is_file():
        return tuple(line.strip() for line in decoded((folder / "vocab.txt").read_bytes()).splitlines())
    if (folder / "vocab.json").is_file():
        return _by_number(_object(folder / "vocab.json"), folder / "vocab.json")
    raise ConfigError(
        f"{folder} does not say what its tokens are", hint=f"it needs one of {', '.join(FILES)}; nothing is fetched"
    )


def _by_number(number: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    if not number or sorted(map(str, number.values())) != sorted(map(str, range(len(number)))):
        raise ConfigError(f"{path} does not number its {len(number):,} tokens from 0 on")
    return tuple(sorted(number, key=lambda name: int(number[name])))


def _object(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path} is no object of JSON: {error}") from error


def _special(told: Mapping[str, Any], roles: Sequence[str], usual: Sequence[str], names: Sequence[str]) -> str:
    """The token of a role: what the folder says, where that is in the vocabulary; else the first usual one that is."""
    said = [told[role] for role in roles if role in told]
    wanted = list(map(_content, said)) if said else usual
    return next((name for name in wanted if name and name in names), "")


def _content(token: Any) -> str:
    """A special token as it is written, alone or with what else is known of it; "" for none."""
    return str((token.get("content") if isinstance(token, dict) else token) or "")


def _number(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)
