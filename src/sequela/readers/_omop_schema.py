"""The tables of OMOP that the reader knows, and the names of their columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from sequela.config import Strict
from sequela.readers._row_types import ColumnType
from sequela.readers._tables import Table


class Config(Strict, frozen=True):
    """How an OMOP database is read."""

    timezone: str = ""  # of its local times, as "Europe/Berlin", or "UTC"; must be said
    concepts: Literal["source", "standard"] = "source"  # which concept names a record; the other one where it is missing
    hold: Literal["billing", "all", "none"] = "billing"  # conditions and procedures known only from the end of their visit
    tables: tuple[str, ...] = ()  # left out: all


INPATIENT = (9201, 262, 8717)  # Inpatient Visit; Emergency Room and Inpatient Visit; Inpatient Hospital
INTENSIVE = (32037,)  # Intensive Care


@dataclass(frozen=True)
class Record:
    """What the columns of a table of records are called."""

    table: str
    stem: str  # condition: condition_concept_id, condition_source_value, …
    at: str  # condition_start: condition_start_date, condition_start_datetime
    key: str
    valued: bool = False  # has value_as_number and units
    billed: bool = False  # may be known only from the end of the visit

    @property
    def columns(self) -> dict[str, ColumnType]:
        """Those that the model requires and the reader needs."""
        return {
            self.key: "whole",
            "person_id": "whole",
            f"{self.stem}_concept_id": "whole",
            f"{self.at}_date": "time",
            f"{self.stem}_type_concept_id": "whole",
        }

    @property
    def optional(self) -> dict[str, ColumnType]:
        """Those that may be left out."""
        return {
            f"{self.at}_datetime": "time",
            "visit_occurrence_id": "whole",
            f"{self.stem}_source_value": "text",
            f"{self.stem}_source_concept_id": "whole",
            **FURTHER.get(self.table, {}),
        }


RECORDS = (
    Record("condition_occurrence", "condition", "condition_start", "condition_occurrence_id", billed=True),
    Record("procedure_occurrence", "procedure", "procedure", "procedure_occurrence_id", billed=True),
    Record("drug_exposure", "drug", "drug_exposure_start", "drug_exposure_id"),
    Record("device_exposure", "device", "device_exposure_start", "device_exposure_id"),
    Record("measurement", "measurement", "measurement", "measurement_id", valued=True),
    Record("observation", "observation", "observation", "observation_id", valued=True),
)
PERSON = Table("person", columns={"person_id": "whole", "year_of_birth": "whole"}, key=("person_id",), subject="person_id")
BIRTH: Mapping[str, ColumnType] = {"month_of_birth": "whole", "day_of_birth": "whole", "birth_datetime": "time"}
VISITS = Table(
    "visit_occurrence",
    columns={
        "visit_occurrence_id": "whole",
        "person_id": "whole",
        "visit_concept_id": "whole",
        "visit_start_date": "time",
        "visit_end_date": "time",
    },
    optional={"visit_start_datetime": "time", "visit_end_datetime": "time", "discharged_to_concept_id": "whole"},
    key=("visit_occurrence_id",),
    needs=("visit_occurrence_id", "visit_start_date"),
    subject="person_id",
    visit="visit_occurrence_id",
)


FURTHER: Mapping[str, Mapping[str, ColumnType]] = MappingProxyType(
    {
        "condition_occurrence": {"condition_status_concept_id": "whole"},
        "drug_exposure": {"quantity": "number", "route_concept_id": "whole", "route_source_value": "text"},
        "measurement": {
            "operator_concept_id": "whole",
            "value_as_number": "number",
            "value_as_concept_id": "whole",
            "unit_concept_id": "whole",
            "unit_source_value": "text",
            "value_source_value": "text",
        },
        "observation": {
            "value_as_number": "number",
            "value_as_string": "text",
            "value_as_concept_id": "whole",
            "unit_concept_id": "whole",
            "unit_source_value": "text",
            "value_source_value": "text",
        },
    }
)
# Where else concepts are named.
CONCEPTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "person": ("gender_concept_id", "race_concept_id", "ethnicity_concept_id"),
        "visit_occurrence": ("visit_concept_id", "discharged_to_concept_id"),
        "visit_detail": ("visit_detail_concept_id",),
        "note": ("note_class_concept_id",),
    }
)


def only(table: str, columns: Mapping[str, ColumnType]) -> Table:
    """A table of which just these columns are looked at, where it has them."""
    return Table(table, columns={}, optional=columns, subject="", visit="")
