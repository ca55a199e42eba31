"""The keys of the journal: one class for each kind of finished work, declared by the pattern of its text."""

import re
from dataclasses import dataclass, fields
from typing import Any, ClassVar

_MEMBER_NAME = "generation_{generation:03d}/member_{index:03d}"
_EXPRESSIONS = {str: ".+", int: r"\d{1,18}"}  # up to 18 digits fit into 64 bits

RANDOM_MEMBERS = "random_members"
"""The stage whose members are trained without a search."""


@dataclass(frozen=True)
class Key:
    """A key of the journal.

    Each subclass declares the pattern of its text, whose fields are the fields of the class. `str` formats a key by
    this pattern, and `parse` reads a key by the same pattern.
    """

    pattern: ClassVar[str]

    def __str__(self) -> str:
        return self.pattern.format_map(vars(self))


@dataclass(frozen=True)
class MeasureKey(Key):
    """Scores on the true factors: ``x_model`` and ``final`` name the model, ``chen`` the final model's other estimator.

    `parse` tries the classes in order. This one comes first, since no stage is called ``measure``.
    """

    pattern = "measure/{name}"
    name: str


@dataclass(frozen=True)
class MemberKey(Key):
    """A trained and scored member of a stage."""

    pattern = "{stage}/" + _MEMBER_NAME
    stage: str
    generation: int
    index: int


@dataclass(frozen=True)
class OutcomeKey(Key):
    """The end of a stage: the selected member, and the reason why the stage ended."""

    pattern = "{stage}/outcome"
    stage: str


@dataclass(frozen=True)
class EarlyStopKey(Key):
    """The decision to end a stage early: the generation after which it ends, and the reason."""

    pattern = "{stage}/early_stop"
    stage: str


@dataclass(frozen=True)
class PoolKey(Key):
    """The labels that a stage added to the label pool."""

    pattern = "{stage}/pool"
    stage: str


@dataclass(frozen=True)
class IterationKey(Key):
    """The result of one iteration of a leaf run. The text is also the name of the iteration's stage."""

    pattern = "leaf_{leaf}/iteration_{iteration}"
    leaf: int
    iteration: int

    @property
    def leaf_name(self) -> str:
        """The leaf run's folder: ``leaf_0``."""
        return f"leaf_{self.leaf}"


@dataclass(frozen=True)
class HeldFixedKey(Key):
    """The labels that a leaf run holds fixed."""

    pattern = "leaf_{leaf}/held"
    leaf: int


@dataclass(frozen=True)
class VerdictKey(Key):
    """The verdict on the run's model."""

    pattern = "verdict"


@dataclass(frozen=True)
class SessionKey(Key):
    """The duration of one session: a start of the run that was not killed."""

    pattern = "session/{number:03d}"
    number: int


@dataclass(frozen=True)
class SummaryKey(Key):
    """The summary of the finished run."""

    pattern = "summary"


def _compile(kind: type[Key]) -> tuple[re.Pattern[str], dict[str, Any]]:
    """The regular expression of a key's pattern, with a group for each field, and the fields' types."""
    types: dict[str, Any] = {field.name: field.type for field in fields(kind)}
    groups = {name: f"(?P<{name}>{_EXPRESSIONS[types[name]]})" for name in types}
    return re.compile(re.sub(r"\{(\w+)(:\w+)?\}", lambda field: groups[field[1]], kind.pattern)), types


_COMPILED = {kind: _compile(kind) for kind in Key.__subclasses__()}


def parse(text: str) -> Key | None:
    """Reads a key from its text; None for a text that no key has."""
    for kind, (expression, types) in _COMPILED.items():
        if match := expression.fullmatch(text):
            key = kind(**{name: types[name](value) for name, value in match.groupdict().items()})
            return key if str(key) == text else None
    return None


def member_name(generation: int, index: int) -> str:
    """A member's name within its stage: ``generation_002/member_005``."""
    return _MEMBER_NAME.format(generation=generation, index=index)
