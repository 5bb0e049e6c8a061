"""What conlleval says of tagged sentences, for tests/metrics/test_entities.py.

    python tests/golden/entities.py

writes entities.json: made with seqeval 1.2.2, nervaluate 1.2.1 and NumPy 2.4.6. The counts are those of conlleval's own way,
which reads both columns of tags side by side and never builds a list of stretches; it is written here anew after the rules of its
Perl source, and held against seqeval, which is another writing of them. Those found in part are nervaluate's "ent_type", after
SemEval 2013 task 9.1, of the sentences in which no stretch touches two.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_suffix(".json")
EVERY = ("plain", "dense", "illegal", "nothing said", "nothing there")
TYPES = ("Disease", "Drug", "Test")


def sentences(case, seed=0):
    """Pairs of BIO tags, true and said, of 40 sentences."""
    random = np.random.default_rng([seed, EVERY.index(case)])
    found = []
    for _ in range(40):
        truth = tagged(random, int(random.integers(1, 25)), 0.6 if case == "dense" else 0.3)
        said = perturbed(random, truth, illegal=case == "illegal")
        nothing = ["O"] * len(truth)
        found.append((nothing if case == "nothing there" else truth, nothing if case == "nothing said" else said))
    return found


def tagged(random, length, share):
    """Stretches of one to four tokens, some of them side by side."""
    tags = ["O"] * length
    at = 0
    while at < length:
        if random.random() < share:
            size, kind = int(random.integers(1, 5)), TYPES[random.integers(len(TYPES))]
            for place in range(at, min(at + size, length)):
                tags[place] = ("B-" if place == at else "I-") + kind
            at += size
        else:
            at += 1
    return tags


def perturbed(random, truth, *, illegal):
    """Each tag with a chance to become another; what is then not legal BIO is mended, unless it is wanted."""
    choices = ["O", *[f"{part}-{kind}" for kind in TYPES for part in "BI"]]
    tags = [choices[random.integers(len(choices))] if random.random() < 0.15 else tag for tag in truth]
    if illegal:
        return tags
    for place, tag in enumerate(tags):
        before = tags[place - 1] if place else "O"
        if tag.startswith("I-") and before[2:] != tag[2:]:
            tags[place] = "B-" + tag[2:]
    return tags


def starts(before, now):
    """Whether a stretch begins with this tag, by conlleval's startOfChunk."""
    return now != "O" and (now[0] == "B" or before == "O" or before[2:] != now[2:])


def ends(before, now):
    """Whether a stretch ended before this tag, by conlleval's endOfChunk."""
    return before != "O" and (now == "O" or now[0] == "B" or before[2:] != now[2:])


def conlleval(pairs):
    """Of each type [right, said, true]: one pass over the tokens, as conlleval.pl makes it."""
    count = {kind: [0, 0, 0] for kind in TYPES}
    for truth, said in pairs:
        inside, last_true, last_said = False, "O", "O"
        for true, guess in zip([*truth, "O"], [*said, "O"], strict=True):
            if inside:
                true_ends, said_ends = ends(last_true, true), ends(last_said, guess)
                if true_ends and said_ends and last_true[2:] == last_said[2:]:
                    inside = False
                    count[last_true[2:]][0] += 1
                elif true_ends != said_ends or true[2:] != guess[2:]:
                    inside = False
            if starts(last_true, true) and starts(last_said, guess) and true[2:] == guess[2:]:
                inside = True
            if true != "O":
                count[true[2:]][2] += starts(last_true, true)
            if guess != "O":
                count[guess[2:]][1] += starts(last_said, guess)
            last_true, last_said = true, guess
    return count


def stretches(tags):
    """(begin, end, type) in tokens."""
    found, begin = [], None
    for place, (before, now) in enumerate(zip(["O", *tags], [*tags, "O"], strict=True)):
        if begin is not None and ends(before, now):
            found.append((begin, place, before[2:]))
            begin = None
        if starts(before, now):
            begin = place
    return found


def simple(truth, said):
    """Whether no stretch of either shares a token with two of the other."""
    one, other = stretches(truth), stretches(said)

    def touched(left, right):
        return max((sum(a[0] < b[1] and b[0] < a[1] for b in right) for a in left), default=0)

    return touched(one, other) <= 1 and touched(other, one) <= 1


def main():
    from nervaluate import Evaluator
    from seqeval.metrics.sequence_labeling import precision_recall_fscore_support

    told = {"seqeval": version("seqeval"), "nervaluate": version("nervaluate"), "numpy": np.__version__}
    for case in EVERY:
        pairs = sentences(case)
        count = conlleval(pairs)
        right, said, true = np.sum(list(count.values()), 0)
        precision, recall, f1, _ = precision_recall_fscore_support(
            *map(list, zip(*pairs, strict=True)), average="micro", zero_division=0
        )
        expected = [right / said if said else 0, right / true if true else 0, 2 * right / (said + true)]
        np.testing.assert_allclose([precision, recall, f1], expected)
        plain = [pair for pair in pairs if simple(*pair)]
        held = Evaluator([one for one, _ in plain], [other for _, other in plain], tags=list(TYPES), loader="list").evaluate()
        told[case] = {"types": count, "f1": float(f1), "partial": held["overall"]["ent_type"].correct, "plain": len(plain)}
        told[case]["spurious"] = held["overall"]["ent_type"].spurious
        told[case]["missed"] = held["overall"]["ent_type"].missed
    FILE.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
