"""The verbs as functions: what the command line and Python both call. One verb a file; names are resolved when used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sequela.pipeline.audited import check
    from sequela.pipeline.comparison import compare
    from sequela.pipeline.data import guess_mapping, import_data, parsed_options
    from sequela.pipeline.description import as_text, describe, doctor, listed
    from sequela.pipeline.drifting import drift
    from sequela.pipeline.examination import examine
    from sequela.pipeline.experiment import run
    from sequela.pipeline.explanation import explain
    from sequela.pipeline.generation import generate
    from sequela.pipeline.monitoring import monitor
    from sequela.pipeline.page import report
    from sequela.pipeline.prediction import predict
    from sequela.pipeline.progress import progress_bar
    from sequela.pipeline.refusals import passed_over
    from sequela.pipeline.sizing import size, size_of_validation
    from sequela.pipeline.spoiling import robustness
    from sequela.pipeline.streaming import stream
    from sequela.pipeline.study_schema import schema
    from sequela.pipeline.validation import evaluate

_HOMES = {
    "as_text": "description",
    "check": "audited",
    "compare": "comparison",
    "describe": "description",
    "doctor": "description",
    "drift": "drifting",
    "evaluate": "validation",
    "examine": "examination",
    "explain": "explanation",
    "generate": "generation",
    "guess_mapping": "data",
    "import_data": "data",
    "listed": "description",
    "monitor": "monitoring",
    "parsed_options": "data",
    "passed_over": "refusals",
    "predict": "prediction",
    "progress_bar": "progress",
    "report": "page",
    "robustness": "spoiling",
    "run": "experiment",
    "schema": "study_schema",
    "size": "sizing",
    "size_of_validation": "sizing",
    "stream": "streaming",
}
__all__ = [
    "as_text",
    "check",
    "compare",
    "describe",
    "doctor",
    "drift",
    "evaluate",
    "examine",
    "explain",
    "generate",
    "guess_mapping",
    "import_data",
    "listed",
    "monitor",
    "parsed_options",
    "passed_over",
    "predict",
    "progress_bar",
    "report",
    "robustness",
    "run",
    "schema",
    "size",
    "size_of_validation",
    "stream",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sequela.pipeline' has no attribute {name!r}")
    return getattr(importlib.import_module(f"sequela.pipeline.{_HOMES[name]}"), name)
