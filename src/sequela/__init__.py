"""Sequela: build, validate, explain and serve diagnostic models over clinical sequences.

    import sequela as sq

    store = sq.import_data("physionet2012", "set-a.tar.xz", "icu.store")
    run = sq.run("studies/icu_mortality.toml", data=store)
    answer = sq.load("model.sequela").predict(store, subject=132539)

The names are resolved when first used: importing the package loads neither torch nor any extra.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sequela.bundle import load
    from sequela.pipeline import (
        check,
        compare,
        drift,
        examine,
        generate,
        import_data,
        predict,
        report,
        robustness,
        run,
        size,
        stream,
    )
    from sequela.store import open_store

__version__ = "0.1.0"
__all__ = [
    "check",
    "compare",
    "drift",
    "examine",
    "generate",
    "import_data",
    "load",
    "open_store",
    "predict",
    "report",
    "robustness",
    "run",
    "size",
    "stream",
]

_HOMES = {"load": "sequela.bundle", "open_store": "sequela.store"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'sequela' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES.get(name, "sequela.pipeline")), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
