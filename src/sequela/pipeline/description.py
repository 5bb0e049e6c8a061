"""What there is: in a store, a run, a bundle, the registry, this machine."""

from __future__ import annotations

import dataclasses
import importlib.util
import platform
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from sequela import __version__, registry
from sequela.errors import DataError, UsageError
from sequela.pipeline import files, summary

EXTRAS = {"wfdb": "wfdb", "images": "PIL", "meds": "meds"}


def describe(path: str | Path) -> dict[str, Any]:
    """What a store, a run folder or a bundle holds. Raises DataError for anything else."""
    from sequela.store.store import is_store

    path = Path(path)
    if not path.exists():
        raise DataError(f"there is nothing at {path}")
    if is_store(path):
        return _store(path)
    if path.is_file():
        return _bundle(path)
    if (path / files.STUDY).exists():
        return _run(path)
    raise DataError(f"{path} is neither a store nor a run folder nor a bundle")


def _store(path: Path) -> dict[str, Any]:
    from sequela.store import open_store

    store = open_store(path)
    counted = store.events().group_by("code").len().sort("len", "code", descending=[True, False])
    return {
        "store": str(path),
        "dataset": msgspec.to_builtins(store.dataset),
        "subjects": store.subjects.height,
        "parts": dict(Counter(store.parts.values())),
        "events": int(counted["len"].sum()),
        "events_by_code": dict(counted.iter_rows()),
        "flow": msgspec.to_builtins(store.flow),
    }


def _run(path: Path) -> dict[str, Any]:
    finished = (path / files.METRICS).exists()
    return {
        "run": str(path),
        "finished": finished,
        "splits": sorted(p.name for p in path.glob("split-*")),
        "results": [line for line in summary.lines(path) if line] if finished else [],
    }


def _bundle(path: Path) -> dict[str, Any]:
    from sequela.bundle import load

    bundle = load(path)
    return {
        "bundle": str(path),
        "verified": "every part has its hash; the golden example gives its answers",
        "name": bundle.study.name,
        "question": bundle.study.question,
        "answers": list(bundle.predictor.task.names),
        "inputs": {name: f"{one.spec.kind} {one.spec.shape}" for name, one in bundle.predictor.fitted.items()},
        "given_by": bundle.predictor.final,
        "threshold": bundle.predictor.threshold,
        "made_with": bundle.index["versions"] | {"sequela": bundle.index["sequela"]},
        "facts": bundle.index["facts"],
        "seal": bundle.digest,
    }


def listed(kind: str) -> list[dict[str, Any]]:
    """Name, summary and options of everything registered of a kind, metrics included."""
    if kind == "metrics":
        from sequela.metrics.table import METRICS

        return [{"name": name, "summary": metric.meaning, "tasks": list(metric.kinds)} for name, metric in METRICS.items()]
    if kind not in registry.KINDS:
        raise UsageError(f"there is no kind {kind!r}", hint=f"known: {', '.join((*registry.KINDS, 'metrics'))}")
    return registry.described(kind)


def doctor() -> dict[str, Any]:
    """Versions, threads, denormals, BLAS, GPU and extras of this machine."""
    from sequela import threads
    from sequela.bundle.bundle import versions

    threads.prepare(1)
    return {
        "sequela": __version__,
        "python": sys.version.split()[0],
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "versions": versions(),
        "threads": dataclasses.asdict(threads.probe()),
        "extras": {extra: importlib.util.find_spec(module) is not None for extra, module in EXTRAS.items()},
    }


def as_text(value: Any, indent: str = "") -> str:
    """Nested facts as indented lines."""
    if isinstance(value, dict):
        return "\n".join(_entry(key, inner, indent) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return "\n".join(f"{indent}- {inner}" for inner in value)
    return f"{indent}{value}"


def _entry(key: str, value: Any, indent: str) -> str:
    if isinstance(value, dict | list | tuple) and value:
        return f"{indent}{key}:\n{as_text(value, indent + '  ')}"
    return f"{indent}{key}: {'none' if value in (None, (), [], {}, '') else value}"
