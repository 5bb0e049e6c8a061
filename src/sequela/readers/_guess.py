"""A mapping guessed from tables: which column is what, by its name and a sample of its entries, as TOML to edit.

Each line says why it was taken so. What the tables do not show (a time zone, day or month first, which column is the subject) is
a question mark, which the import refuses until it is answered; without one, the mapping is used as it stands. No entry of a row
is ever shown.
"""

from __future__ import annotations

import gzip
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl

from sequela.contracts import Source
from sequela.errors import DataError
from sequela.readers._csv_mapping import PARTS
from sequela.readers._csv_rows import header, text_of
from sequela.readers._guess_columns import FEW, Column, column

ROWS = 2000  # of each file are looked at
BYTES = 2**20
WIDTH = 60  # of a line before its comment, where lines are put in line
PATTERNS = ("*.csv", "*.csv.gz", "*.tsv", "*.tsv.gz")

# What columns are called, the likeliest first; small letters without marks between the words.
_SUBJECT = ("subjectid", "patientid", "personid", "participantid", "subject", "patient", "person", "participant", "patid", "mrn",
            "pid", "recordid", "caseid", "id")  # fmt: skip
_VISIT = ("visitid", "encounterid", "hadmid", "admissionid", "stayid", "episodeid", "visitoccurrenceid", "visit", "encounter",
          "stay", "episode", "admission")  # fmt: skip
_CODE = ("code", "icdcode", "icd10code", "icd10", "icd9code", "icd9", "loinc", "ndc", "atc", "rxnorm", "snomed", "cpt", "itemid",
         "item", "test", "testname", "analyte", "parameter", "variable", "measurement", "observation", "name", "event", "drug",
         "medication", "diagnosis", "procedure", "concept")  # fmt: skip
_VALUE = ("value", "valuenum", "numericvalue", "result", "resultvalue", "val", "reading", "amount", "dose", "quantity")
_UNIT = ("unit", "units", "uom", "valueuom", "unitofmeasure", "resultunit", "doseunit")
_TIME = ("time", "datetime", "timestamp", "charttime", "date", "when", "eventtime", "start", "starttime", "startdate", "drawn",
         "drawntime", "collected", "collectiontime", "measured", "sampletime", "taken", "onset", "day", "hour", "hours",
         "minutes", "days")  # fmt: skip
_KNOWN = ("storetime", "stored", "recorded", "recordedtime", "recordtime", "reported", "resulted", "resulttime", "issued",
          "available", "known", "entered")  # fmt: skip
_LABEL = ("label", "outcome", "target", "died", "death", "dead", "deceased", "mortality", "readmitted", "readmission", "class",
          "survived", "event")  # fmt: skip
_STATIC = ("sex", "gender", "race", "ethnicity", "religion", "language", "insurance", "site", "hospital", "age", "height")
_IDENTITY = ("name", "firstname", "lastname", "surname", "givenname", "address", "street", "phone", "telephone", "email", "ssn",
             "zip", "postcode", "initials")  # fmt: skip
_PART = ("part", "split", "fold", "set")
_TIME_UNIT = {"day": "days", "hour": "hours", "hr": "hours", "min": "minutes", "sec": "seconds", "ms": "milliseconds"}
_SYSTEM = {"icd10": "ICD10CM", "icd9": "ICD9CM", "loinc": "LOINC", "ndc": "NDC", "atc": "ATC", "rxnorm": "RXNORM",
           "snomed": "SNOMED", "cpt": "CPT"}  # fmt: skip
_EVENTS = (  # columns whose time is itself an event: what their names hold, its code, its kind
    (("birth", "dob", "born"), "MEDS_BIRTH", "event"),
    (("death", "died", "dod", "deceased"), "MEDS_DEATH", "outcome"),
    (("admit", "admission", "arriv"), "HOSPITAL//ADMISSION", "event"),
    (("disch",), "HOSPITAL//DISCHARGE", "event"),
)


@dataclass(frozen=True)
class Line:
    """One key of a mapping, with the reason for its value."""

    key: str
    value: str | list[str]
    why: str


