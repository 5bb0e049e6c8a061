"""How far a finished model may be trusted, examined one thing a file; what is found is trust.json (evaluate/trusted.py)."""

from __future__ import annotations

from sequela.config import Study
from sequela.evaluate.trusted import Trusted
from sequela.pipeline.trust import (
    characteristics,
    explanation,
    fairness,
    instability,
    knowledge,
    plan,
    robustness,
    size,
    uncertainty,
)
from sequela.pipeline.trust.finished import Finished


def check(study: Study) -> None:
    """Raises ConfigError, before anything is trained, for what could not be examined afterwards."""
    explanation.check(study)


def examined(done: Finished) -> Trusted:
    """All that the study asks to be found out about the model of one split."""
    return Trusted(
        split=done.split.plans[0].name,
        part=done.part,
        characteristics=characteristics.found(done),
        explanation=explanation.found(done),
        fairness=fairness.found(done),
        instability=instability.found(done),
        knowledge=knowledge.found(done),
        plan=plan.found(done),
        robustness=robustness.found(done),
        size=size.found(done),
        uncertainty=uncertainty.found(done),
    )


__all__ = ["Finished", "check", "examined"]
