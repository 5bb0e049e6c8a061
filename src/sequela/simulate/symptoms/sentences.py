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
            "I have had {s} since Monday.",
            "We came because of {s}.",
            "The complaint is {s}.",
            "Also having {s}.",
            "Reports {s}.",
            "For weeks now {s}.",
            "What brings me here is {s}.",
            "I have also developed {s}.",
            "Yesterday it began: {s}.",
            "The patient has {s}.",
            "Suffers from {s}.",
            "And then there is {s}.",
        ),
        "denied": (
            "I do not have {s}.",
            "No {s}.",
            "There is no {s}.",
            "Denies {s}.",
            "Without {s}.",
            "I have not noticed {s}.",
            "Asked about {s}, the answer is no.",
            "There was no {s}.",
            "I do not suffer from {s}.",
            "The patient has no {s}.",
            "Not troubled by {s}.",
            "Never {s}.",
            "{s}: none.",
            "Says no to {s}.",
            "I have had no {s}.",
            "No sign of {s} at all.",
        ),
        "other": (
            "My mother has {s}.",
            "My husband is suffering from {s}.",
            "At home the children have {s}.",
            "A colleague complains of {s}.",
            "My sister is treated for {s}.",
            "My brother has had {s}.",
            "My father is troubled by {s}.",
            "The mother complains of {s}.",
            "My wife is having {s}.",
            "The neighbour has {s}.",
            "At work somebody had {s}.",
            "My son came home with {s}.",
            "My mother is suffering from {s}.",
            "The father has {s}.",
            "A child at home has {s}.",
        ),
        "past": (
            "Years ago I had {s}, but it went away.",
            "As a child I suffered from {s}.",
            "Last year there was {s}, now gone.",
            "The {s} of last summer has passed.",
            "I used to have {s}.",
            "Years ago there was {s}.",
            "I had {s} last year, which has passed.",
            "In the past I suffered from {s}.",
            "As a child I had {s}.",
            "I had {s} some years ago, but no more.",
            "Once there was {s}, long gone.",
            "Some years ago I was troubled by {s}, which went away.",
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
