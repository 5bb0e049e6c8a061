"""What a monitor says at one moment: an answer, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import msgspec

from sequela.bundle.prediction import IN_PYTHON, Prediction


@dataclass(frozen=True, slots=True)
class Reading:
    """A prediction with its place in the recording, in seconds from the first sample."""

    seconds: float  # of the prediction: all that was known then, and nothing later, bears on it
    about: float | None  # of what it is about (a beat), where that is a moment before; None: the prediction's own
    prediction: Prediction
    quality: dict[str, float] = field(default_factory=dict)  # by channel, 0 to 1: of the signal that the prediction rests on

    def json(self) -> str:
        """One line."""
        told = {one.name: getattr(self.prediction, one.name) for one in fields(self.prediction) if one.name not in IN_PYTHON}
        said: dict[str, Any] = {"seconds": self.seconds, "about": self.about}
        said |= {name: value for name, value in told.items() if value is not None}
        return msgspec.json.encode(said | ({"quality": self.quality} if self.quality else {})).decode()

    def text(self) -> str:
        """One line for a person."""
        return f"{clock(self.seconds if self.about is None else self.about)}  {self._said()}"

    def _said(self) -> str:
        told = self.prediction
        if told.refused:
            return f"no answer: {told.refused}"
        numbers = ", ".join(f"{name} {number:.3f}" for name, number in (told.probabilities or told.value or {}).items())
        if isinstance(told.decision, str):
            return f"{told.decision:<12}  {numbers}"
        if told.threshold is not None:
            return f"{numbers} ({'above' if told.decision else 'below'} {told.threshold:.3f})"
        return numbers


def clock(seconds: float) -> str:
    """Hours, minutes, seconds.

    >>> clock(3725.25)
    '1:02:05.25'
    """
    whole = round(seconds * 100)
    minutes, hundredths = divmod(whole, 6000)
    return f"{minutes // 60}:{minutes % 60:02d}:{hundredths / 100:05.2f}"
