"""The records of a run that a model card needs, checked for their types; missing and damaged ones are left out.

A run may come from anybody: nothing that its configuration names is imported or called.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import pandas as pd

from rdl.errors import UserError
from rdl.results import result_tree
from rdl.results.method_names import strip_gin_quotes
from rdl.results.metric_names import is_headline
from rdl.results.pool_table import PoolTable, read_pool_table
from rdl.results.results_table import read_run_results
from rdl.results.summary import select_comparable
from rdl.results.training_settings import select_training_settings
from rdl.runs import Layout, RunReader, files
from rdl.runs.keys import MemberKey, OutcomeKey
from rdl.runs.typed import typed
from rdl.verdict import Verdict

# Folders of an absolute path describe the machine of the run, not the model.
_FOLDERS = re.compile(r"""(?<=['"])(?:~|/)[^'"]*/(?=[^'"/]+/?['"])""")
Kind = TypeVar("Kind")


@dataclass(frozen=True)
class DatasetRecord:
    """Content of ``dataset.json``: number and shape of the images, a hash, number of values of each factor."""

    images: int
    shape: list[int]
    content: str
    factors: dict[str, int] | None = None


@dataclass(frozen=True)
class EnvironmentRecord:
    """Commit and versions of a session."""

    commit: str | None = None
    python: str | None = None
    packages: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CardRecords:
    """The records of a run directory, finished or not.

    Attributes:
      run: layout of the run directory.
    """

    run: Layout

    @property
    def name(self) -> str:
        """Name of the run directory."""
        return self.run.root.absolute().name

    @cached_property
    def _reader(self) -> RunReader:
        return RunReader(self.run)

    @cached_property
    def settings(self) -> dict[str, str]:
        """Training settings as gin text; absolute paths are cut to their last part."""
        config = self._reader.config.texts()
        trained = dict(select_training_settings(config))
        if seed := config.get("experiment.seed"):
            trained["experiment.seed"] = seed
        return {key: _FOLDERS.sub("", value) for key, value in sorted(trained.items())}

    @cached_property
    def _operative_settings(self) -> dict[str, str]:
        """All settings in use as gin text, defaults included, where the run has recorded them."""
        return {key: _FOLDERS.sub("", value) for key, value in self._reader.used.texts().items()}

    def read_setting(self, key: str) -> str:
        """A setting without gin's quotes; empty if it is unknown."""
        return strip_gin_quotes(self.settings.get(key, self._operative_settings.get(key, "")))

    @property
    def dataset_options(self) -> dict[str, str]:
        """Options of the data set."""
        options = {
            key.removeprefix("dataset."): text for key, text in self.settings.items() if key.startswith("dataset.")
        }
        return {key: text for key, text in options.items() if key not in ("name", "prepare", "progress")}

    @property
    def job(self) -> str:
        """Name of the job."""
        return self.read_setting("experiment.job")

    @property
    def searched(self) -> bool:
        """Whether the job searches with one population of several members."""
        return self.job in ("search", "train_ladder") and self.read_setting("population.size") != "1"

    @property
    def evolved(self) -> bool:
        """Whether members of the population copy others."""
        return self.read_setting("population.rule") in ("", "truncation", "frequencies")

    @property
    def score(self) -> str:
        """Name of the score that the population maximises; empty for the negative training loss."""
        score = self.read_setting(f"{self.job}.score")
        return "" if score == "None" else score

    def read_number(self, key: str) -> float | None:
        """A number of the summary."""
        return result_tree.parse_metric_number(self.summary.get(key))

    @cached_property
    def summary(self) -> Mapping[str, Any]:
        """The run's summary; empty until the run is finished."""
        return self._reader.summary or {}

    @cached_property
    def dataset(self) -> DatasetRecord | None:
        """The data set of the run."""
        return _read_typed(DatasetRecord, files.read_json(self.run.dataset))

    @cached_property
    def environment(self) -> EnvironmentRecord:
        """Commit and versions of the last session."""
        sessions = self._reader.sessions
        return _read_typed(EnvironmentRecord, sessions[-1].environment if sessions else {}) or EnvironmentRecord()

    @cached_property
    def hyperparameters(self) -> dict[str, float]:
        """Last hyperparameters of the selected member of the final or only stage."""
        best = {key.stage: record.get("best") for key, record in self._reader.of_kind(OutcomeKey).items()}
        stage = "final" if "final" in best else "population"
        members = self._reader.of_kind(MemberKey).items()
        found = [record for key, record in members if str(key) == f"{stage}/{best.get(stage)}"]
        return (_read_typed(dict[str, float], found[-1].get("hyperparameters")) if found else None) or {}

    @cached_property
    def results(self) -> pd.DataFrame:
        """The headline results of the final model, one measurement of each.

        Raises:
          UserError: a damaged file.
        """
        results = read_run_results(self.run)
        own = results[(results["run"] == str(self.run.root)) & results["metric"].map(is_headline)]
        return select_comparable(own) if self.run.summary.is_file() else own.iloc[:0]

    @cached_property
    def pool(self) -> PoolTable | None:
        """The label pool; None without one."""
        return read_pool_table(self._reader)

    @cached_property
    def verdict(self) -> Verdict | None:
        """The verdict on the model without labels; None if it is missing or damaged."""
        return Verdict.load_if_valid(self.run.verdict)


def _read_typed(kind: type[Kind], content: Any) -> Kind | None:
    """The content if it is of the type."""
    try:
        return typed(kind, content)
    except UserError:
        return None
