"""The verbs of Sequela: what a reader, a modality, an encoder, a task and a baseline must do. Read after `types`.

Each lives in one file whose name is its registered name, `encoders/gru_d.py` for `encoder = "gru_d"`. That module has

    Config   a frozen msgspec.Struct (kw_only, forbid_unknown_fields): the options that a study may set, each with a default but
             for what the data alone can say (the code of a score)
    build    makes the thing from its Config (and what else its kind is given, see below)

and, for a modality, `State`: a frozen msgspec.Struct that survives JSON. Nothing else is edited. Other packages add theirs by
entry point (`registry.py`). Importing such a module imports no extra; torch is imported by encoders and tasks alone.

    readers      build(config)                      -> Reader      and VERSION: int, raised when the output changes; LABELS, its
                                                                   options that records without labels need not bear out, or
                                                                   UNLABELLED, options laid over those for such records
    modalities   build(config)                      -> Modality    and State
    encoders     build(spec, config)                -> Encoder     (an nn.Module)
    tasks        build(config, names)               -> Task        names: of the target. A task whose target is its own input has
                                                                   own_names(specs) and own_target(inputs, specs); one that is
                                                                   not named after its kind, KIND; one of classes whose
                                                                   order means something, ORDERED; one whose options name files,
                                                                   gathered(config, find), which reads them into the options;
                                                                   one whose head looks at its input, placed(task, study, specs)
    baselines    build(config)                      -> Baseline    one held against masks of another code names it: marks(config)

Read the files in this order; what only some of a kind can do is a protocol of its own, asked for where its verb is needed:

    readers      Source and Sink: what a reader reads from and writes to; Reader
    modalities   Modality; Refusing, Shortening and Itemised, which some are; Fitted: one that has learnt
    encoders     Encoder; Worded and Stateful, which some are
    tasks        Task; Painter, Boxer, Tagger, Agreeing, Spanner, Choosing, Settling, Joint and Guarded, which some are
    evidence     Evidence: rows with all that is known of them, for the model and the baselines alike
    baselines    Baseline
    progress     Progress
"""

from __future__ import annotations

from sequela.contracts.baselines import Baseline
from sequela.contracts.encoders import Encoder, Stateful, Worded
from sequela.contracts.evidence import Evidence
from sequela.contracts.modalities import Fitted, Itemised, Modality, Refusing, Shortening
from sequela.contracts.progress import Progress
from sequela.contracts.readers import Reader, Sink, Source
from sequela.contracts.tasks import Agreeing, Boxer, Choosing, Guarded, Joint, Painter, Settling, Spanner, Tagger, Task

__all__ = [
    "Agreeing",
    "Baseline",
    "Boxer",
    "Choosing",
    "Encoder",
    "Evidence",
    "Fitted",
    "Guarded",
    "Itemised",
    "Joint",
    "Modality",
    "Painter",
    "Progress",
    "Reader",
    "Refusing",
    "Settling",
    "Shortening",
    "Sink",
    "Source",
    "Spanner",
    "Stateful",
    "Tagger",
    "Task",
    "Worded",
]
