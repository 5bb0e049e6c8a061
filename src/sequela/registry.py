"""Names to modules: the file's name is the registered name; other packages add theirs by entry point.

A package registers with, in its pyproject.toml,

    [project.entry-points."sequela.encoders"]
    my_net = "my_package.my_net"          # a module with Config and build, as sequela.contracts asks

A name with a colon, such as "monai:DynUNet", is a network of another package that knows nothing of Sequela.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache
from importlib import metadata, util
from types import ModuleType
from typing import Any, Literal, TypeAlias, get_args

import msgspec

from sequela.errors import ConfigError

Kind: TypeAlias = Literal["readers", "modalities", "encoders", "tasks", "baselines"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_SINGULAR: dict[Kind, str] = {
    "readers": "reader",
    "modalities": "modality",
    "encoders": "encoder",
    "tasks": "task",
    "baselines": "baseline",
}
FAMILIES: dict[Kind, str] = {"encoders": "sequela.encoders._external"}  # where a kind's names with a colon lead


@cache
def _found(kind: Kind) -> dict[str, str]:
    """Name -> module path. Finds files without importing them."""
    package = util.find_spec(f"sequela.{kind}")
    places = list(package.submodule_search_locations or ()) if package else []
    found = {
        module.name: f"sequela.{kind}.{module.name}" for module in pkgutil.iter_modules(places) if not module.name.startswith("_")
    }
    for entry in metadata.entry_points(group=f"sequela.{kind}"):
        if entry.name in found:
            raise ConfigError(
                f"the {kind} name {entry.name!r} of the package {entry.module.partition('.')[0]!r} is already taken",
                hint="register it under another name",
            )
        found[entry.name] = entry.value
    return found


def names(kind: Kind) -> tuple[str, ...]:
    """All registered names of a kind, sorted."""
    return tuple(sorted(_found(kind)))


def nearest(name: str, known: tuple[str, ...] | list[str]) -> str:
    """A hint that names the closest of the known names, and all of them where they are few."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if not known:
        return "there is none"
    listed = f"known: {', '.join(known)}" if len(known) <= 30 else f"{len(known)} names are known"
    return f"did you mean {close[0]!r}? ({listed})" if close else listed


def module(kind: Kind, name: str) -> ModuleType:
    """The module registered under this name, imported; of a name with a colon, what has the same Config and build.

    Raises ConfigError with the nearest name where there is none.
    """
    if ":" in name and kind in FAMILIES:
        return importlib.import_module(FAMILIES[kind]).named(name)  # type: ignore[no-any-return]
    found = _found(kind)
    if name not in found:
        raise ConfigError(f"no {_SINGULAR[kind]} is called {name!r}", hint=nearest(name, names(kind)))
    return importlib.import_module(found[name])


def described(kind: Kind) -> list[dict[str, Any]]:
    """Name, first line of the docstring and options of everything registered; a module that cannot be imported says why."""
    rows: list[dict[str, Any]] = []
    for name in names(kind):
        found = module(kind, name)
        fields = msgspec.structs.fields(found.Config)
        summary = (found.__doc__ or "").strip().partition("\n")[0]
        rows.append({"name": name, "summary": summary, "options": {f.name: _default(f) for f in fields}})
    return rows


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return field.default
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else "required"
