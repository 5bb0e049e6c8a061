"""What trust.json tells of the size of a study: what is there, what would be needed, how wide the intervals became."""

from __future__ import annotations

from msgspec import Struct

from sequela.evaluate.size.developing import Development
from sequela.evaluate.size.validating import Validation


class Anticipated(Struct, frozen=True, kw_only=True):
    """What development needs, under one assumption of how much the model explains."""

    assumed: str  # "cautious": 15 % of what can be explained; "reached": what its tune part tells
    needed: Development
    enough: bool  # whether as many patients are there


class Reached(Struct, frozen=True, kw_only=True):
    """The interval of one number on the part that is shown."""

    metric: str
    value: float
    width: float
    wanted: float


class SizeFacts(Struct, frozen=True, kw_only=True):
    """Patients are counted, since rows of one patient are no news of another."""

    subjects: int = 0  # of training
    events: int | None = None  # subjects of training with the event; None of a quantity
    parameters: int = 0  # columns that the inputs have as a plain table: the candidates that regression would have
    events_per_parameter: float | None = None  # of a quantity, subjects per parameter
    weights: int = 0  # of the network; 0 before there is one
    development: list[Anticipated] = []
    validation: Validation | None = None  # for these widths, with risks as they are on the part that is shown
    judged: int = 0  # subjects of that part
    reached: list[Reached] = []
