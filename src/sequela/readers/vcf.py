"""VCF: the variants of people as events, or each variant as the sequence around it.

    by     = "variant"                # VARIANT//7:140753336:A>T, with how many of the alleles are this one: 1 or 2
    by     = "gene"                   # GENE//BRAF, with how many alternative alleles lie in it, by ANN or CSQ
    impacts = ["HIGH", "MODERATE"]    # of the annotations that count

    form      = "context"             # each alternative allele is a subject: 7:140753336:A>T
    reference = "genome.fa.gz"        # a FASTA beside the variants
    around    = 100                   # letters on either side; N beyond the end of a contig
    labels    = ["CLNSIG"]            # keys of INFO

As genotypes each sample is a subject, for the modality `codes`: events (without time) for the alleles it has other than the
reference, and as statics ALTERNATIVE_ALLELES, how many these are, and MISSING_GENOTYPES, at how many sites it was not called; a
missing genotype, or one with a missing allele, is no event. As context each has SEQUENCE//context, with the alternative allele,
SEQUENCE//reference, and CHROMOSOME. Sites whose FILTER is none of `filters`, or whose quality is below `min_quality`, are left
out and counted; so are symbolic alleles (<DEL>), breakends and `*`. A site that cannot be used is refused by its file and line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from sequela.config import Name
from sequela.contracts import Reader, Sink, Source
from sequela.errors import ConfigError, DataError
from sequela.readers import _corpus, _sequence_events, _vcf_context, _vcf_genes, _vcf_records
from sequela.readers._corpus import File, Files
from sequela.readers._sequence_lines import Progress
from sequela.readers._vcf_context import Variant
from sequela.readers._vcf_genotypes import Genotypes
from sequela.readers._vcf_records import Header, Site

VERSION = 1
LABELS = ("labels",)  # options that new variants need not bear out
ENDINGS = (".vcf", ".vcf.gz", ".vcf.bgz")


class Config(Files, frozen=True):
    form: Literal["genotypes", "context"] = "genotypes"
    by: Literal["variant", "gene"] = "variant"  # of genotypes
    annotation: str = ""  # the key of INFO that tells genes; left out: ANN or CSQ
    impacts: tuple[Name, ...] = ()  # of annotations that count; left out: all
    reference: str = ""  # of context: the FASTA file, by name or pattern
    around: Annotated[int, Meta(ge=1, le=1_000_000)] = 50  # letters on either side of a variant
    labels: tuple[Name, ...] = ()  # of context: keys of INFO
    static: tuple[Name, ...] = ()
    filters: tuple[Name, ...] = ("PASS", ".")  # that a site may have; (): any
    min_quality: Annotated[float, Meta(ge=0)] = 0.0  # QUAL; a site without one is kept


@dataclass(frozen=True, slots=True)
class VcfReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every variant; a site that cannot be used is refused by its file and line.

        Raises DataError where there is no such file, or one that is not VCF, has no samples, or tells no genes.
        """
        files = _corpus.listed(source, self.config, ENDINGS, sink)
        if self.config.form == "context":
            _write_context(self.config, files, source, sink)
        else:
            _write_genotypes(self.config, files, source, sink)


def _sites(source: Source, file: str, config: Config, progress: Progress, sink: Sink) -> tuple[Header, Iterator[Site]]:
    """The sites of a file that can be used."""
    header, lines = _vcf_records.opened(source, file, progress)

    def read() -> Iterator[Site]:
        for number, text in lines:
            try:
                site = _vcf_records.site(number, text, header) if text else None
            except DataError as error:
                sink.refuse(f"{file} line {number}", error.message)
                continue
            if site is not None and not _left_out(site, config, sink):
                yield site

    return header, read()


def _left_out(site: Site, config: Config, sink: Sink) -> bool:
    """Whether a site is left out by rule, which is counted."""
    if config.filters and not set(site.filters) <= set(config.filters):
        sink.note("sites that did not pass their filters, left out", 1)
    elif site.quality is not None and site.quality < config.min_quality:
        sink.note(f"sites of a quality below {config.min_quality:g}, left out", 1)
    elif not site.alternatives:
        sink.note("sites without an alternative allele, left out", 1)
    else:
        return False
    return True


def _kept(site: Site, sink: Sink) -> list[tuple[int, str]]:
    """The alternative alleles that are letters, each with its number in genotypes; others are counted."""
    kept = [(number, allele) for number, allele in enumerate(site.alternatives, 1) if _vcf_records.is_letters(allele)]
    if len(kept) < len(site.alternatives):
        sink.note("alternative alleles that are not letters (<DEL>, breakends, *), left out", len(site.alternatives) - len(kept))
    return kept


# ---------------------------------------------------------------------------------------------------------------------- context


def _write_context(config: Config, files: list[File], source: Source, sink: Sink) -> None:
    found = source.files(config.reference)
    if len(found) != 1:
        raise DataError(f"{source.name} has {len(found)} files {config.reference!r}, expected one: the reference as FASTA")
    variants: dict[str, list[Variant]] = {}
    progress = Progress.over(source, [file.name for file in files], sink)
    for file in files:
        for site in _sites(source, file.name, config, progress, sink)[1]:
            for _, allele in _kept(site, sink):
                variants.setdefault(site.chromosome, []).append(_variant(site, allele, file, config))
    if not variants:
        raise DataError(f"{source.name} has no variant that can be used", hint="see filters and min_quality")
    samples = _vcf_context.samples(variants, source, found[0], config.around, sink)
    _sequence_events.write(samples, sink, config.labels)


def _variant(site: Site, allele: str, file: File, config: Config) -> Variant:
    labels, static = ({key: site.info.get(key, "") for key in keys} for keys in (config.labels, config.static))
    return Variant(site, allele, f"{file.name} line {site.line}", file.part, labels, static)


# -------------------------------------------------------------------------------------------------------------------- genotypes


def _write_genotypes(config: Config, files: list[File], source: Source, sink: Sink) -> None:
    taken = Genotypes(sink)
    progress = Progress.over(source, [file.name for file in files], sink)
    for file in files:
        header, sites = _sites(source, file.name, config, progress, sink)
        if not header.samples:
            raise DataError(f"{file.name} has no samples", hint='form = "context" reads the variants themselves')
        by_gene = config.by == "gene"
        genes = _vcf_genes.annotation(header, config.annotation, config.impacts, file.name) if by_gene else None
        for site in sites:
            try:
                taken.take(site, _kept(site, sink), header.samples, genes)
                sink.accept()
            except DataError as error:
                sink.refuse(f"{file.name} line {site.line}", error.message)
        for sample in header.samples if file.part else ():
            sink.part(sample, file.part)
    taken.close()


def build(config: Config) -> Reader:
    """Raises ConfigError for options of the other form."""
    if config.form == "context" and not config.reference:
        raise ConfigError("context without the letters around", hint='reference = "genome.fa": a FASTA beside the variants')
    if config.form == "context" and (config.by == "gene" or config.annotation or config.impacts):
        raise ConfigError('by = "gene" is of genotypes', hint='leave it out, or form = "genotypes"')
    if config.form == "genotypes" and (config.reference or config.labels or config.static):
        raise ConfigError("reference, labels and static are of variants as sequences", hint='form = "context"')
    if config.by == "variant" and (config.annotation or config.impacts):
        raise ConfigError("annotation and impacts tell genes", hint='by = "gene"')
    return VcfReader(config)
