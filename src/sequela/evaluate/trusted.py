"""What was found out about how far a model may be trusted: trust.json of a run folder, a field for each thing that was examined.

The report shows a section for each; one that was not examined is None.
"""

from __future__ import annotations

from msgspec import Struct

from sequela.evaluate.characteristics import CharacteristicsFacts
from sequela.evaluate.explained import ExplanationFacts
from sequela.evaluate.external.facts import ExternalFacts
from sequela.evaluate.fairness.facts import FairnessFacts
from sequela.evaluate.instability import InstabilityFacts
from sequela.evaluate.knowledge import KnowledgeFacts
from sequela.evaluate.planned import PlanFacts
from sequela.evaluate.robustness.facts import RobustnessFacts
from sequela.evaluate.size.facts import SizeFacts
from sequela.evaluate.uncertainty.facts import UncertaintyFacts


class Trusted(Struct, frozen=True, kw_only=True):
    """What trust.json holds."""

    split: str = ""  # that it was examined on
    part: str = ""  # whose rows
    characteristics: CharacteristicsFacts | None = None
    explanation: ExplanationFacts | None = None
    external: ExternalFacts | None = None
    fairness: FairnessFacts | None = None
    instability: InstabilityFacts | None = None
    knowledge: KnowledgeFacts | None = None
    plan: PlanFacts | None = None
    size: SizeFacts | None = None
    robustness: RobustnessFacts | None = None
    uncertainty: UncertaintyFacts | None = None
