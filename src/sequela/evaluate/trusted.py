"""What was found out about how far a model may be trusted: trust.json of a run folder, a field for each thing that was examined.

The report shows a section for each; one that was not examined is None.
"""

from __future__ import annotations

from msgspec import Struct

from sequela.evaluate.fairness.facts import FairnessFacts
from sequela.evaluate.planned import PlanFacts
from sequela.evaluate.uncertainty.facts import UncertaintyFacts


class Trusted(Struct, frozen=True, kw_only=True):
    """What trust.json holds."""

    split: str = ""  # that it was examined on
    part: str = ""  # whose rows
    fairness: FairnessFacts | None = None
    plan: PlanFacts | None = None
    uncertainty: UncertaintyFacts | None = None