@dataclass
class Roles:
    """Hands out each column of a table once."""

    columns: Sequence[Column]
    rows: int
    taken: set[str] = field(default_factory=set)

    def left(self) -> list[Column]:
        return [each for each in self.columns if each.name not in self.taken and each.filled]

    def not_who(self) -> list[Column]:
        """Those left that do not name a person or a place to find one."""
        return [each for each in self.left() if _plain(each.name) not in _IDENTITY]

    def take(self, found: Column | None) -> Column | None:
        if found is not None:
            self.taken.add(found.name)
        return found

    def named(self, names: Sequence[str], among: Iterable[Column] | None = None) -> Column | None:
        """The column whose name is the likeliest of these, taken."""
        candidates = {_plain(each.name): each for each in (self.left() if among is None else among)}
        return self.take(next((candidates[name] for name in names if name in candidates), None))


def guessed(source: Source) -> str:
    """The mapping of all tables of a source, as TOML. Raises DataError where it has none."""
    files = sorted({name for pattern in PATTERNS for name in source.files(pattern)}) or list(source.files())[:1]
    parts = [toml(pattern, separator, table) for pattern, separator, table in _tables(source, files)]
    if not parts:
        raise DataError(f"{source.name} has no table with rows", hint=f"files that end so are looked at: {', '.join(PATTERNS)}")
    return "\n".join(["# A guess: see that it is right. What is ? has to be answered before it is used.", "", *parts])


def toml(file: str, separator: str, sample: pl.DataFrame) -> str:
    """The mapping of one table, from a sample of its rows as text: one or several [[tables]] with comments."""
    roles = Roles([column(sample[name]) for name in sample.columns], len(sample))
    blocks = list(_blocks(roles))
    common = [Line("file", file, f"{len(sample.columns)} columns; {len(sample):,} rows were looked at")]
    if separator != ",":
        common.append(Line("separator", separator, "the commonest mark of the header"))
    written = [_block([*common, *block]) for block in blocks]
    if rest := [each.name for each in roles.columns if each.name not in roles.taken]:
        written.append(f"# not taken from {file}: {', '.join(map(_text, rest))}\n")
    return "\n".join(written)


def _block(lines: Sequence[Line]) -> str:
    shown = [(f"{line.key} = {_text(line.value)}", line.why) for line in lines]
    width = max(len(text) for text, _ in shown if len(text) <= WIDTH)
    return "\n".join(["[[tables]]", *(f"{text:<{width}}  # {why}" for text, why in shown), ""])


def _text(value: str | list[str]) -> str:
    return json.dumps(value, ensure_ascii=False)


# -------------------------------------------------------------------------------------------------------------------- sources


def _tables(source: Source, files: Sequence[str]) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """Pattern, separator and sample of each table; files of one header are one table where a pattern names just them."""
    groups: dict[tuple[str, tuple[str, ...]], dict[str, pl.DataFrame]] = {}
    for name in files:
        text = _start(source, name)
        separator, names = header(text)
        if names and len(rows := _sample_of(name, text, separator)):
            groups.setdefault((separator, tuple(names)), {})[name] = rows
    for (separator, _), group in groups.items():
        for pattern, members in _patterns(source, list(group)):
            yield pattern, separator, pl.concat([group[name] for name in members]).head(ROWS)


def _sample_of(name: str, text: bytes, separator: str) -> pl.DataFrame:
    try:
        return pl.read_csv(text, separator=separator, infer_schema=False, n_rows=ROWS, truncate_ragged_lines=True)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{name} cannot be read as a table separated by {separator!r}") from error


def _start(source: Source, name: str) -> bytes:
    """The first whole lines of a file."""
    path = source.path(name)
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if zipped else path.open("rb") as file:
            content = file.read(BYTES)
    except (EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"{name} is a damaged gzip file: {error}") from error
    whole = content[: content.rfind(b"\n") + 1] if len(content) == BYTES else content
    return text_of(name, whole or content)


def _patterns(source: Source, names: list[str]) -> list[tuple[str, list[str]]]:
    start, end = _common(names), _common([name[::-1] for name in names])[::-1]
    pattern = f"{start}*{end}"
    if len(names) > 1 and all(len(name) >= len(pattern) - 1 for name in names) and list(source.files(pattern)) == names:
        return [(pattern, names)]
    return [(name, [name]) for name in names]


