"""The genes of a variant, by what annotation tools wrote into INFO: ANN of SnpEff, CSQ of VEP, or a plain key (GENEINFO)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sequela.errors import ConfigError, DataError
from sequela.readers._vcf_records import Header, Site

KEYS = ("ANN", "CSQ")
_GENES = ("SYMBOL", "Gene_Name", "Gene")  # what the field of the gene is called
_IMPACTS = ("IMPACT", "Annotation_Impact")


@dataclass(frozen=True, slots=True)
class Annotation:
    """Where a file tells genes."""

    key: str
    fields: tuple[str, ...]  # of each annotation, parted by |; empty: the value is the gene
    impacts: frozenset[str]  # of annotations that count; empty: all

    def genes(self, site: Site, alternative: str) -> set[str]:
        """Those that are annotated for this allele."""
        said = site.info.get(self.key, "")
        if not self.fields:
            return {gene for one in re.split(r"[|,]", said) if (gene := one.partition(":")[0].strip())}
        told = [one.split("|") for one in said.split(",") if one]
        own = [fields for fields in told if len(site.alternatives) == 1 or fields[0] in _names(site, alternative)]
        return {gene for fields in own if self._counts(fields) and (gene := self._field(fields, _GENES))}

    def _counts(self, fields: Sequence[str]) -> bool:
        return not self.impacts or self._field(fields, _IMPACTS) in self.impacts

    def _field(self, fields: Sequence[str], names: Sequence[str]) -> str:
        place = next((self.fields.index(name) for name in names if name in self.fields), len(fields))
        return fields[place].strip() if place < len(fields) else ""


def annotation(header: Header, key: str, impacts: Sequence[str], file: str) -> Annotation:
    """By a key of INFO; left out, by ANN or CSQ. Raises DataError where the header tells of none, or of none with impacts."""
    lines = {name: line for line in header.told for name in (key, *KEYS) if line.startswith(f"##INFO=<ID={name},")}
    found = key or next((name for name in KEYS if name in lines), "")
    if found not in lines:
        raise DataError(
            f"the header of {file} tells of no annotation {key or 'ANN or CSQ'}", hint="annotate it, or see annotation"
        )
    described = re.search(r'Description="([^"]*)"', lines[found])
    fields = tuple(one.strip(" '") for one in described[1].rpartition(":")[2].split("|")) if described else ()
    fields = fields if len(fields) > 1 else ()
    if impacts and not any(name in fields for name in _IMPACTS):
        raise ConfigError(f"{found} of {file} has no impact", hint="leave out impacts")
    if fields and not any(name in fields for name in _GENES):
        raise DataError(f"{found} of {file} has no field {' or '.join(_GENES)}")
    return Annotation(found, fields, frozenset(impacts))


def _names(site: Site, alternative: str) -> tuple[str, ...]:
    """What tools call an allele: as it stands; or, as VEP does of indels, without the letter that all alleles begin with."""
    alleles = (site.reference, *site.alternatives)
    is_shared = len({allele[0] for allele in alleles}) == 1 and len(set(map(len, alleles))) > 1
    return (alternative, alternative[1:] or "-") if is_shared else (alternative,)
