"""One evidence, several views: what a reporting guideline or a law asks, in its own order, and which of our items answers it."""

from __future__ import annotations

from sequela.evaluate.report.views import annex_iv, card, stard, tripod
from sequela.evaluate.report.views.view import Asked, View

VIEWS: dict[str, View] = {
    "tripod": tripod.VIEW,
    "stard": stard.VIEW,
    "card": card.VIEW,
    "annex-iv": annex_iv.VIEW,
}

__all__ = ["VIEWS", "Asked", "View"]
