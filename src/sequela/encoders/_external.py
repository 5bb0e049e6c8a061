"""Networks of other packages by name: "monai:DynUNet", "timm:resnet18", "hf:vit" or "hf:FOLDER" (of MONAI, timm, transformers).

`arguments` are the network's own, as values of JSON; the numbers of dimensions and channels and the size of the input are filled
in where the network takes them and nothing is said. What it gives is found by showing it one empty picture:

    "S D"        vectors                 pooled, steps
    "S P D"      tokens (patches)        pooled, steps: their mean
    "S D *S"     a map, of any size      pooled (its mean), map

Over subwords of text and over residues, "hf:FOLDER" is a language model (`_language.py`), which gives pooled and steps.

Nothing is fetched and nothing is unpickled: weights come from a file in safetensors format, under the network's own names, or
from a folder of Hugging Face with such a file. A bundle holds weights, arguments and the package's version, and never its code.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, ClassVar, Literal

import msgspec
import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela import config as configs
from sequela.config import Named, Strict
from sequela.encoders import _families, _language, _tokens
from sequela.encoders._language import Reading
from sequela.encoders._tokens import Numbered, Tokens
from sequela.errors import ConfigError, MissingExtra
from sequela.nn import image, stepwise
from sequela.registry import nearest
from sequela.text.subwords import load
from sequela.types import Spec


class Options(Strict, frozen=True):
    arguments: dict[str, Any] = msgspec.field(default_factory=dict)  # of the network, by its own names
    weights: str = ""  # a file in safetensors format, found as it is written or under SEQUELA_DATA; "": drawn anew
    version: str = ""  # of the package, as a bundle tells it
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the pooled vector
    pool: stepwise.PoolName | Literal["first"] = "mean"  # over images, subwords or residues; first: what stands at the opening
    frozen: bool = False  # of text and residues: the network stays as it is, and only what follows it learns
    window: Annotated[int, Meta(ge=0)] = 0  # of text and residues: steps that are read at once; 0: as many as the network can
    overlap: Annotated[int, Meta(ge=0)] = 32  # of text and residues: steps that a window shares with the one before it
    tokens: tuple[str, ...] = ()  # of residues: the network's own vocabulary by number; (): that of its folder
    opening: str = ""  # of these, what stands before each sequence; "": nothing
    closing: str = ""  # and what behind it
    unknown: str = ""  # and what is read for a rare letter that it lacks


@dataclass(frozen=True, slots=True)
class Network:
    """One network of a family, with what a module of encoders has: Config and build."""

    family: str
    name: str
    Config: ClassVar[type[Strict]] = Options

    def build(self, spec: Spec, config: Options) -> nn.Module:
        """The network as an encoder of images "C H W" or volumes "C D H W", or of subwords.

        Raises MissingExtra where the package is not installed, ConfigError where it has no such network, an argument does not
        suit it, the weights are not its own, or it gives neither vectors nor a map, or of text no states.
        """
        _refuse_unsafe(config.arguments)
        name = f"{self.family}:{self.name}"
        if spec.vocabulary:
            numbered = self._numbered(spec, config)
            how = Reading(name, config.pool, config.dropout, config.frozen, config.window, config.overlap)
            return _language.build(self._network(name, spec, config), spec, how, numbered)
        image.size(spec)
        if config.pool == "first" or config.frozen or config.window:
            raise ConfigError(
                f"{name}: pool = 'first', frozen and window are of networks over text or residues", hint="leave them out"
            )
        network = self._network(name, spec, config)
        shape = _dry(network, spec)
        is_map = len(shape) == len(spec.shape) + 1
        output = stepwise.Output(config.pool, config.dropout, is_map)
        return stepwise.Stepwise(Adapted(network, shape, name), shape[1] if is_map else shape[-1], spec, output)

    def _numbered(self, spec: Spec, config: Options) -> Numbered:
        """What the network calls the steps of this input. Raises ConfigError where they are not its own."""
        _refuse_pictures(self.family, self.name, spec)
        if spec.kind != "residues":
            _refuse_other_subwords(self.name, spec)
            return _tokens.own(spec)
        known = Tokens(config.tokens, config.opening, config.closing, config.unknown)
        if not config.tokens and Path(self.name).is_dir():
            known = _tokens.of_folder(Path(self.name))
        return _tokens.numbered(known, spec, f"{self.family}:{self.name}") if known.tokens else _tokens.own(spec)

    def _network(self, name: str, spec: Spec, config: Options) -> nn.Module:
        maker = partial(_families.MAKERS[self.family], _package(self.family, config.version), self.name)
        network = _made(name, maker, spec, config)
        if config.weights:
            _load(network, _found(config.weights))
        return network


class Adapted(nn.Module):
    """The network, with what it gives as "S D" or "S D *S"; `shape` is that of what it gives of one picture."""

    def __init__(self, network: nn.Module, shape: Sequence[int], name: str) -> None:
        super().__init__()
        self.network = network
        self.shape, self.name = tuple(shape), name

    def forward(self, values: Tensor) -> Tensor:
        given = _given(self.network(values)) if len(values) else values.new_zeros(0, *self.shape[1:])
        if given is None or given.dim() != len(self.shape):
            found = "nothing that is one tensor" if given is None else f"{given.dim()} axes"
            raise ConfigError(f"in training {self.name} gives {found}, and else {len(self.shape)} axes", hint="see its arguments")
        return given.mean(1) if len(self.shape) == 3 else given


def named(name: str) -> Network:
    """The network of a name such as "monai:DynUNet". Raises ConfigError for a family that is not known."""
    family, _, inner = name.partition(":")
    if family not in _families.PACKAGES or not inner:
        known = tuple(f"{one}:NETWORK" for one in _families.PACKAGES)
        raise ConfigError(f"no family of networks is called {family!r}", hint=nearest(f"{family}:NETWORK", known))
    return Network(family, inner)


def _refuse_pictures(family: str, name: str, spec: Spec) -> None:
    """Raises ConfigError for a family without language models."""
    if family != "hf":
        raise ConfigError(
            f"{family}:{name} reads pictures; a step of {spec.kind!r} is a word", hint='a language model: "hf:FOLDER"'
        )


def _refuse_other_subwords(name: str, spec: Spec) -> None:
    """Raises ConfigError where the input has another tokenizer than the folder."""
    folder = Path(name)
    if (folder / "tokenizer.json").is_file() and load(folder).names != spec.names:
        raise ConfigError(
            f"the input's {spec.vocabulary:,} words or subwords are not those of the tokenizer of hf:{name}",
            hint=f'modality = {{ name = "text", form = "subwords", tokenizer = "hf:{name}" }}',
        )


def shipped(encoder: Named, *, residues: bool = False) -> Named:
    """An encoder as a bundle names it: without the file of its first weights, with the version of its package.

    With `residues`, which is what it reads, a folder's vocabulary stands in it: it tells the letters in the network's numbers.
    The encoders that its options name (the step of cnn_rnn) likewise; one of this package stays as it is.
    """
    chosen = configs.choice(encoder, "encoder")
    options = {
        key: shipped(value, residues=residues) if _names_external(value) else value for key, value in chosen.options.items()
    }
    if ":" not in chosen.name:
        return {"name": chosen.name, **options} if options != chosen.options else encoder
    network = named(chosen.name)
    version = _families.version(_package(network.family, ""))
    arguments: Any = options.get("arguments", {})
    if residues and network.family == "hf" and Path(network.name).is_dir() and not options.get("tokens"):
        options |= asdict(_tokens.of_folder(Path(network.name)))
    name, arguments = _families.portable(network.family, network.name, arguments)
    kept = {key: value for key, value in options.items() if key not in ("weights", "arguments")}
    return {"name": f"{network.family}:{name}", **kept, "arguments": dict(arguments), "version": version}


def _names_external(value: Any) -> bool:
    name = value.get("name", "") if isinstance(value, dict) else value
    return isinstance(name, str) and name.partition(":")[0] in _families.PACKAGES and ":" in name


def _package(family: str, version: str) -> ModuleType:
    """Raises MissingExtra, with the version that a bundle asks for."""
    try:
        return _families.package(family)
    except MissingExtra as error:
        raise MissingExtra(error.message, hint=error.hint + (f"=={version}" if version else "")) from error


def _made(name: str, make: Callable[[Spec, Mapping[str, Any]], nn.Module], spec: Spec, config: Options) -> nn.Module:
    try:
        return make(spec, config.arguments)
    except ImportError as error:
        raise MissingExtra(f"{name} needs a package that is not installed: {str(error).partition(chr(10))[0]}") from error
    # what the constructors of these packages raise at arguments that do not suit them: they have no error of their own for it
    except (TypeError, ValueError, LookupError, NotImplementedError, AttributeError, RuntimeError, AssertionError) as error:
        hint = "they are those of its own class"
        raise ConfigError(f"{name} cannot be made with these arguments: {error}", hint=hint) from error


def _dry(network: nn.Module, spec: Spec) -> tuple[int, ...]:
    """The shape of what it gives of one empty picture."""
    training = network.training
    try:
        with torch.no_grad():
            given = _given(network.eval()(torch.zeros(1, *spec.shape)))
    except (TypeError, ValueError, RuntimeError, AssertionError) as error:
        raise ConfigError(f"the network does not read a picture of shape {spec.shape}: {error}") from error
    finally:
        network.train(training)
    if given is None or given.dim() not in (2, 3, 1 + len(spec.shape)):
        found = "no tensor" if given is None else f"a tensor of {given.dim()} axes"
        raise ConfigError(f"the network gives {found}; expected vectors, tokens or a map")
    return tuple(given.shape)


def _given(output: Any) -> Tensor | None:
    """The tensor that is asked for among all that a network gives: pooled where it says so, else the first."""
    if isinstance(output, Tensor):
        return output
    pooled = getattr(output, "pooler_output", None)
    if isinstance(pooled, Tensor):
        return pooled.flatten(1)
    first = next(iter(output.values() if isinstance(output, Mapping) else output), None) if _holds(output) else None
    return first if isinstance(first, Tensor) else None


def _holds(output: Any) -> bool:
    return isinstance(output, tuple | list | Mapping)


def _refuse_unsafe(arguments: Mapping[str, Any]) -> None:
    """Raises ConfigError for an argument that fetches or unpickles weights, or that JSON cannot hold."""
    for key, value in arguments.items():
        if _families.fetches(key):
            raise ConfigError(f"the argument {key!r} would fetch or unpickle weights", hint='give weights = "FILE.safetensors"')
        _refuse_value(key, value)


def _refuse_value(key: str, value: Any) -> None:
    if isinstance(value, dict):
        _refuse_unsafe(value)
    elif isinstance(value, list):
        for one in value:
            _refuse_value(key, one)
    elif not isinstance(value, bool | int | float | str):
        raise ConfigError(f"the argument {key!r} holds a {type(value).__name__}; expected values of JSON")


def _found(weights: str) -> Path:
    """Raises ConfigError for another format, or where there is no such file."""
    if not weights.endswith(".safetensors"):
        raise ConfigError(f"weights are {weights!r}; expected a file in safetensors format, which holds data only")
    places = [Path(weights), Path(os.environ.get("SEQUELA_DATA", "")) / weights]
    for place in places:
        if place.is_file():
            return place
    raise ConfigError(f"there are no weights at {weights}")


def _load(network: nn.Module, path: Path) -> None:
    """Puts the weights of a file into the network; what the file holds beside them (a last layer) is left out."""
    from safetensors.torch import load_file

    told = network.state_dict()
    read = load_file(path)
    wrong = [name for name, tensor in told.items() if name not in read or read[name].shape != tensor.shape]
    if wrong:
        raise ConfigError(
            f"{path.name} lacks {len(wrong)} of the network's {len(told)} weights or has them in another shape: {wrong[0]}, …",
            hint="give the arguments with which it was trained",
        )
    network.load_state_dict({name: read[name] for name in told})
