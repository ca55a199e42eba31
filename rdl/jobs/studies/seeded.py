"""A study that trains each of several gin files with the same seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gin

from rdl import shipped
from rdl.config import RunConfig, check_files, read_gin
from rdl.errors import UserError
from rdl.jobs.studies.published import parse_ranges

_MAX_SEEDS = 10_000  # a mistyped range must not fill the memory


@dataclass(frozen=True)
class SeededCase:
    """One gin file with one seed.

    Attributes:
      gin_file: the whole configuration except the seed.
      seed: ``experiment.seed``.
    """

    gin_file: str
    seed: int

    @property
    def name(self) -> str:
        """Name of the file, which names the method in tables."""
        return Path(self.gin_file).stem

    @property
    def place(self) -> str:
        """Folder of the run within the study's folder."""
        return f"{self.name}/{self.seed}"

    @property
    def title(self) -> str:
        """File and seed, for log lines."""
        return f"{self.name}, seed {self.seed}"

    @property
    def graph(self) -> str:
        """The file, as its runs differ only in their seeds and share a traced graph."""
        return self.gin_file

    @property
    def labels(self) -> dict[str, str]:
        """Names the method in disentanglement_lib's result tree after the file."""
        return {"model.name": repr(self.name)}

    def configure(self, gin_files: Sequence[str], bindings: Sequence[str]) -> None:
        """Replaces gin's configuration by that of this run."""
        gin.clear_config()
        seed = f"experiment.seed = {self.seed}"
        read_gin([self.gin_file, *gin_files], [*bindings, "display.quiet = True", seed])


def make_cases(gin_files: Sequence[str], seeds: str) -> list[SeededCase]:
    """Combines each file with each seed, ordered by seed, so that an interrupted study has runs of every file.

    Args:
      gin_files: gin files of the study.
      seeds: seeds such as ``0-9`` or ``0,2,5``, both ends included.

    Raises:
      UserError: no file, a missing file, two files of the same name, or malformed seeds.
    """
    if not gin_files:
        raise UserError("Expected gin files: bin/study gin_configs/quickstart.gin --seeds=0-4.")
    check_files(gin_files)
    paths: dict[str, str] = {}
    for path in gin_files:
        name = Path(path).stem
        if name in paths:
            raise UserError(f"{paths[name]} and {path} have the same name {name}: rename one of them.")
        paths[name] = str(shipped.find_gin_file(path).absolute())
    parts = parse_ranges(seeds, "--seeds")
    if sum(high - low + 1 for low, high in parts) > _MAX_SEEDS:
        raise UserError(f"--seeds must be at most {_MAX_SEEDS:,} seeds, got {seeds}.")
    numbers = dict.fromkeys(seed for low, high in parts for seed in range(low, high + 1))
    return [SeededCase(path, seed) for seed in numbers for path in paths.values()]


def check_cases(cases: Sequence[SeededCase], gin_files: Sequence[str], bindings: Sequence[str]) -> None:
    """Reads each file once before anything is trained.

    Raises:
      UserError: a wrong file, a file without a job, or other threads than those of the first file.
    """
    threads: dict[str, Any] | None = None
    for case in {case.gin_file: case for case in cases}.values():
        case.configure(gin_files, bindings)
        config = RunConfig.from_gin()
        if config.value("experiment.job") is None:
            raise UserError(f"{case.gin_file} must set experiment.job, such as @search.")
        own = config.section("threads")
        if threads is not None and own != threads:
            raise UserError(f"{case.gin_file} and {cases[0].gin_file} bind threads.* differently: use two studies.")
        threads = own
