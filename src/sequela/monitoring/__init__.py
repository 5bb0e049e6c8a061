"""A recording as it comes: fed piece by piece through a bundle, which answers as if the record ended at each prediction.

`Monitor` holds of what has come only what a prediction still to be made may look at, and hands it to the very functions that read
a store: the cohort's rules, `study/cut`, the inputs, the bundle's predictor. So it answers as `Bundle.predict` does of the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sequela.monitoring.monitor import Monitor
    from sequela.monitoring.reading import Reading
    from sequela.monitoring.recording import Piece, Recording, Signal

_HOMES = {"Monitor": "monitor", "Piece": "recording", "Reading": "reading", "Recording": "recording", "Signal": "recording"}
__all__ = ["Monitor", "Piece", "Reading", "Recording", "Signal"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sequela.monitoring' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"sequela.monitoring.{_HOMES[name]}"), name)