def _common(names: Sequence[str]) -> str:
    """The letters with which all names begin."""
    alike = itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    return "".join(letters[0] for letters in alike)


# ---------------------------------------------------------------------------------------------------------------------- roles


def _blocks(roles: Roles) -> Iterator[list[Line]]:
    """The lines of each [[tables]] that one table gives: its rows, and the events that its times are."""
    subject = _subject(roles)
    once = any(each.name in roles.taken and each.is_unique for each in roles.columns)
    events = list(_event_times(roles))
    visit = _visit(roles)
    time = _time(roles, sure=bool(events))
    code = _code(roles) if time or any(_plain(each.name) in _VALUE for each in roles.left()) else []
    if code or time:
        yield [*subject, *visit, *time, *(code or _wide(roles))]
    elif once and not visit:
        yield from ([*subject, *lines] for lines in [_sample(roles)] if lines)
    elif not events:
        yield [*subject, Line("time", "?", "a subject has several rows, and no column shows times")]
    kinds = _kinds(roles) if visit and not (code or time) else []
    for event in events:
        yield [*subject, *visit, *event, *(kinds if event[-1].value == "HOSPITAL//ADMISSION" else [])]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _seen(found: Column) -> str:
    return f"{found.distinct:,} different in {found.filled:,} rows"


def _subject(roles: Roles) -> list[Line]:
    found = roles.named(_SUBJECT)
    if found is None:
        likely = ", ".join(each.name for each in roles.columns if each.distinct > FEW and each.time is None) or "none is likely"
        return [Line("subject", "?", f"which column says who it is? ({likely})")]
    return [Line("subject", found.name, f"by its name; {_seen(found)}")]


def _visit(roles: Roles) -> list[Line]:
    timed = any(each.time for each in roles.columns)
    found = roles.named(_VISIT, [each for each in roles.left() if each.time is None]) if timed else None
    return [Line("visit", found.name, f"by its name; {_seen(found)}")] if found else []


def _event_times(roles: Roles) -> Iterator[list[Line]]:
    for each in roles.left():
        event = next((event for event in _EVENTS if any(part in _plain(each.name) for part in event[0])), None)
        if each.time is not None and event is not None:
            roles.take(each)
            kind = [Line("kind", event[2], "never an input of a model")] if event[2] == "outcome" else []
            yield [*_written("time", each), *kind, Line("event", event[1], "by the name of its time; a row without one has none")]


def _time(roles: Roles, sure: bool) -> list[Line]:
    """The time of a row and how it is written; where several might be it, a question, or (sure) none of them."""
    times = [each for each in roles.left() if each.time is not None]
    known = roles.named(_KNOWN, times) if len(times) > 1 else None
    found = roles.named(_TIME, [each for each in times if each is not known]) or _only(roles, times, known)
    if found is None and len(times) - (known is not None) > 1:
        if sure:
            return []
        names = ", ".join(each.name for each in times)
        return [Line("time", "?", f"which of {names} is the time of a row?")]
    found = found or _counted(roles)
    if found is None:
        return []
    later = [Line("known", known.name, "by its name: when a row was stored, and known from then on")] if known else []
    return [*_written("time", found), *later]


def _only(roles: Roles, times: Sequence[Column], known: Column | None) -> Column | None:
    others = [each for each in times if each is not known]
    return roles.take(others[0]) if len(others) == 1 else None


def _counted(roles: Roles) -> Column | None:
    """Times that are numbers, where they are called so."""
    numbers = [each for each in roles.left() if each.is_number]
    begun = (each for each in numbers if _plain(each.name).startswith(("time", "offset", "minutes", "hours", "days")))
    return roles.named(_TIME, numbers) or roles.take(next(begun, None))


def _unit_of_time(found: Column) -> str:
    return next((unit for part, unit in _TIME_UNIT.items() if part in _plain(found.name)), "")


