"""What patients say of symptoms that they have, do not have, had once, or that somebody else has; a set for each part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from sequela.types import Part

Kind: TypeAlias = Literal["has", "denied", "other", "past"]


PARTS: Mapping[Part, Mapping[Kind, tuple[str, ...]]] = {
    "train": {
        "has": (
            "I have {s}.",
            "For three days there has been {s}.",
            "The main problem is {s}.",
            "Complains of {s}.",
            "It started with {s}.",
            "I am suffering from {s}.",
            "Since last week {s}.",
            "There is also {s}.",
            "I am troubled by {s}.",
            "Now also {s}.",
        ),
        "denied": (
            "I do not have {s}.",
            "No {s}.",
            "There is no {s}.",
            "Denies {s}.",
            "Without {s}.",
            "I have not noticed {s}.",
            "Asked about {s}, the answer is no.",
        ),
        "other": (
            "My mother has {s}.",
            "My husband is suffering from {s}.",
            "At home the children have {s}.",
            "A colleague complains of {s}.",
            "My sister is treated for {s}.",
        ),
        "past": (
            "Years ago I had {s}, but it went away.",
            "As a child I suffered from {s}.",
            "Last year there was {s}, now gone.",
            "The {s} of last summer has passed.",
            "I used to have {s}.",
        ),
    },
    "tune": {
        "has": ("I came because of {s}.", "For a week I have had {s}.", "Also complains of {s}."),
        "denied": ("There has been no {s}.", "I have no {s}."),
        "other": ("My wife has {s}.", "A sister at home has {s}."),
        "past": ("I had {s} years ago, now gone.", "As a child there was {s}."),
    },
    "test": {
        "has": (
            "I am having {s}.",
            "Since three days I have {s}.",
            "What troubles me is {s}.",
            "The patient complains of {s}.",
            "Also suffering from {s}.",
            "Last week it started: {s}.",
        ),
        "denied": (
            "The patient denies {s}.",
            "I have not had {s}.",
            "There is no sign of {s}.",
            "Asked about {s}: no.",
        ),
        "other": ("My father has {s}.", "My mother complains of {s}.", "The children at home have had {s}."),
        "past": (
            "Years ago there was {s}, but it has passed.",
            "I used to suffer from {s}.",
            "Last year I had {s}, which went away.",
        ),
    },
}
OPENINGS = ("", "Good morning.", "I am {age} years old.", "A {age}-year-old patient.", "Hello, I am {age}.")
ASIDES = (
    "",
    "I have not been travelling.",
    "I work in an office.",
    "Please advise.",
    "My appetite is as usual.",
    "I take no tablets.",
    "We have a dog.",
    "It does not get better with tea.",
)
