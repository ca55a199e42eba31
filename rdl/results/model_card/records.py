"""What a run's records tell of its model, for a card: texts and numbers of the types that a card needs, or nothing.

Anybody may have written a run. Nothing that its configuration names is imported or called.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from rdl.config import gin_text
from rdl.errors import UserError
from rdl.results import comparability, result_tree, run_scores
from rdl.results.comparison import HEADLINES
from rdl.results.run_scores import Conditions
from rdl.runs import Layout, RunReader, files
from rdl.runs.layout import MemberKey, OutcomeKey
from rdl.runs.typed import typed
from rdl.scoring.names import METRICS
from rdl.verdict import Verdict

_MORE = {
    "mig_sup": ("MIG-sup", "mig"),
    "mig_chen": ("MIG (Chen's estimator)", ""),
    "mig_sup_chen": ("MIG-sup (Chen's estimator)", ""),
}
"""Scores that a summary alone has: key -> (in words, the metric whose conditions it shares)."""
# The folders of an absolute path tell of its writer's machine, not of the model.
_FOLDERS = re.compile(r"""(?<=['"])(?:~|/)[^'"]*/(?=[^'"/]+/?['"])""")
Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Images:
    """What ``dataset.json`` tells of the images: how many, their shape, a hash, values of each factor."""

    images: int
    shape: list[int]
    content: str
    factors: dict[str, int] | None = None


@dataclass(frozen=True)
class Surroundings:
    """What a session wrote down of its own."""

    commit: str | None = None
    python: str | None = None
    packages: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Score:
    """A number of the model on the true factors.

    Attributes:
      kind: metric and key, such as ``dci.completeness``.
      words: what people call it; empty for a metric of one's own.
      value: the number.
      conditions: what else it depends on.
    """

    kind: str
    words: str
    value: float
    conditions: Conditions


@dataclass(frozen=True)
class CardRecords:
    """The records of a run directory, finished or not.

    Attributes:
      run: where they lie.
    """

    run: Layout

    @property
    def name(self) -> str:
        """The run's folder."""
        return self.run.root.absolute().name

    @cached_property
    def _reader(self) -> RunReader:
        return RunReader(self.run)

    @cached_property
    def settings(self) -> dict[str, str]:
        """What decided the training, in gin's text; of absolute paths the last name alone."""
        config = gin_text.parse_gin_text(self._reader.config)
        trained = dict(comparability.from_run(config))
        if seed := config.get("experiment.seed"):
            trained["experiment.seed"] = seed
        return {key: _FOLDERS.sub("", value) for key, value in sorted(trained.items())}

    @cached_property
    def _used(self) -> dict[str, str]:
        """What was used, in gin's text, defaults among it, where that is known."""
        return {key: _FOLDERS.sub("", value) for key, value in self._reader.settings.items()}

    def named(self, key: str) -> str:
        """What a setting refers to or says, without gin's signs; empty where it is neither set nor known."""
        return self.settings.get(key, self._used.get(key, "")).strip("@()'\"")

    @property
    def part(self) -> dict[str, str]:
        """What was asked for of the data set."""
        told = {key.removeprefix("dataset."): text for key, text in self.settings.items() if key.startswith("dataset.")}
        return {key: text for key, text in told.items() if key not in ("name", "prepare", "progress")}

    @property
    def job(self) -> str:
        """gin's name of the job."""
        return self.named("experiment.job")

    @property
    def searched(self) -> bool:
        """Whether the job is the search of one population, of more than one member."""
        return self.job in ("search", "train_ladder") and self.named("population.size") != "1"

    @property
    def evolved(self) -> bool:
        """Whether members of the population took over from others."""
        return self.named("population.rule") in ("", "truncation", "frequencies")

    @property
    def score(self) -> str:
        """gin's name of what the population maximised; empty where that is the training loss's negative."""
        score = self.named(f"{self.job}.score")
        return "" if score == "None" else score

    def number(self, key: str) -> float | None:
        """A number of the summary."""
        return result_tree.number(self.summary.get(key))

    @cached_property
    def summary(self) -> Mapping[str, Any]:
        """The run's summary; empty where it is not finished."""
        return self._reader.summary or {}

    @cached_property
    def images(self) -> Images | None:
        """What it was trained on."""
        return _held(Images, files.read_json(self.run.dataset))

    @cached_property
    def surroundings(self) -> Surroundings:
        """Of the last session."""
        sessions = self._reader.sessions
        return _held(Surroundings, sessions[-1].environment if sessions else {}) or Surroundings()

    @cached_property
    def hyperparameters(self) -> dict[str, float]:
        """What the member that was handed over trained with last: of the final stage, or of the only one."""
        best = {key.stage: record.get("best") for key, record in self._reader.of_kind(OutcomeKey).items()}
        stage = "final" if "final" in best else "population"
        members = self._reader.of_kind(MemberKey).items()
        found = [record for key, record in members if key.text == f"{stage}/{best.get(stage)}"]
        return (_held(dict[str, float], found[-1].get("hyperparameters")) if found else None) or {}

    @cached_property
    def scores(self) -> list[Score]:
        """The headlines of all that was measured on the true factors.

        Raises:
          UserError: a damaged file.
        """
        if not self.run.summary.is_file():
            return []
        measured = run_scores.from_run(self.run)
        found = [_score(one) for one in measured if one.key in HEADLINES.get(one.metric, (one.key,))]
        for key, (words, like) in _MORE.items():
            if (value := self.number(f"final.{key}")) is not None:
                under = run_scores.measured_under(like, self.settings, self.summary) if like else ()
                found.append(Score(key, words, value, under))
        return found

    @cached_property
    def verdict(self) -> Verdict | None:
        """What can be said of the model without labels."""
        try:
            return Verdict.load(self.run.verdict)
        except UserError:
            return None


def _score(result: run_scores.Result) -> Score:
    words = METRICS.get(result.key) or METRICS.get(f"{result.metric}.{result.key}", "")
    if words and result.representation != "mean":
        words = f"{words}, of samples" if result.representation == "sampled" else ""
    return Score(f"{result.metric}.{result.key}", words, result.value, result.conditions)


def _held(kind: type[Kind], content: Any) -> Kind | None:
    """The content where it is of the type."""
    try:
        return typed(kind, content)
    except UserError:
        return None
