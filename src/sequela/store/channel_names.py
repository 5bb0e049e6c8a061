"""One spelling for the names that sources give to a channel: what is one lead or electrode reads alike wherever it came from.

    ECG        I II III aVR aVL aVF V1 ... V9, V3R ..., MLI MLII MLIII, MV1 ..., CM5 ..., NASA, X Y Z    (AHA names; Frank leads)
    EEG        10-20 and 10-10 electrodes, Fp1 Fpz Cz POz A1 M2, alone or as a pair "Fpz-Cz"    (Oostenveld 2001, ACNS 2006)

A prefix that only says the kind ("ECG II", "EKG V1", "EEG Fpz-Cz", "Lead II") goes, and so does a common reference ("Fp1-Ref"),
which says nothing of where the electrode was; an electrode as reference ("C4-A1") stays. MLII is not II, and T3 is not T7: other
names for one place are for a study to say ("MLII|II"). A name that the table does not know stays as it is.
"""

from __future__ import annotations

import re

LEAD = re.compile(r"-?(?:I{1,3}|aV[RLF]|V[1-9]R?|ML(?:I{1,3}|V[1-9])|MV[1-9]|CM[1-9]|CC5|CS5|NASA|V[XYZ]|[XYZ])", re.IGNORECASE)
ELECTRODE = re.compile(r"(FP|AF|FT|FC|TP|CP|PO|F|T|C|P|O|A|M|N|I)(Z|\d{1,2})", re.IGNORECASE)
SPELLED = {"fp": "Fp"}  # prefixes of electrodes that are not all capitals
COMMON = frozenset({"ref", "re", "le", "ar", "avg", "av", "cref", "g2", "gnd"})  # references that are no electrode of the scalp
ORTHOGONAL = frozenset("XYZ")  # leads of Frank, and the axes of an accelerometer
KIND = re.compile(r"(?:EEG|ECG|EKG|lead)(?![a-z0-9])[\s:_-]*", re.IGNORECASE)
EKG = re.compile(r"^EKG(?![a-z])", re.IGNORECASE)


def normal_name(name: str) -> str:
    """The name in the one spelling of the table; a name that the table does not know, with its blanks made one.

    >>> [normal_name(name) for name in ("ECG II", "EKG v1", "EEG FPZ-CZ", "EEG Fp1-Ref", "C3..", "mlii", "SaO2")]
    ['II', 'V1', 'Fpz-Cz', 'Fp1', 'C3', 'MLII', 'SaO2']
    """
    plain = " ".join(name.split())
    bare, kinds = plain.rstrip("."), 0
    while kinds < 2 and (found := KIND.match(bare)):  # "ECG lead II"
        bare, kinds = bare[found.end() :], kinds + 1
    return _lead(bare) or _electrodes(bare) or EKG.sub("ECG", plain)


def is_lead(name: str) -> bool:
    """Whether a channel of this name is a lead of an electrocardiogram; X, Y and Z alone may be anything.

    >>> [is_lead(name) for name in ("MLII", "EKG", "ecg v5", "X", "Fp1", "ABP")]
    [True, True, True, False, False, False]
    """
    normal = normal_name(name)
    return normal.upper().startswith("ECG") or (normal not in ORTHOGONAL and LEAD.fullmatch(normal) is not None)


def _lead(name: str) -> str:
    if not LEAD.fullmatch(name):
        return ""
    upper = name.upper()
    return upper.replace("AV", "aV") if "AV" in upper else upper


def _electrodes(name: str) -> str:
    """An electrode, or a pair of them; "" for what is neither."""
    first, dash, second = name.replace(" ", "").partition("-")
    one, other = _electrode(first), _electrode(second)
    if not one or (dash and not other and second.casefold() not in COMMON):
        return ""
    return f"{one}-{other}" if other else one


def _electrode(name: str) -> str:
    found = ELECTRODE.fullmatch(name)
    if not found:
        return ""
    place = found[1].upper()
    return SPELLED.get(place.lower(), place) + found[2].lower()
