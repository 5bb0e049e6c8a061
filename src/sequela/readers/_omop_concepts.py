"""The vocabulary of an OMOP database: the concepts that its records use, as codes named SYSTEM//code, and what is broader.

Only concepts that occur are held: the whole vocabulary has millions. The tables concept and concept_ancestor may be as a database
exports them (commas, or Parquet) or as OHDSI's Athena delivers them (tabs, no quotation marks).
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from sequela.codes import hierarchy
from sequela.errors import DataError
from sequela.readers._row_types import Account, ColumnType
from sequela.readers._tables import Files, Table

CONCEPT = Table(
    name="concept",
    columns={"concept_id": "whole", "concept_name": "text", "vocabulary_id": "text", "concept_code": "code"},
    subject="",
    visit="",
)
ANCESTOR = Table(
    name="concept_ancestor",
    columns={"ancestor_concept_id": "whole", "descendant_concept_id": "whole", "min_levels_of_separation": "whole"},
    subject="",
    visit="",
)
# Vocabularies that have a name of their own in Sequela; the others keep that of OMOP.
SYSTEMS: Mapping[str, str] = {
    "ICD9Proc": "ICD9PROC",
    "RxNorm": "RXNORM",
    "CPT4": "CPT",
}
_TYPES: Mapping[ColumnType, pl.DataType] = {"whole": pl.Int64(), "text": pl.String(), "code": pl.String()}


@dataclass(frozen=True)
class Concepts:
    """The concepts that records use."""

    frame: pl.DataFrame  # concept Int64, coded (SYSTEM//code), named, told (its own code, such as a unit)
    broader: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by concept_ancestor, the nearest first

    @staticmethod
    def none() -> Concepts:
        """A vocabulary of nothing."""
        return Concepts(pl.DataFrame(schema={"concept": pl.Int64(), **dict.fromkeys(("coded", "named", "told"), pl.String())}))

    def parents(self, code: str) -> Sequence[str]:
        """What is broader by the vocabulary's own tables, else by the system's."""
        return self.broader.get(code) or hierarchy.parents(code)

    def names(self) -> Mapping[int, str]:
        """Concept -> its name."""
        return dict(self.frame.select("concept", "named").iter_rows())


def load(files: Files, used: set[int]) -> Concepts:
    """The concepts of these ids, and what is broader where concept_ancestor is there."""
    if CONCEPT.name not in files:
        return Concepts.none()
    above = _above(files, used)
    wanted = used | set(above["ancestor_concept_id"])
    frame = _coded(_filtered(files, CONCEPT, "concept_id", wanted))
    return Concepts(frame, _broader(above, frame))


def _coded(frame: pl.DataFrame) -> pl.DataFrame:
    if frame["concept_id"].is_duplicated().any():
        raise DataError("the table concept has a concept_id twice", hint="are two versions of the vocabulary mixed?")
    return frame.select(
        pl.col("concept_id").alias("concept"),
        pl.concat_str(pl.col("vocabulary_id").replace(SYSTEMS), pl.lit("//"), pl.col("concept_code")).alias("coded"),
        pl.col("concept_name").alias("named"),
        pl.col("concept_code").alias("told"),
    )


def _above(files: Files, used: set[int]) -> pl.DataFrame:
    if ANCESTOR.name not in files:
        return pl.DataFrame(schema={name: pl.Int64() for name in ANCESTOR.columns})
    return _filtered(files, ANCESTOR, "descendant_concept_id", used).filter(pl.col("min_levels_of_separation") > 0)


def _broader(above: pl.DataFrame, concepts: pl.DataFrame) -> dict[str, tuple[str, ...]]:
    code = concepts.select("concept", "coded")
    joined = above.join(code, left_on="descendant_concept_id", right_on="concept").join(
        code, left_on="ancestor_concept_id", right_on="concept", suffix="_above"
    )
    ordered = joined.sort("coded", "min_levels_of_separation", "coded_above").group_by("coded", maintain_order=True)
    return {narrow: tuple(wide) for narrow, wide in ordered.agg("coded_above").iter_rows()}


def _filtered(files: Files, table: Table, column: str, wanted: set[int]) -> pl.DataFrame:
    """The rows whose column is one of the ids wanted."""
    keep = pl.col(column).is_in(pl.Series(sorted(wanted), dtype=pl.Int64).implode())
    if _is_tabbed(files, table):
        return _tabbed(files, table, keep)
    account = Account(table.name, files.file_of[table.name], None)
    frames = [frame.filter(keep).select(list(table.columns)) for frame in files.chunks(table, account)]
    return pl.concat(frames) if frames else pl.DataFrame(schema={name: _TYPES[type_] for name, type_ in table.columns.items()})


def _is_tabbed(files: Files, table: Table) -> bool:
    path = files.source.path(files.file_of[table.name])
    with path.open("rb") as opened:
        head = opened.read(4096)
    if head.startswith(b"\x1f\x8b"):
        with gzip.open(path, "rb") as unzipped:
            head = unzipped.read(4096)
    return b"\t" in head.partition(b"\n")[0]


def _tabbed(files: Files, table: Table, keep: pl.Expr) -> pl.DataFrame:
    """The table as Athena delivers it."""
    file = files.file_of[table.name]
    try:
        lazy = pl.scan_csv(files.source.path(file), separator="\t", quote_char=None, infer_schema=False)
        there = {name.lower(): name for name in lazy.collect_schema().names()}
        _check_columns(table, file, there)
        typed = lazy.select(pl.col(there[name]).cast(_TYPES[type_]).alias(name) for name, type_ in table.columns.items())
        return typed.filter(keep).collect()
    except (pl.exceptions.ComputeError, pl.exceptions.InvalidOperationError) as error:
        raise DataError(f"{file} cannot be read as a table with tabs", hint="download the vocabulary again") from error


def _check_columns(table: Table, file: str, there: Mapping[str, str]) -> None:
    missing = [name for name in table.columns if name not in there]
    if missing:
        raise DataError(f"{file} has no column {missing[0]!r}", hint=f"it has {', '.join(there)}")
