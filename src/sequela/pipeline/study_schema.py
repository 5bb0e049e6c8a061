"""The JSON schema of a study file: each place for a registered name takes the names there are, each with its own options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from sequela import __version__, registry
from sequela.config import Study
from sequela.encoders import _external, _families
from sequela.nn import fuse
from sequela.prep import augment

_REF = "#/$defs/"
_Schema = dict[str, Any]


def schema() -> _Schema:
    """The schema (draft 2020-12), with the options of everything registered here among its definitions."""
    (whole,), parts = msgspec.json.schema_components([Study], ref_template=_REF + "{name}")
    registered = {kind: _registered(kind) for kind in registry.KINDS}
    places = registered | {"fuse": {name: (kind.Config, "") for name, kind in fuse.KINDS.items()}, "augment": _augmentations()}
    for kind, modules in places.items():
        parts |= _options(kind, modules)
    _place(parts, places)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A study of Sequela {__version__}",
        **whole,
        "$defs": parts,
    }


_Choices = Mapping[str, tuple[type[msgspec.Struct], str]]  # name -> its options, what it is


def _registered(kind: registry.Kind) -> dict[str, tuple[type[msgspec.Struct], str]]:
    modules = {name: registry.module(kind, name) for name in registry.names(kind)}
    return {name: (module.Config, (module.__doc__ or "").strip().partition("\n")[0]) for name, module in modules.items()}


def _augmentations() -> dict[str, tuple[type[msgspec.Struct], str]]:
    """Of all kinds of input together; those of one name take the same options."""
    return {name: (one.options, "") for kind in augment.KINDS.values() for name, one in kind.items()}


def _options(kind: str, choices: _Choices) -> dict[str, _Schema]:
    """A definition for the options of each name, and for the structs within them."""
    found: dict[str, _Schema] = {}
    for name, (config, meaning) in choices.items():
        own = f"{kind}.{name}"
        (reference,), parts = msgspec.json.schema_components([config], ref_template=f"{_REF}{own}.{{name}}")
        found |= {f"{own}.{part}": definition for part, definition in parts.items()}
        found[own] = found.pop(reference["$ref"].removeprefix(_REF)) | {"title": name, "description": meaning}
    return found


def _place(parts: dict[str, _Schema], places: Mapping[str, _Choices]) -> None:
    """Puts the choices where the study asks for a name."""
    for kind, choices in places.items():
        for name in choices:
            parts[f"{kind}.{name}.named"] = _named(name, parts[f"{kind}.{name}"])
    wanted = {kind: _either(kind, places[kind], parts) for kind in places}
    wanted["encoders"]["oneOf"] += _elsewhere(parts)
    one = parts["Input"]["properties"]
    one |= {"modality": wanted["modalities"], "encoder": wanted["encoders"]}
    one["augment"]["items"] = wanted["augment"]
    parts["Study"]["properties"] |= {"task": wanted["tasks"], "fuse": wanted["fuse"] | {"default": "concat"}}
    parts["Baselines"]["properties"]["names"]["anyOf"] = [{"type": "array", "items": wanted["baselines"]}, {"type": "null"}]
    _readers(parts, places["readers"])


def _named(name: str, options: _Schema) -> _Schema:
    """The table { name = "…", … }."""
    properties = {"name": {"const": name}} | options.get("properties", {})
    return options | {"properties": properties, "required": ["name", *options.get("required", [])]}


def _either(kind: str, choices: _Choices, parts: Mapping[str, _Schema]) -> _Schema:
    """A name alone, where it needs no option, or its table."""
    short = [name for name in choices if not parts[f"{kind}.{name}"].get("required")]
    return {"oneOf": [{"enum": short}, *({"$ref": f"{_REF}{kind}.{name}.named"} for name in choices)]}


def _elsewhere(parts: dict[str, _Schema]) -> list[_Schema]:
    """An encoder of another package, by its name alone or with options (encoders/_external.py)."""
    name = {"type": "string", "pattern": f"^({'|'.join(_families.PACKAGES)}):.+"}
    (reference,), own = msgspec.json.schema_components([_external.Options], ref_template=f"{_REF}encoders.external.{{name}}")
    options = own[reference["$ref"].rpartition(".")[2]]
    parts["encoders.external.named"] = _named("", options) | {
        "properties": {"name": name} | options["properties"],
        "title": "a network of another package",
    }
    return [name, {"$ref": f"{_REF}encoders.external.named"}]


def _readers(parts: dict[str, _Schema], readers: _Choices) -> None:
    """The reader by name, and its options as that reader takes them."""
    data = parts["Data"]
    data["properties"]["reader"] = {"enum": ["", *readers], "default": ""}
    data["allOf"] = [
        {
            "if": {"properties": {"reader": {"const": name}}, "required": ["reader"]},
            "then": {"properties": {"options": {"$ref": f"{_REF}readers.{name}"}}},
        }
        for name in readers
    ]
