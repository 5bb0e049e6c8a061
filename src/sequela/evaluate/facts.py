"""What the report tells beyond the numbers: how the run came about. Filled while running, kept as run.json and flow.json."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class FlowStep(Struct, frozen=True, kw_only=True):
    """One step from all rows to those that were used; flow.json is a list of these."""

    what: str  # "cohort", "split", ... : the stage that left rows out
    reason: str
    before: int  # rows
    out: int
    after: int
    subjects: int | None = None  # that remain
    groups: dict[str, dict[str, tuple[int, int]]] = {}  # group -> level ("" unknown) -> rows left out, rows that went on


class DataFacts(Struct, frozen=True, kw_only=True):
    """The records: where they came from, to the byte."""

    name: str = ""
    hash: str = ""  # of the store's content
    reader: str = ""
    licence: str = ""
    source: str = ""
    refused: int = 0  # records
    refusals: dict[str, str] = {}  # reason -> how many records, and the first of them by name
    notes: dict[str, int] = {}  # what the reader did to records, counted


class PartFacts(Struct, frozen=True, kw_only=True):
    """One part of a split."""

    rows: int
    subjects: int
    events: int | None = None  # of a yes-or-no question
    classes: dict[str, int] = {}  # rows of each class or label


class PretrainFacts(Struct, frozen=True, kw_only=True):
    """How an encoder was pretrained."""

    input: str
    sequences: int  # subjects that it learnt from
    codes: int  # that they foresee
    unlabelled: int = 0  # subjects without a row in the cohort, those held out included
    vocabulary: int
    held_out: int  # subjects that chose the epoch
    perplexity: float  # of their codes
    accuracy: float | None = None  # share of these that were thought the likeliest
    masked: float = 0.0  # share that was hidden in training; 0: the next codes were foreseen
    epoch: int  # whose weights were kept, counted from 1
    cpu_seconds: float


class VectorFacts(Struct, frozen=True, kw_only=True):
    """The vectors of words that an encoder began at."""

    input: str
    source: str  # the file as the study names it, or how they were learnt
    width: int
    vocabulary: int  # words, without the one that stands for all others
    known: int  # of these have a vector
    read: float | None = None  # share of the training text's words of the vocabulary that have one
    lower: int = 0  # words that a file has in lower case alone
    repeated: int = 0  # words that a file has more than once: the first was taken
    cpu_seconds: float


class SequenceFacts(Struct, frozen=True, kw_only=True):
    """A sequence that was drawn, and is none of training's."""

    text: str
    nearest: float  # how alike the most alike training sequence is, 0 to 1
    file: str = ""  # a picture of it, from the folder of its split


class DrawnFacts(Struct, frozen=True, kw_only=True):
    """The sequences that a language model of residues drew when its run was over."""

    input: str
    alphabet: str
    temperature: float
    samples: int
    ended: int  # of them, by themselves
    valid: int  # of these
    unique: int  # different ones of these
    novel: int  # of these, that training does not have
    training: int  # different sequences that the network learnt from
    nearest: list[float]  # quartiles of how alike the most alike training sequence is to each unique one; of none: empty
    nearest_held_out: list[float]  # the same of the sequences of the part that is judged
    lengths: list[float]  # quartiles, in letters or tokens
    lengths_training: list[float]
    composition: float  # half the sum of the differences of the shares of letters or tokens, drawn and trained: 0 is the same
    shown: list[SequenceFacts] = []  # the first novel ones
    cpu_seconds: float


class SplitFacts(Struct, frozen=True, kw_only=True):
    """One split: its parts, and how the model was trained on it."""

    name: str
    parts: dict[str, PartFacts] = {}  # train, tune, test
    looks: int | None = None  # at these test rows, this one included; null where they were not opened
    history: list[Epoch] = []  # of the first member
    best_epoch: int | None = None
    thresholds: dict[str, float] = {}
    calibration: str = ""  # in words: "platt: slope 0.91, intercept -1.20"
    ensemble: dict[str, float] = {}  # member -> weight
    baselines: list[BaselineFacts] = []
    pretrained: PretrainFacts | None = None
    vectors: list[VectorFacts] = []
    drawn: DrawnFacts | None = None
    cpu_seconds: float | None = None


