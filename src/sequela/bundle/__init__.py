"""A trained, validated model as one file of data, never code: write, read, verify, predict.

`load(path)` is the way in; see `archive.py` for what the file holds and what is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sequela.bundle.bundle import Bundle, load

__all__ = ["Bundle", "load"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'sequela.bundle' has no attribute {name!r}")
    from sequela.bundle import bundle

    return getattr(bundle, name)
