"""From a path to a store: an existing store is opened, raw files are imported, once, into a cache keyed on their content."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from sequela import config, registry
from sequela.contracts import Progress
from sequela.errors import ConfigError, DataError
from sequela.pipeline.progress import silent
from sequela.store import cache
from sequela.store.source import open_source
from sequela.store.store import Store, is_store, open_store


def import_data(
    reader: str,
    source: str | Path,
    store: str | Path,
    *,
    options: Mapping[str, Any] | None = None,
    max_refused: float = 0.1,
    progress: Progress = silent,
) -> Store:
    """The store made of raw records.

    Raises DataError where there is nothing to read or too much is refused, ConfigError for an unknown reader or option.
    """
    module = registry.module("readers", reader)
    settings = config.convert(dict(options or {}), module.Config, f"the options of {reader}")
    source = existing(Path(source))
    return cache.ingest(
        module.build(settings),
        reader,
        module.VERSION,
        source,
        Path(store),
        options=dict(options or {}),
        max_refused=max_refused,
        progress=progress,
    )


def guess_mapping(reader: str, source: str | Path) -> str:
    """A mapping of the tables of a source, guessed from their headers and entries, as TOML to edit: see readers/_guess.py.

    Raises ConfigError for a reader that takes no mapping, DataError where there is no table.
    """
    from sequela.readers import _guess

    if reader != "csv":
        raise ConfigError(f"the reader {reader!r} takes no mapping", hint="sequela import csv --guess SOURCE")
    return _guess.guessed(open_source(existing(Path(source))))


PARTS = ("parts", "part")  # options of readers that say of which part records are


def elsewhere(data: config.Data, reader: str = "", *, labelled: bool) -> config.Data:
    """How other records than the study's own are read: of which part they are is not asked.

    Without `labelled` they need not have what only training and judging read (of a reader's module: LABELS, left out of the
    options, or UNLABELLED, laid over them), and however many of them are refused, the others are read: they are to be answered.
    `reader`: they are of another format, and are read by that reader with its defaults.
    """
    data = data if labelled else msgspec.structs.replace(data, max_refused=1.0)
    if reader:
        return msgspec.structs.replace(data, reader=reader, options={})
    if not data.reader:
        return data
    module = registry.module("readers", data.reader)
    told, laid = ((), {}) if labelled else (getattr(module, "LABELS", ()), getattr(module, "UNLABELLED", {}))
    kept = {name: value for name, value in data.options.items() if name not in (*PARTS, *told)} | laid
    return msgspec.structs.replace(data, options=kept)


def other_records(data: config.Data, given: str | Path | Store, reader: str, progress: Progress, *, labelled: bool) -> Store:
    """The store of other records than the study's own: see `elsewhere`.

    Raises DataError, which of files that the study's reader cannot use says how those of another format are read; ConfigError
    where that `reader` does not do with its defaults.
    """
    try:
        return records(elsewhere(data, reader, labelled=labelled), Path(), given, progress)
    except ConfigError as error:
        if not reader:
            raise
        first = f"import them first: sequela import {reader} SOURCE STORE --option KEY=VALUE, and take the store"
        raise ConfigError(error.message, hint="; ".join(filter(None, (error.hint, first)))) from error
    except DataError as error:
        if reader or not data.reader or isinstance(given, Store) or not Path(given).exists():
            raise
        other = f"this is the format of {data.reader}; another is read by --reader NAME (plain texts by --reader text)"
        raise DataError(error.message, hint="; ".join(filter(None, (error.hint, other)))) from error


def records(data: config.Data, base: Path, given: str | Path | Store | None, progress: Progress) -> Store:
    """The store that a study speaks of, or the one given in its place; raw files are imported into the cache.

    `base` is the folder of the study: its source is looked for there, then under SEQUELA_DATA.
    """
    if isinstance(given, Store):
        return given
    path = existing(Path(given)) if given is not None else located(data.source, base)
    if is_store(path):
        return open_store(path)
    if not data.reader:
        expected = "a store is expected: `sequela import READER SOURCE STORE` makes one of raw files"
        raise DataError(
            f"{path} is not a store, and the study names no reader for it",
            hint=f'set data.reader, for instance "csv", or: {expected}' if given is None else expected,
        )
    module = registry.module("readers", data.reader)
    settings = config.convert(dict(data.options), module.Config, "data.options")
    made = cache.imported(
        data.reader,
        module.build(settings),
        module.VERSION,
        path,
        dict(data.options),
        max_refused=data.max_refused,
        progress=progress,
    )
    return open_store(made)


def existing(path: Path) -> Path:
    if not path.exists():
        raise DataError(f"there is nothing at {path}")
    return path


def located(source: str, base: Path) -> Path:
    """The source of a study: absolute, beside the study, or under SEQUELA_DATA.

    Raises DataError that names every place looked at.
    """
    root = os.environ.get("SEQUELA_DATA")
    places = [base / source] + ([Path(root) / source] if root else [])
    found = next((place for place in places if place.exists()), None)
    if found is None:
        looked = " nor at ".join(map(str, places))
        raise DataError(
            f"the data {source!r} is not at {looked}",
            hint="give it with --data PATH" + ("" if root else ", or set SEQUELA_DATA to the folder that holds it"),
        )
    return found


def parsed_options(given: Sequence[str], mapping: str | None = None) -> dict[str, Any]:
    """Options of a reader from KEY=VALUE, the value in TOML or else a bare string; those laid over what a mapping file says.

    A mapping that is no file here is sought by the reader among the source's own files.
    """
    import tomllib

    options: dict[str, Any] = _mapping(Path(mapping)) if mapping else {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ConfigError(f"--option {text!r} is not of the form KEY=VALUE")
        try:
            options[key] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            options[key] = value
    return options


def _mapping(path: Path) -> dict[str, Any]:
    import tomllib

    if not path.is_file():
        return {"mapping": str(path)}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the mapping {path} is not TOML: {error}") from error
