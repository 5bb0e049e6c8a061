"""Codes of FHIR as SYSTEM//code: the short name of each code system, and the one coding of a concept that is taken."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sequela.errors import DataError
from sequela.readers._fhir_types import Coding, Concept

# Source: HL7 terminology, https://terminology.hl7.org/external_terminologies.html; OIDs from https://oid-rep.orange-labs.fr
SYSTEMS: Mapping[str, str] = {
    "http://snomed.info/sct": "SNOMED",
    "http://loinc.org": "LOINC",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RXNORM",
    "http://hl7.org/fhir/sid/cvx": "CVX",
    "http://hl7.org/fhir/sid/icd-10-cm": "ICD10CM",
    "http://www.cms.gov/Medicare/Coding/ICD10": "ICD10PCS",
    "http://hl7.org/fhir/sid/icd-10": "ICD10",
    "http://fhir.de/CodeSystem/bfarm/icd-10-gm": "ICD10GM",
    "http://hl7.org/fhir/sid/icd-9-cm": "ICD9CM",
    "http://hl7.org/fhir/sid/icd-9-cm/diagnosis": "ICD9CM",
    "http://hl7.org/fhir/sid/icd-9-cm/procedure": "ICD9PROC",
    "http://www.whocc.no/atc": "ATC",
    "http://hl7.org/fhir/sid/ndc": "NDC",
    "http://www.ama-assn.org/go/cpt": "CPT",
    "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets": "HCPCS",
    "http://terminology.hl7.org/CodeSystem/HCPCS": "HCPCS",
    "http://fdasis.nlm.nih.gov": "UNII",
    "urn:oid:2.16.840.1.113883.6.96": "SNOMED",
    "urn:oid:2.16.840.1.113883.6.1": "LOINC",
    "urn:oid:2.16.840.1.113883.6.88": "RXNORM",
    "urn:oid:2.16.840.1.113883.12.292": "CVX",
    "urn:oid:2.16.840.1.113883.6.90": "ICD10CM",
    "urn:oid:2.16.840.1.113883.6.4": "ICD10PCS",
    "urn:oid:2.16.840.1.113883.6.3": "ICD10",
    "urn:oid:2.16.840.1.113883.6.103": "ICD9CM",
    "urn:oid:2.16.840.1.113883.6.104": "ICD9PROC",
    "urn:oid:2.16.840.1.113883.6.73": "ATC",
    "urn:oid:2.16.840.1.113883.6.69": "NDC",
    "urn:oid:2.16.840.1.113883.6.12": "CPT",
    "urn:oid:2.16.840.1.113883.6.285": "HCPCS",
}
_NAMED = frozenset(SYSTEMS.values())


@dataclass
class Codes:
    """Names codes, and remembers what each stands for.

    `systems` gives further names by url. Of several codings the one that the user chose goes first, then those of the systems
    named in `prefer`, then those of a known system, then as they stand.
    """

    systems: Mapping[str, str] = field(default_factory=dict)
    prefer: Sequence[str] = ()
    descriptions: dict[str, str] = field(default_factory=dict)
    unknown: Counter[str] = field(default_factory=Counter)
    _names: dict[str, str] = field(default_factory=dict)

    def of(self, concept: Concept | None) -> str:
        """The code of a concept, SYSTEM//code.

        Raises DataError where it has no coding.
        """
        codings = [coding for coding in concept.coding if coding.code] if concept else []
        if not codings:
            raise DataError("no code")
        taken = codings[0] if len(codings) == 1 else min(codings, key=self._rank)
        code = f"{self._system(taken.system)}//{taken.code}"
        if code not in self.descriptions:
            self.descriptions[code] = taken.display or (concept.text if concept and len(codings) == 1 else "")
        return code

    def _rank(self, coding: Coding) -> tuple[bool, int, bool]:
        name = self._name(coding.system)
        place = self.prefer.index(name) if name in self.prefer else len(self.prefer)
        return not coding.user_selected, place, name not in _NAMED

    def _system(self, url: str) -> str:
        """The name of the system of a code that is taken; an unknown one is counted."""
        name = self._name(url)
        if name not in _NAMED and url not in self.systems:
            self.unknown[f"codes of the system {url or 'that is not given'}, named {name}"] += 1
        return name

    def _name(self, url: str) -> str:
        if url not in self._names:
            self._names[url] = self.systems.get(url) or SYSTEMS.get(url.rstrip("/")) or _short(url)
        return self._names[url]


def _short(url: str) -> str:
    """A short name for an unknown code system, the same wherever it is met: the end of its url and four letters of its hash.

    >>> _short("http://hospital.example/labs"), _short("")
    ('LABS-4bc3', 'UNKNOWN')
    """
    if not url:
        return "UNKNOWN"
    end = re.split(r"[/:]", url.rstrip("/"))[-1]
    return f"{re.sub(r'[^A-Za-z0-9.]+', '-', end).upper()}-{hashlib.blake2b(url.encode(), digest_size=2).hexdigest()}"
