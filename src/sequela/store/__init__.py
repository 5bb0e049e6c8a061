"""The store: a folder of MEDS events and payloads, which every reader writes and everything else reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sequela.store.store import Store, open_store

__all__ = ["Store", "open_store"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'sequela.store' has no attribute {name!r}")
    from sequela.store import store

    return getattr(store, name)