class Epoch(Struct, frozen=True, kw_only=True):
    """One pass over the training rows."""

    epoch: int
    train_loss: float
    tune_loss: float | None = None
    tune_score: float | None = None


class BaselineFacts(Struct, frozen=True, kw_only=True):
    """A plain model: the settings chosen on tune, among all that were tried."""

    name: str
    chosen: dict[str, str] = {}
    tried: list[Trial] = []
    refused: str = ""  # why it could not be run, where it could not
    cpu_seconds: float | None = None


class Trial(Struct, frozen=True, kw_only=True):
    """Settings that were tried, and what they scored on tune (higher is better)."""

    settings: dict[str, str]
    score: float | None = None


class FanFacts(Struct, frozen=True, kw_only=True):
    """A row whose forecast is drawn: times in seconds from the prediction."""

    row_id: str
    quantity: str
    seen_at: list[float] = []  # of the series before the prediction, where an input holds it in its own unit
    seen: list[float] = []
    at: list[float]  # the ends of the K stretches ahead
    levels: list[float]
    quantiles: list[list[float]]  # K of Q
    said: list[float]  # K
    truth: list[float | None]  # K


class OutlookFacts(Struct, frozen=True, kw_only=True):
    """A subject asked about again and again: what was foreseen each time, and what came. Days count from the index event."""

    row_id: str  # of the last of P predictions
    names: list[str]  # of K causes
    unit: str  # in which times are told
    since: list[float]  # P: when each prediction was made
    days: list[float]  # G, from a prediction on: the grid of its curves
    incidence: list[list[list[float]]]  # P K G: to which share each cause was foreseen to have come
    ended: float  # when the event came, or observation ended
    cause: str  # "": none was seen


class Alarm(Struct, frozen=True, kw_only=True):
    """What one check of the leak audit found."""

    check: str
    severity: Literal["ok", "note", "warning", "leak"]
    text: str
    count: int = 0
    allowed: str = ""  # the reason the study gives for letting it stand


class InputFacts(Struct, frozen=True, kw_only=True):
    """One input of the model."""

    name: str
    modality: str
    encoder: str
    shape: list[int] = []  # of one step
    features: int = 0
    vocabulary: int = 0
    without: int = 0  # rows that have no step of it
    missing: dict[str, float] = {}  # column -> share of rows without a value, the most missing ones


class PictureFacts(Struct, frozen=True, kw_only=True):
    """One picture of a run folder."""

    file: str  # from the run folder
    why: str  # it is shown: worst, best, surest errors, …
    row_id: str
    told: str  # its score, or what was said and what is true
    marks: bool  # whether the truth and the answer are drawn beside it
    split: str = ""  # where there are several


class WordFacts(Struct, frozen=True, kw_only=True):
    """A word of the vocabulary, and what it adds to what is said of texts."""

    class_: str
    word: str
    rows: int  # that have it and were looked at
    change: float  # of the log-odds, in the mean over these


class RunFacts(Struct, frozen=True, kw_only=True):
    """What run.json holds."""

    version: str  # of sequela
    date: str  # ISO 8601
    seed: int
    commit: str = ""
    versions: dict[str, str] = {}
    machine: dict[str, str] = {}
    data: DataFacts = DataFacts()
    splits: list[SplitFacts] = []
    overlap: str = ""  # why a unit may be in several parts; "" where it may not
    audit: list[Alarm] = []
    inputs: list[InputFacts] = []
    parameters: int | None = None  # of the model
    cpu_seconds: float | None = None
    test_opened: bool = False
    notice: str = ""  # what a reader of the answers must know, where the task says so
    rules: tuple[str, ...] = ()  # that the answers are held to, a sentence each
    hashes: dict[str, str] = {}  # of the files of the run
    pictures: list[PictureFacts] = []
    words: list[WordFacts] = []  # by class, those that add most first
    fans: list[FanFacts] = []  # of a forecast
    outlooks: list[OutlookFacts] = []  # of survival
