"""What a study may say: its sections, each key with its default and what it means."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from sequela.config.statements import Statements
from sequela.config.strict import Duration, Name, Named, Strict
from sequela.config.trust import Explain, Fairness, Plan, Robustness, Uncertainty


class Data(Strict, frozen=True):
    """Where the records are."""

    source: str  # a store, or raw files (folder, file, zip, tar.xz); looked for beside the study, then under SEQUELA_DATA
    reader: str = ""  # left out when source is a store
    options: dict[str, Any] = {}  # of the reader
    max_refused: Annotated[float, Meta(ge=0, le=1)] = 0.1  # share of refused records that stops the import


class Exclusion(Strict, frozen=True):
    """Rows left out, with the reason that the flow shows. Exactly one of the three ways to say which."""

    reason: str
    when: str = ""  # "no measurement", "no input", "no label", or a comparison such as "AGE < 18"
    code: str = ""  # rows that have this code (or, with a trailing *, one that starts so) before the prediction
    subjects: list[str] = []  # these subjects, by source id


class Group(Strict, frozen=True):
    """A grouping of rows for the report: a static code, a number cut into bands, or how long after its index event a row is.

    Or, with `sequence`, a unit for the split: rows whose sequences are alike. Such a grouping is not shown in the report.
    """

    name: Name
    code: str = ""  # left out: the name in capitals (without _BAND)
    bands: list[float] = []  # cut points of a number (of `elapsed`, days): [45, 65] gives <45, 45-65, >=65
    elapsed: bool = False  # instead of a code: the time from the index event to the prediction, such as "3y"
    sequence: str = ""  # instead of a code: for the split, rows by their SEQUENCE//<sequence>
    by: Literal["", "exact", "kmers", "mmseqs", "scaffold"] = ""  # what makes sequences one group; mmseqs: if it is installed
    identity: Annotated[float, Meta(ge=0.3, le=1)] | None = None  # of kmers and mmseqs: share of letters that makes two alike


class Predicate(Strict, frozen=True):
    """Events by name: told by their code, number and text, or made of other predicates."""

    code: str | list[str] = ""  # exact, with a * at either end, or a /regular expression/; of several, any one
    under: str | list[str] = ""  # these codes, and all that stand below them in their hierarchy
    phenotype: str = ""  # the ICD-9 codes of one of the 25 acute care conditions of the MIMIC-III benchmark, by its name
    value_min: float | None = None  # least number; an event without one does not fit
    value_max: float | None = None  # largest number
    value_min_inclusive: bool = True
    value_max_inclusive: bool = True
    text: str | list[str] = ""  # of the event: written as a code is
    any: list[str] = []  # instead of a code: moments at which one of these predicates holds
    all: list[str] = []  # instead of a code: moments at which every one of these predicates holds
    optional: bool = False  # the data may have no such code


class Window(Strict, frozen=True):
    """A stretch of the record around each row; a row is left out where it does not exist, or has not what is asked of it.

    A boundary is `start of record`, `end of record`, or one of `trigger`, `prediction`, `NAME.start`, `NAME.end` (of another
    window), `start` and `end` (the other side of this one), which `+ 24h`, `- 24h`, `-> PREDICATE` (the next) or `<- PREDICATE`
    (the one before) may follow.
    """

    start: str = "start of record"
    end: str = "end of record"
    start_inclusive: bool = False  # whether what happens at that very moment belongs to it
    end_inclusive: bool = True
    has: dict[str, int | str] = {}  # predicate -> how often it must hold: 0, or "(least, most)" with None for any
    same_visit: bool = False  # only events of the visit that the trigger belongs to
    reason: str = ""  # of those left out, for the flow; left out: the clause that they miss


class Cohort(Strict, frozen=True):
    """Which rows the study asks about, and when: from an index event by its code, or from a trigger among the predicates."""

    index: str = (
        ""  # the event a row starts from ("ICU//ADMISSION"); "EACH//CODE": a row for each such event; "SAMPLE": one a subject
    )
    trigger: str = ""  # instead: a row for each moment at which this predicate holds
    predicates: dict[str, Predicate] = {}
    windows: dict[str, Window] = {}
    predict_at: str = "0s"  # so long after the index event or trigger; or a boundary of a window, such as "input.end"
    every: Duration | None = None  # and so often from then on, as long as the window `during` lasts
    during: str = ""  # the window in which predictions lie: from its start to before its end
    at_end: bool = False  # with `every`: and once more as that window ends, for what came since the last
    history: Duration | None = None  # how far back inputs look; left out: everything known
    include: list[str] = []  # only these subjects, by source id; left out: all
    exclude: list[Exclusion] = []
    groups: list[str | Group] = []
    max_rows_per_subject: int | None = None  # the first so many


class Outcome(Strict, frozen=True):
    """What is to be predicted: an event within a time, a label of the data, or what a window holds; nothing for next_event."""

    window: str = ""  # of cohort.windows: what happens in it is predicted, by one of the next three
    label: str | list[str] = ""  # whether this predicate holds in it; several for multilabel; with `value`, its number
    codes: str | list[str] = ""  # which codes that fit these are in it: a label each, for multilabel
    length: Literal["", "hours", "days"] = ""  # how long it lasts
    cuts: list[float] = []  # the length, value or number of the column as classes: [3, 7] gives <3, 3-7, >=7
    broader: bool = False  # `codes` stands for broader codes too: such a label holds where a code below it is in the window
    min_subjects: Annotated[int, Meta(ge=1)] = 1  # that have a code, for it to be among `codes` or the labels of a `separator`
    censored: Literal["missing", "negative"] = "missing"  # the label where the record ends before its window, without the event
    code: str | list[str] = ""  # an event; several codes for multilabel
    column: str | list[str] = ""  # a label: the events LABEL//<column>; several for multilabel or multivariate regression
    soft: bool = False  # labels of `column` may lie between 0 and 1: training learns them, and nothing is judged by them
    mask: str = ""  # of the task segment: the code of the masks; `classes` names what their values 1, 2, … are
    instances: bool = False  # the values of a mask tell one thing from the next of its kind: `classes` names that kind
    boxes: str = ""  # of the task detect: boxes are the events <boxes>//<class>; `classes` orders, gathers or chooses these
    spans: str = ""  # of the task entities: the name of what was marked in texts; `classes` orders, gathers or chooses its types
    hierarchy: str | dict[str, list[str]] = ""  # of multilabel: which labels stand above which: an .obo, or CSV of child, parent
    separator: str = ""  # of multilabel: the one column holds several labels, with this between them; alone, it says: none
    lasting: bool = False  # of tagging: a label holds until the next one, rather than of the step at its moment alone
    delay: Duration = "0s"  # of tagging: a step is judged at the first prediction so long after it, or at its record's last one
    within: str = ""  # "stay" or a duration after the prediction (plus gap)
    gap: Duration = "0s"  # events sooner than this after the prediction make the row unusable
    recurs: bool = False  # it may happen again: before the index event it does not count as having happened
    stay_end: str = "*//DISCHARGE"  # the event that ends a stay, for within = "stay"
    value: Literal["", "first", "last", "mean", "min", "max"] = ""  # a number of the event after the prediction, for regression
    horizons: list[Duration] = []  # of survival: so long after the prediction its answers are judged; the last bounds all curves
    follow_up: str = ""  # of survival: the event that ends the observation; left out: the last event of the record
    entry: str = ""  # of survival: the event from which on a subject is under observation, where that is after the prediction
    unit: Literal["hours", "days", "months", "years"] = "days"  # of survival: in which times are told
    letters: bool = False  # of tagging: the label is a text with a letter for each step of a sequence; `-` and ` ` are not known
    pairs: str = ""  # of contact: the name of the pairs of places that were marked in a sequence
    every: Duration | None = None  # of the task forecast: that number in each stretch of so long, up to `within`
    classes: dict[str, list[str]] | list[str] = []  # order of the classes; as a table: class -> the raw labels it gathers


class Input(Strict, frozen=True):
    """One input of the model: how it is read, and the network that reads it."""

    modality: Named
    encoder: Named
    vectors: Named | None = None  # of words, that its encoder begins at: "skipgram", of the training rows alone, or of a "file"
    augment: list[Named] = []  # applied to training batches only
    average: list[Literal["horizontal", "vertical", "depth", "quarter", "reverse_complement"]] = []  # an answer is their mean


class Apart(Strict, frozen=True):
    """Sequences of test that training must not have seen: the rows of train and tune that are too like one of them leave."""

    sequence: Name  # of SEQUENCE//<sequence>
    identity: Annotated[float, Meta(gt=0, le=1)] = 1.0  # rows this much alike leave; 1: copies; of molecules: Tanimoto


class Split(Strict, frozen=True):
    """How rows are shared out; a unit (a subject, unless `unit` says otherwise) is in one of train, tune and test only."""

    by: Literal["subject", "site", "time", "list", "folds"] = "subject"
    shares: tuple[float, float, float] = (0.7, 0.15, 0.15)  # train, tune, test
    files: list[str] = []  # by = "list": CSV of (subject, part), one run each; none: the parts that the source itself assigns
    parts: dict[str, list[str]] = {}  # by = "list": subjects of each part, written out; without tune, it is drawn from train
    column: str = ""  # by = "site": the group that names the site
    test: list[str] = []  # by = "site": the sites kept for the test
    unit: str = ""  # a group that keeps several subjects (a family, a child's two eyes) or none apart
    order: Literal["", "largest"] = ""  # with `unit`: the largest first, to train until it is full, then tune, then test
    apart: Apart | None = None  # keeps what is too like a sequence of test out of training; counted in the flow
    stratify: str = ""  # a group of whose levels each part gets its share; left out: of the classes, where there are any
    folds: Annotated[int, Meta(ge=2)] = 5
    tune: Annotated[float, Meta(gt=0, lt=1)] = (
        0.15  # share of the training units used to choose, where the split names no tune part
    )
    seed: int = 0
    allow_overlap: str = ""  # the reason why a unit may be in several parts; the report says it first


class Optimizer(Strict, frozen=True):
    name: Literal["adam", "adamw", "rmsprop", "sgd"] = "adamw"
    lr: Annotated[float, Meta(gt=0)] = 1e-3
    weight_decay: Annotated[float, Meta(ge=0)] = 0.01
    momentum: Annotated[float, Meta(ge=0, lt=1)] = 0.9  # sgd and rmsprop
    betas: tuple[float, float] = (0.9, 0.999)  # adam and adamw


class Schedule(Strict, frozen=True):
    name: Literal["constant", "step", "cosine", "plateau", "warmup", "one_cycle"] = "constant"
    warmup: Annotated[float, Meta(ge=0, lt=1)] = 0.1  # share of all steps: warmup, cosine; the rise of one_cycle is `rise`
    rise: Annotated[float, Meta(gt=0, lt=1)] = 0.3
    every: Annotated[int, Meta(ge=1)] = 10  # epochs between the drops of step; epochs without gain before plateau drops
    factor: Annotated[float, Meta(gt=0, lt=1)] = 0.1  # of step and plateau


class Train(Strict, frozen=True):
    epochs: Annotated[int, Meta(ge=1)] = 20
    batch: Annotated[int, Meta(ge=1)] = 64
    seed: int = 0
    members: Annotated[int, Meta(ge=1)] = 1  # models trained from different seeds whose answers are averaged
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    clip: float | None = None  # largest norm of the gradient
    clip_value: float | None = None  # largest absolute entry of the gradient
    patience: Annotated[int, Meta(ge=0)] = 5  # epochs without a better tune result before stopping; 0: all epochs, last weights
    monitor: Literal["loss", "score"] = "loss"  # on tune; score: AUROC, macro AUROC, minus MAE, accuracy of the next code
    balance: Literal["none", "weights", "sampling"] = "none"  # after either, probabilities are recalibrated on tune
    balance_power: Annotated[float, Meta(gt=0, le=1)] = 1.0  # of the inverse class frequency: 1 balances wholly, 0.5 half-way
    mixup: Annotated[float, Meta(ge=0)] = 0.0  # alpha of the Beta distribution by which two rows are mixed; 0: none are
    average: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # decay of an exponential average of the weights; 0: none
    checkpoint_seconds: Annotated[float, Meta(gt=0, le=60)] = 30.0
    final: Literal["best", "refit"] = "best"  # refit: train + tune together for the epochs that were best
    device: Literal["cpu", "cuda"] = "cpu"
    threads: Annotated[int, Meta(ge=1)] = 1


class Pretrain(Strict, frozen=True):
    """The encoder of one input of codes learns to foresee the next code before it learns the question (task next_event).

    With `masked` it learns to tell codes that are hidden from what stands around them, which suits one that sees both ways.

    It reads subjects of the training part, and those without a row in the cohort where `unlabelled` says so; never others.
    """

    input: str = ""  # left out where the study has one input
    records: Literal["known", "whole"] = "known"  # of training subjects: what is known at their last row, or to their end
    unlabelled: bool = False  # also the whole records of the subjects without a row in the cohort
    held_out: Annotated[float, Meta(gt=0, lt=1)] = 0.1  # share of those subjects that choose the epoch; the perplexity is theirs
    masked: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # share of the codes that are hidden and told: 0.15; 0: the next code
    epochs: Annotated[int, Meta(ge=1)] = 20
    batch: Annotated[int, Meta(ge=1)] = 64
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    clip: float | None = 1.0  # largest norm of the gradient
    patience: Annotated[int, Meta(ge=0)] = 3  # epochs without a better perplexity before stopping; 0: all epochs, last weights


class Ensemble(Strict, frozen=True):
    """An average of the model and baselines, weighed on tune."""

    members: list[str] = []  # "model", "baseline:boosting"
    space: Literal["logit", "probability"] = "logit"


class Baselines(Strict, frozen=True):
    names: list[Named] | None = None  # left out: those that suit the task and its inputs
    scores: list[str] = []  # codes of score columns that the data brings, each a baseline of its own


class Evaluate(Strict, frozen=True):
    threshold: str | float = "youden"  # on tune: youden, f1, "sensitivity=0.9", "specificity=0.95", jaccard (sets); or a number
    bootstrap: Annotated[int, Meta(ge=0)] = 1000
    confidence: Annotated[float, Meta(gt=0.5, lt=1)] = 0.95
    min_group: Annotated[int, Meta(ge=1)] = 20  # groups with fewer rows, or fewer than min_events, are suppressed
    min_events: Annotated[int, Meta(ge=0)] = 5
    recalibrate: Literal["auto", "none", "platt", "isotonic", "temperature", "beta", "best"] = "auto"  # best: chosen within tune
    classes: list[str] = []  # for macro averages; left out: all
    gathered: dict[str, list[str]] = {}  # of several classes: fewer ones, each with those that it gathers, judged beside them
    recording: Duration | None = None  # rows of a subject no further apart are moments of one; left out: nothing is asked of any
    silence: Duration = "0s"  # where a patient is asked about again and again: no second alert of a stay within so long
    tolerance: Annotated[float, Meta(ge=0)] = 1.0  # of the surface Dice of masks: mm, or points where no spacing is known
    without: list[str] = []  # subjects left out in a second, sensitivity analysis of the test part


class Audit(Strict, frozen=True):
    """Alarms of the leak audit that the study answers, each with the reason; the report shows them."""

    allow: dict[str, str] = {}  # name of the check -> reason
    suspicious_auroc: Annotated[float, Meta(gt=0.5, le=1)] = 0.97  # of one column alone


class Study(Strict, frozen=True):
    """A study file, whole."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    question: str
    data: Data
    cohort: Cohort
    inputs: Annotated[dict[str, Input], Meta(min_length=1)]
    task: Named
    outcome: Outcome = Outcome()  # left out where the task asks for none: next_event
    fuse: Named = "concat"
    split: Split = Split()
    train: Train = Train()
    pretrain: Pretrain | None = None
    baselines: Baselines = Baselines()
    ensemble: Ensemble = Ensemble()
    evaluate: Evaluate = Evaluate()
    uncertainty: Uncertainty = Uncertainty()
    fairness: Fairness = Fairness()
    plan: Plan = Plan()
    explain: Explain | None = None
    robustness: Robustness | None = None
    audit: Audit = Audit()
    statements: Statements = Statements()
    notes: str = ""  # intended use, limits: copied into the report and the card
