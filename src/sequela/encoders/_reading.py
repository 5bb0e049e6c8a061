"""What encoders of text ask of their input: steps that are words, or codes in the place of words."""

from __future__ import annotations

from sequela.errors import ConfigError
from sequela.types import Spec


def refuse_numbers(encoder: str, spec: Spec) -> None:
    """Raises ConfigError where the steps are no words (or codes) but numbers."""
    if not spec.vocabulary:
        raise ConfigError(
            f"{encoder} reads words or codes; a step of {spec.kind!r} holds numbers of shape {spec.shape}",
            hint="use it with modality = 'text' or 'codes', or take another encoder, such as lstm",
        )
