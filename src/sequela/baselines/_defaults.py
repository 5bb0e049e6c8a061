"""Which baselines suit a task and its inputs, where the study names none."""

from __future__ import annotations

from collections.abc import Mapping

from sequela.types import Spec

OF_KIND = {  # of questions that only some answer
    "next_event": ("bigram", "unigram"),
    "segment": ("pixel_forest", "otsu"),
    "detect": ("blobs",),
    "entities": ("dictionary",),
    "survival": ("cox", "survival_forest", "hazards", "aalen_johansen"),
    "contact": ("pair_frequency",),
    "forecast": ("autoregressive", "seasonal", "last_value", "mean"),
}


def default_for(kind: str, specs: Mapping[str, Spec]) -> list[str]:
    """Registered names, the simplest last: `kind` is the task's, `specs` are those of the inputs."""
    if kind in OF_KIND:
        return list(OF_KIND[kind])
    names = _of_rows(specs)
    if any(spec.kind == "waveform" for spec in specs.values()):
        names.append("minirocket")
    if kind == "regression" and any(spec.kind == "measurements" for spec in specs.values()):
        names += ["autoregressive", "last_value"]
    return [*names, "mean"]


def _of_rows(specs: Mapping[str, Spec]) -> list[str]:
    """Beside words alone trees say little, and tables of counts are read by a linear model that knows how rare each is."""
    texts = [spec.kind == "text" and not spec.single for spec in specs.values()]  # a word alone has columns, and no counts
    if specs and all(texts):
        return ["tfidf"]
    return ["logistic", "boosting", *(["tfidf"] if any(texts) else [])]
