"""What an evaluation finds: the rows of metrics.json, and the curves beside them."""

from __future__ import annotations

from msgspec import Struct

from sequela.evaluate.curves import Curves


class Metric(Struct, frozen=True, kw_only=True, rename={"class_": "class"}):
    """One number with its interval, as in metrics.json."""

    model: str  # "model", "ensemble" or "baseline:NAME"
    part: str
    split: str  # its name, or "mean" over several
    metric: str
    class_: str = ""  # "" for all
    group: str = ""  # "sex=F", "without 232", "" for all
    value: float | None  # null where undefined, with the reason
    low: float | None = None
    high: float | None = None
    n: int  # rows
    events: int | None = None  # of them; null where there is no one event
    against: str = ""  # the other side of a paired difference (model minus against), else ""
    threshold: float | None = None  # where the metric needs one
    reason: str = ""  # why value or interval is null, or what was left out
    method: str = ""  # of the interval: "bootstrap" (by subject) or "wilson"
    p: float | None = None  # of a paired difference of AUROC: DeLong, two-sided


class Evaluation(Struct, frozen=True, kw_only=True):
    """Everything found on one part of one split."""

    metrics: list[Metric]
    curves: Curves
