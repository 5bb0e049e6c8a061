"""What a training is made of, as short strings: a checkpoint goes on only with the same settings and the same rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from sequela import batch
from sequela.config import Study
from sequela.contracts import Evidence
from sequela.errors import ConfigError
from sequela.train.state import Weights
from sequela.types import Array, Boxes, Paired, Spanned, Tags, Target, Times

SECTIONS = ("inputs", "fuse", "task", "train")
FREE = ("train.checkpoint_seconds", "train.members", "train.final")  # change nothing in one member's training
SAMPLED = 64  # rows whose values are hashed


def fingerprint(study: Study, train: Evidence, tune: Evidence | None, start: Weights | None = None) -> dict[str, str]:
    """Name -> value or hash: each setting that matters, the rows, labels, lengths and sampled values of each part, the start."""
    settings = msgspec.to_builtins(study)
    found = {name: value for section in SECTIONS for name, value in _leaves(section, settings[section]) if name not in FREE}
    if held := [rule for rule in study.explain.rules if rule.penalty] if study.explain else []:
        found["explain.rules with a penalty"] = msgspec.json.encode(held).decode()
    for part, rows in (("train", train), ("tune", tune)):
        found |= {f"the {part} part's {name}": value for name, value in _evidence(rows).items()}
    if train.group is not None:
        found |= {"fairness.mitigate": study.fairness.mitigate, "the training part's groups": _hash(*map(str, train.group))}
    if start:
        found["the first weights"] = _hash(*(part for name in sorted(start) for part in (name, start[name].cpu().numpy())))
    return found


def refuse_change(then: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raises ConfigError that names what differs between the training of a checkpoint and this one."""
    changed = [name for name in sorted({*then, *now}) if then.get(name) != now.get(name)]
    if not changed:
        return
    told = "; ".join(_told(name, then.get(name), now.get(name)) for name in changed[:5])
    more = f" (and {len(changed) - 5} more)" if len(changed) > 5 else ""
    raise ConfigError(
        f"the checkpoint is of another training: {told}{more}", hint="undo the change, or start afresh without resuming"
    )


def _told(name: str, then: str | None, now: str | None) -> str:
    if name.startswith("the "):
        return f"{name} are not the same"
    return f"{name} was {then or 'not set'}, now it is {now or 'not set'}"


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(f"{path}.{key}", inner)
    else:
        yield path, msgspec.json.encode(value).decode()


def _evidence(rows: Evidence | None) -> dict[str, str]:
    if rows is None:
        return {}
    sample = np.unique(np.linspace(0, len(rows) - 1, min(SAMPLED, len(rows))).astype(np.int64))
    learnt = rows.target.learnt
    drawn = batch.collate(rows.inputs, sample).inputs.values()
    return {
        "rows": _hash(*map(str, rows.row_id)),
        "labels": _hash(
            np.where(learnt.known, learnt.values, 0.0),
            learnt.known,
            *rows.target.names,
            *_marked(rows.target, sample),
        ),
        "lengths": _hash(*(ragged.lengths for ragged in rows.inputs.values())),
        "inputs": _hash(*(f"{name} {spec}" for name, spec in rows.specs.items())),
        "values": _hash(*(array for seq in drawn for array in (seq.values, seq.position, seq.side, seq.context))),
    }


def _marked(target: Target, sample: Array) -> list[Array]:
    """What was marked on these pictures, where anything was."""
    if isinstance(target.dense, Boxes):
        return [target.dense.offsets, target.dense.corners, target.dense.label]
    if isinstance(target.dense, Tags):
        return [target.dense.offsets, target.dense.value, target.dense.judged]
    if isinstance(target.dense, Times):
        return [target.dense.time, target.dense.cause, target.dense.entry]
    if isinstance(target.dense, Spanned):
        return [target.dense.tags.offsets, target.dense.tags.value, target.dense.spans.begin, target.dense.spans.end]
    if isinstance(target.dense, Paired):
        return [target.dense.pairs.offsets, target.dense.pairs.low, target.dense.pairs.high, target.dense.letters]
    return [] if target.dense is None else [target.dense.whole(row) for row in sample if target.known[row, 0]]


def _hash(*parts: Array | str | None) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(
            part.encode() if isinstance(part, str) else np.ascontiguousarray(part).tobytes() if part is not None else b""
        )
        digest.update(b"\x1f")
    return digest.hexdigest()
