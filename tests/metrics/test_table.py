"""The table of metrics names functions that exist under that name."""

from __future__ import annotations

from sequela.metrics.table import METRICS


def test_every_metric_is_named_after_its_function() -> None:
    assert all(entry.function.__name__ == name == entry.name for name, entry in METRICS.items())
    assert all(entry.meaning and entry.kinds for entry in METRICS.values())
