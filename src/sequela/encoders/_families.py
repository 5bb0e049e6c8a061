"""How networks are made by MONAI, timm and Hugging Face's transformers; each is imported where it is used.

A maker gives a network from the package, a name, the input's Spec and the network's own arguments.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from sequela.errors import ConfigError, MissingExtra
from sequela.extras import need
from sequela.registry import nearest
from sequela.types import Spec

PACKAGES = {"monai": "monai", "timm": "timm", "hf": "transformers"}  # family -> package

Maker = Callable[[ModuleType, str, Spec, Mapping[str, Any]], nn.Module]


def package(family: str) -> ModuleType:
    """The package of a family. Raises MissingExtra with the line that installs it, or what it needs itself."""
    module, line = "monai.networks.nets" if family == "monai" else PACKAGES[family], f"pip install {PACKAGES[family]}"
    try:
        return need(module, "")
    except MissingExtra as error:
        raise MissingExtra(error.message, hint=line) from error
    except (ImportError, RuntimeError) as error:  # what the package needs itself is missing, or does not fit the torch here
        raise MissingExtra(f"the package {PACKAGES[family]!r} cannot be imported: {error}", hint=line) from error


def version(module: ModuleType) -> str:
    return metadata.version(module.__name__.partition(".")[0])


def portable(family: str, name: str, arguments: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Name and arguments by which another machine makes the same network: a folder's configuration in place of the folder."""
    if family != "hf" or not Path(name).is_dir():
        return name, arguments
    told = json.loads((Path(name) / "config.json").read_text(encoding="utf-8"))
    described = {key: value for key, value in told.items() if value is not None and not fetches(key) and not key.startswith("_")}
    return described.pop("model_type"), described | dict(arguments)


def fetches(argument: str) -> bool:
    """Whether an argument of this name has a network fetch or unpickle weights, or run code that comes with them."""
    return any(word in argument for word in ("pretrained", "checkpoint", "trust_remote", "auto_map"))


def monai(nets: ModuleType, name: str, spec: Spec, arguments: Mapping[str, Any]) -> nn.Module:
    """A class of monai.networks.nets."""
    known = tuple(key for key, value in vars(nets).items() if inspect.isclass(value) and issubclass(value, nn.Module))
    if name not in known:
        raise ConfigError(f"MONAI has no network {name!r}", hint=nearest(name, known))
    made: nn.Module = getattr(nets, name)(**_filled(getattr(nets, name), spec) | dict(arguments))
    return made


def _filled(kind: type, spec: Spec) -> dict[str, Any]:
    """What a network asks for that the input tells."""
    size = spec.shape[1:]
    told = {"spatial_dims": len(size), "in_channels": spec.shape[0], "n_input_channels": spec.shape[0], "img_size": size}
    return {key: told[key] for key in inspect.signature(kind).parameters if key in told}


def timm(library: ModuleType, name: str, spec: Spec, arguments: Mapping[str, Any]) -> nn.Module:
    """A network of timm without its last layer, so that it gives vectors; global_pool = "" among the arguments gives maps."""
    if not library.is_model(name):
        raise ConfigError(f"timm has no network {name!r}", hint=nearest(name, list(library.list_models())))
    made: nn.Module = library.create_model(name, **{"in_chans": spec.shape[0], "num_classes": 0, **arguments}, pretrained=False)
    return made


def hf(library: ModuleType, name: str, spec: Spec, arguments: Mapping[str, Any]) -> nn.Module:
    """A network of transformers: of a folder with its configuration and weights, or of a type ("vit") with weights drawn anew."""
    if Path(name).is_dir():
        with _quiet(library):
            made: nn.Module = library.AutoModel.from_pretrained(
                name, local_files_only=True, use_safetensors=True, trust_remote_code=False, **arguments
            )
        return made
    of_input = {"vocab_size": spec.vocabulary} if spec.vocabulary else {"num_channels": spec.shape[0]}
    told = library.AutoConfig.for_model(name, **{**of_input, **arguments})
    drawn: nn.Module = library.AutoModel.from_config(told, trust_remote_code=False)
    return drawn


@contextmanager
def _quiet(library: ModuleType) -> Iterator[None]:
    """Without its progress bars and its words on weights of another head, which is expected here; as it was afterwards."""
    logging = getattr(getattr(library, "utils", None), "logging", None)
    if logging is None:
        yield
        return
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


MAKERS: dict[str, Maker] = {"monai": monai, "timm": timm, "hf": hf}
