"""From what is written to the types that it should be, or an error that names the place; a study from its file, and back."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from sequela import registry
from sequela.config.sections import Study
from sequela.config.strict import Named, Strict
from sequela.errors import ConfigError

T = TypeVar("T")


class Choice(Strict, frozen=True):
    """A registered name with its options, as a Named is read."""

    name: str
    options: dict[str, Any]


def choice(named: Named, where: str) -> Choice:
    """A Named taken apart. Raises ConfigError where a table has no name."""
    if isinstance(named, str):
        return Choice(name=named, options={})
    options = dict(named)
    name = options.pop("name", None)
    if not isinstance(name, str) or not name:
        raise ConfigError(f"{where} is a table without a name", hint=f'write {where} = {{ name = "…", … }}')
    return Choice(name=name, options=options)


def convert(given: Any, type_: type[T], where: str = "") -> T:
    """`given` as that type, strictly. Raises ConfigError with the place, what was expected and the nearest key."""
    try:
        return msgspec.convert(given, type_)
    except msgspec.ValidationError as error:
        raise _explained(error, given, type_, where) from error


def options(kind: registry.Kind, named: Named, where: str) -> tuple[str, Any]:
    """The registered name and its module's Config, filled with the options given and checked strictly.

    Raises ConfigError for an unknown name, an unknown option or a wrong type, with the nearest one.
    """
    chosen = choice(named, where)
    return chosen.name, convert(chosen.options, registry.module(kind, chosen.name).Config, where)


def _explained(error: msgspec.ValidationError, given: Any, type_: Any, where: str) -> ConfigError:
    text, _, path = str(error).partition(" - at `$")
    place = (where + "." + path.rstrip("`").lstrip(".")).strip(".") if path else where
    unknown = re.search(r"unknown field `(\w+)`", text)
    fields = _fields_at(type_, path.rstrip("`"))
    if unknown and fields:
        return ConfigError(f"{place or 'the study'} has an unknown key {unknown[1]!r}", hint=registry.nearest(unknown[1], fields))
    if (word := re.search(r"enum value '(.*)'$", text)) and (words := _words_at(type_, path.rstrip("`"))):
        return ConfigError(f"{place} is {word[1]!r}", hint=registry.nearest(word[1], words))
    if (missing := re.search(r"missing required field `(\w+)`", text)) and (
        words := _words_at(type_, f"{path.rstrip('`')}.{missing[1]}")
    ):
        return ConfigError(f"{place or 'the study'} without {missing[1]!r}", hint=f"one of {', '.join(words)}")
    hint = _as_list(given, path.rstrip("`")) if text.startswith("Expected `array") else ""
    said = f"{place or 'the study'}: {text[:1].lower()}{text[1:]}"
    return ConfigError(said, hint=hint or "see docs/study.md, or `sequela schema`")


def _as_list(given: Any, path: str) -> str:
    """How the text at a path such as .labels is written as the list that it should be; "" where it is none."""
    name = path.lstrip(".")
    value = given.get(name) if isinstance(given, dict) else None
    if not isinstance(value, str):
        return ""
    entries = ", ".join(f'"{one.strip()}"' for one in value.strip("[] ").split(","))
    return f"a list is written {name} = [{entries}], on a command line '{name}=[{entries}]' (with both kinds of quotation marks)"


def _fields_at(type_: Any, path: str) -> tuple[str, ...]:
    """Names of the fields of the struct at a path such as .train.optimizer or .inputs[...]"""
    struct = _struct_at(type_, path)
    return () if struct is None else tuple(field.encode_name for field in msgspec.structs.fields(struct))


def _words_at(type_: Any, path: str) -> tuple[str, ...]:
    """The words of which the field at a path such as .split.by is one; () where it is none of words."""
    above, _, name = path.rpartition(".")
    struct = _struct_at(type_, above)
    fields = () if struct is None else msgspec.structs.fields(struct)
    held = next((msgspec.inspect.type_info(field.type) for field in fields if field.encode_name == name), None)
    found = [one for one in getattr(held, "types", (held,)) if isinstance(one, msgspec.inspect.LiteralType)]
    return tuple(str(word) for one in found for word in one.values)


def _struct_at(type_: Any, path: str) -> Any:
    """The struct at a path, None where there is none."""
    here = type_
    for step in re.findall(r"\.\w+|\[[^\]]*\]", path):
        info = msgspec.inspect.type_info(here)
        if step.startswith("["):
            here = _element(info)
        else:
            here = next((f.type for f in msgspec.structs.fields(here) if f.encode_name == step[1:]), None) if _is(here) else None
        here = _struct_in(here)
        if here is None:
            return None
    return here if _is(here) else None


def _is(type_: Any) -> bool:
    return isinstance(type_, type) and issubclass(type_, Struct)


def _struct_in(type_: Any) -> Any:
    """The struct (or container) inside Annotated and unions."""
    from typing import get_args, get_origin

    if _is(type_) or get_origin(type_) in (list, dict, tuple):
        return type_
    return next((found for inner in get_args(type_) if (found := _struct_in(inner)) is not None), None)


def _element(info: msgspec.inspect.Type) -> Any:
    inner = getattr(info, "item_type", None) or getattr(info, "value_type", None)
    if isinstance(inner, msgspec.inspect.UnionType):
        inner = next((t for t in inner.types if isinstance(t, msgspec.inspect.StructType)), None)
    return inner.cls if isinstance(inner, msgspec.inspect.StructType) else None


def load(path: str | Path, overrides: tuple[str, ...] = ()) -> Study:
    """The study in a TOML file, with `a.b=value` overrides (the value in TOML, or else a bare string) laid over it.

    Raises ConfigError: no such file, not TOML (with the line), an unknown key, a wrong type.
    """
    path = Path(path)
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"there is no study at {path}") from error
    except IsADirectoryError as error:
        raise ConfigError(f"{path} is a folder, not a study file") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not a text file in UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    for override in overrides:
        _lay(given, override)
    return convert(given, Study, "")


def _lay(given: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {override!r} is not of the form a.b=value")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *path, last = key.strip().split(".")
    here = given
    for step in path:
        inner = here.setdefault(step, {})
        if isinstance(inner, str):  # a Named written short: "lstm" becomes a table that options can be laid into
            inner = here[step] = {"name": inner}
        if not isinstance(inner, dict):
            raise ConfigError(f"--set {key}: {step!r} is not a table of the study")
        here = inner
    here[last] = value


def dump(study: Study) -> str:
    """The study as TOML, in full, with every default written out; reading it back gives the same study."""
    import tomli_w

    return tomli_w.dumps(_without_none(msgspec.to_builtins(study)))


def _without_none(value: Any) -> Any:
    """TOML has no null: a key whose value is None is left out, which reads back as None only where that is the default."""
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    return [_without_none(v) for v in value] if isinstance(value, list | tuple) else value


_DURATION = re.compile(r"^(-?\d+(?:\.\d+)?)(us|ms|s|min|h|d|w|mo|y)$")
_MICROSECONDS = {
    "us": 1,
    "ms": 1e3,
    "s": 1e6,
    "min": 6e7,
    "h": 3.6e9,
    "d": 8.64e10,
    "w": 6.048e11,
    "mo": 2.6298e12,
    "y": 3.15576e13,
}  # a year of 365.25 days


def microseconds(duration: str) -> int:
    """A duration as a whole number of microseconds.

    >>> microseconds("48h"), microseconds("1.5s")
    (172800000000, 1500000)
    """
    match = _DURATION.match(duration)
    if not match:
        raise ConfigError(
            f"{duration!r} is not a duration", hint="write a number and a unit: 90min, 48h, 30d, 6mo, 3y, 2s, 500ms"
        )
    return round(float(match[1]) * _MICROSECONDS[match[2]])
