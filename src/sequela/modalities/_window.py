"""CT windows: the range of Hounsfield units that a person looks at, or a network, for one kind of tissue."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sequela.errors import ConfigError
from sequela.registry import nearest
from sequela.types import Array

# width and level in Hounsfield units, or the middle of their range (Murphy and Baba: Windowing (CT), Radiopaedia.org)
WINDOWS = {
    "brain": (80, 40),
    "subdural": (200, 75),
    "stroke": (40, 40),
    "temporal_bone": (2800, 600),
    "soft_tissue": (400, 50),  # of the abdomen; 350 to 400 wide, level 20 to 60, in head and neck
    "mediastinum": (350, 50),
    "lung": (1500, -600),
    "liver": (150, 30),
    "bone": (1800, 400),
    "spine": (250, 50),
}

Bounds = tuple[float, float]  # what becomes 0 and what becomes 1


def bounds(window: str | Sequence[str | float] | None) -> tuple[tuple[str, Bounds], ...]:
    """Name and bounds of each window asked for: a name, several (a channel each), [low, high], or none.

    Raises ConfigError for an unknown name or bounds that do not rise.
    """
    if window is None:
        return ()
    names = [window] if isinstance(window, str) else list(window)
    if names and all(isinstance(name, str) for name in names):
        return tuple((str(name), _named(str(name))) for name in names)
    if len(names) != 2 or any(isinstance(one, str) for one in names) or not float(names[0]) < float(names[1]):
        raise ConfigError(f"window is {window!r}", hint=f"a name ({', '.join(WINDOWS)}), several names, or [low, high]")
    return (("window", (float(names[0]), float(names[1]))),)


def _named(name: str) -> Bounds:
    if name not in WINDOWS:
        raise ConfigError(f"there is no window {name!r}", hint=nearest(name, tuple(WINDOWS)))
    width, level = WINDOWS[name]
    return level - width / 2, level + width / 2


def windowed(values: Array, windows: Sequence[Bounds]) -> Array:
    """A picture "1 *S" (or, under one window, "C *S") as its share of each window's width, float32 in [0, 1]."""
    values = np.asarray(values, np.float32)
    parts = [np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1) for low, high in windows]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
