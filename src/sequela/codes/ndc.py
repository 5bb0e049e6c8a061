"""National Drug Codes in the eleven digits that claims use: labeler 5, product 4, package 2.

The label has ten digits, in one of three layouts that only its hyphens tell. Source: FDA, 21 CFR 207.33; CMS, 45 CFR 162.1002.
"""

from __future__ import annotations

import re
from typing import Literal

from sequela.errors import DataError

Layout = Literal["4-4-2", "5-3-2", "5-4-1"]
_HYPHENATED = re.compile(r"([0-9]{4,5})-([0-9]{3,4})-([0-9]{1,2})")


def normalised(code: str, layout: Layout | None = None) -> str:
    """The eleven digits of a code with hyphens, of eleven digits, or of ten digits in a stated layout.

    Raises DataError for what is none, and for ten digits without hyphens where no layout is stated: they could be three drugs.

    >>> normalised("0409-6729-24"), normalised("00409672924"), normalised("0409672924", "4-4-2")
    ('00409672924', '00409672924', '00409672924')
    """
    text = code.strip()
    if re.fullmatch(r"[0-9]{11}", text):
        return text
    if layout is not None and re.fullmatch(r"[0-9]{10}", text):
        text = _hyphenated(text, layout)
    match = _HYPHENATED.fullmatch(text)
    if match is None or sum(map(len, match.groups())) not in (10, 11):
        raise DataError(
            "a code is no NDC of eleven digits, nor of ten with hyphens",
            hint='ten digits without hyphens are ambiguous: say the layout, "4-4-2", "5-3-2" or "5-4-1"',
        )
    labeler, product, package = match.groups()
    return labeler.zfill(5) + product.zfill(4) + package.zfill(2)


def _hyphenated(digits: str, layout: Layout) -> str:
    first, second, _ = (int(length) for length in layout.split("-"))
    return f"{digits[:first]}-{digits[first : first + second]}-{digits[first + second :]}"
