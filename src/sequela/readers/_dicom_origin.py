"""Whose a DICOM picture is, and when and as part of what it was taken."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from sequela.errors import DataError
from sequela.readers._dicom_elements import CLASS, key, text, word
from sequela.readers._dicom_time import Moment, age, moment, stamp

CODE = re.compile(r"[A-Z0-9_]{2,16}")
SEXES = ("F", "M", "O")
INSTANCE, MODALITY, DESCRIPTION = 0x00080018, 0x00080060, 0x0008103E
PATIENT, SEX, BORN, AGE = 0x00100020, 0x00100040, 0x00100030, 0x00101010
STUDY, SERIES, OFFSET, CHARACTERS = 0x0020000D, 0x0020000E, 0x00080201, 0x00080005
SHIFTED = 0x00280303  # dates were moved when the patient's identity was removed
DATES = {  # time -> (date and time in one, date, time of day)
    "study": (0, 0x00080020, 0x00080030),
    "series": (0, 0x00080021, 0x00080031),
    "acquisition": (0x0008002A, 0x00080022, 0x00080032),
}
ACQUIRED = DATES["acquisition"]
TAGS = [CLASS, MODALITY, DESCRIPTION, PATIENT, SEX, BORN, AGE, STUDY, SERIES, OFFSET, CHARACTERS, SHIFTED]
Time = Literal["study", "series", "acquisition", "none"]
Subject = Literal["patient", "study", "series", "file"]


@dataclass(frozen=True, slots=True)
class Origin:
    """What all pictures of a series share; of one acquired over a time, those of one moment."""

    subject: str
    study: str
    series: str  # "" where the file tells none
    modality: str
    description: str
    sex: str  # "" where it is not told
    age: float | None  # years
    when: Moment | None


@dataclass
class Origins:
    """Reads each origin once, however many files have it."""

    subject: Subject
    time: Time
    zone: str
    _found: dict[tuple[bytes, ...], Origin] = field(default_factory=dict)

    @property
    def tags(self) -> list[int]:
        """The elements that it reads."""
        return TAGS + [tag for tag in DATES.get(self.time, ()) if tag]

    def of(self, data: Any, file: str) -> Origin:
        """Raises DataError where the subject is not told, or a date cannot be read."""
        told = tuple(key(data, tag) for tag in self.tags)
        if self.subject == "file":
            told = (*told, file.encode())
        if told not in self._found:
            self._found[told] = self._read(data, file)
        return self._found[told]

    def _read(self, data: Any, file: str) -> Origin:
        when = self._when(data)
        sex = word(data, SEX)
        return Origin(
            subject=self._subject(data, file),
            study=word(data, STUDY),
            series=word(data, SERIES),
            modality=_modality(data),
            description=text(data, DESCRIPTION),
            sex=sex if sex in SEXES else "",
            age=age(word(data, AGE), word(data, BORN), when.time if when else None),
            when=when,
        )

    def _subject(self, data: Any, file: str) -> str:
        told = {"patient": PATIENT, "study": STUDY, "series": SERIES}.get(self.subject)
        found = file if told is None else text(data, told)
        if not found:
            raise DataError(f"it does not name its {self.subject}, and subject = {self.subject!r} asks for it")
        return found

    def _when(self, data: Any) -> Moment | None:
        if self.time == "none":
            return None
        both, date, hour = DATES[self.time]
        offset = word(data, OFFSET)
        if both and word(data, both):
            when = stamp(word(data, both), offset, self.zone)
        elif word(data, date):
            when = moment(word(data, date), word(data, hour), offset, self.zone)
        else:
            return None
        return when._replace(relative=when.relative or word(data, SHIFTED) == "MODIFIED")


def _modality(data: Any) -> str:
    """Such as CT; OT, DICOM's own word for none of the others, where it is not told. Raises DataError for what is no code."""
    found = word(data, MODALITY) or "OT"
    if not CODE.fullmatch(found):
        raise DataError("it tells a modality that is no code")
    return found
