"""How the answers of a model hold as its inputs are spoilt.

What is known of the rows is spoilt where that happens in life (a record that lacks a channel, a unit mixed up, a file cut short),
read again by the fitted modalities, and answered by the very object that the bundle holds. Only the gradient's step changes what
the network reads.

    kinds       the kinds of spoiling, what each suits and its levels: read first
    numbers     events with numbers: left out, noisy, thinned, cut short, in another unit, garbled
    payloads    signals and pictures
    letters     texts and sequences
    swapped     codes, words and letters put in place of others, the worst of several draws
    gradient    a small step of every number of the input, in the direction that hurts most
    judged      what spoilt answers are worth, beside those to the same rows unspoilt
    facts       what is found, a field of trust.json
"""

from __future__ import annotations

from sequela.evaluate.robustness.facts import RobustnessFacts

__all__ = ["RobustnessFacts"]