def _written(key: str, found: Column) -> list[Line]:
    """The time column, and how its times are written."""
    if found.time is None:
        unit = _unit_of_time(found)
        why = "by its name" if unit else "days, hours, minutes, seconds or milliseconds?"
        return [
            Line(key, found.name, "numbers, by its name counted from each subject's start"),
            Line("time_unit", unit or "?", why),
        ]
    lines = [Line(key, found.name, f"its entries are times; {_seen(found)}")]
    if len(found.time.formats) > 1:
        lines.append(Line("time_format", "?", f"no entry tells day from month: {' or '.join(map(_text, found.time.formats))}"))
    elif found.time.formats:
        lines.append(Line("time_format", found.time.formats[0], "the one that reads its entries"))
    if found.time.dates:
        lines[0] = Line(key, found.name, f"its entries are dates, each counts as its midnight; {_seen(found)}")
    if not found.time.offset:
        lines.append(Line("timezone", "?", 'the times have no offset: where were they written? "Europe/Berlin", "UTC", …'))
    return lines


def _code(roles: Roles) -> list[Line]:
    """Code, value, text and unit of a table of one row a measurement or event; none where no column is called so."""
    texts = [each for each in roles.left() if each.time is None and not each.is_yes_or_no]
    found = roles.named(_CODE, texts)
    if found is None:
        return []
    lines = [Line("code", found.name, f"by its name; {found.distinct:,} different")]
    if system := next((system for part, system in _SYSTEM.items() if part in _plain(found.name)), ""):
        lines.append(Line("system", system, f"by the column's name: its codes become {system}//…"))
    value = roles.named(_VALUE)
    if value is None:
        return [*lines, Line("kind", "event", "there is no value; outcome, where it is never to be an input")]
    lines.append(Line("value", value.name, f"by its name; {value.numbers:.0%} are numbers"))
    if not value.is_number or value.numbers < 1:
        lines.append(Line("text", value.name, "what is not a number stays as text"))
    if (unit := roles.named(_UNIT)) is not None:
        lines.append(Line("unit", unit.name, f"by its name; {unit.distinct} different"))
    return lines


def _wide(roles: Roles) -> list[Line]:
    """Columns that are a measurement each, at the time of their row."""
    label, static = _labels(roles), _statics(roles)
    numbers = _numbers(roles)
    values = [Line("values", numbers, 'numbers at a time; their units: unit = { name = "mg/dL" }')] if numbers else []
    return [*values, *static, *label] or [Line("code", "?", "nothing here is a number: which column says what a row is?")]


def _sample(roles: Roles) -> list[Line]:
    """Columns of a table of one row a subject, without time."""
    part = next(
        (each for each in roles.left() if _plain(each.name) in _PART and each.entries and each.entries <= set(PARTS)), None
    )
    roles.take(part)
    label = _labels(roles)
    static = _statics(roles, few=True)
    numbers = _numbers(roles)
    lines = [Line("values", numbers, 'numbers of the subject; their units: unit = { name = "mg/dL" }')] if numbers else []
    return [*lines, *static, *label, *([Line("part", part.name, "its entries are parts")] if part else [])]


def _numbers(roles: Roles) -> list[str]:
    """Columns of numbers, but for those that are called an id."""
    found = [each.name for each in roles.left() if each.is_number and not re.search(r"(?i)(^|_)id$", each.name)]
    roles.taken.update(found)
    return found


def _labels(roles: Roles) -> list[Line]:
    found = [each.name for each in roles.left() if _plain(each.name) in _LABEL and each.distinct <= FEW and each.time is None]
    roles.taken.update(found)
    return [Line("label", found, "by name: an answer, never an input")] if found else []


def _statics(roles: Roles, few: bool = False) -> list[Line]:
    """What describes a subject: by name, and (few) texts of which there are few."""
    found = [
        each.name
        for each in roles.not_who()
        if each.time is None
        and ((_plain(each.name) in _STATIC and not each.is_number) or (few and each.entries and not each.is_number))
    ]
    roles.taken.update(found)
    return [Line("static", found, "describe the subject, who has one of each")] if found else []


def _kinds(roles: Roles) -> list[Line]:
    """The text of an admission: the first column of few different texts."""
    found = roles.take(
        next((each for each in roles.not_who() if each.entries and not each.is_number and not each.is_yes_or_no), None)
    )
    return [Line("text", found.name, f"{found.distinct} different")] if found else []
