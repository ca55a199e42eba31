"""A study of one's own: any gin files, each over the same seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import gin

from rdl import shipped
from rdl.config import check_files, gin_text, read_gin
from rdl.errors import UserError
from rdl.jobs.study import ranges

_MOST_SEEDS = 10_000  # a mistyped end must not fill the memory


@dataclass(frozen=True)
class Seeded:
    """One gin file with one seed.

    Attributes:
      gin_file: its whole configuration but for the seed.
      seed: ``experiment.seed``.
    """

    gin_file: str
    seed: int

    @property
    def name(self) -> str:
        """What stands for the method in tables: the file's name."""
        return Path(self.gin_file).stem

    @property
    def place(self) -> str:
        """Its folder in the study's."""
        return f"{self.name}/{self.seed}"

    @property
    def title(self) -> str:
        """For a person."""
        return f"{self.name}, seed {self.seed}"

    @property
    def graph(self) -> str:
        """Runs of one file differ in their seed alone, so they share a traced graph."""
        return self.gin_file

    @property
    def labels(self) -> dict[str, str]:
        """What disentanglement_lib's result tree is told: a method is called as its file."""
        return {"model.name": repr(self.name)}

    def configure(self, gin_files: Sequence[str], bindings: Sequence[str]) -> None:
        """Gives gin this run's configuration, and nothing else."""
        gin.clear_config()
        seed = f"experiment.seed = {self.seed}"
        read_gin([self.gin_file, *gin_files], [*bindings, "display.quiet = True", seed])


def runs(gin_files: Sequence[str], seeds: str) -> list[Seeded]:
    """Every file with every seed, seed by seed, so that a study that is stopped has some of everything.

    Args:
      gin_files: of the study.
      seeds: such as ``0-9`` or ``0,2,5``, both ends included.

    Raises:
      UserError: no or a missing file, two of one name, seeds that are none.
    """
    if not gin_files:
        raise UserError("Nothing to study: give gin files, such as bin/study gin_configs/quickstart.gin --seeds=0-4.")
    check_files(gin_files)
    paths: dict[str, str] = {}
    for path in gin_files:
        name = Path(path).stem
        if name in paths:
            raise UserError(f"{paths[name]} and {path} would both lie in {name}: rename one, or study it apart.")
        paths[name] = str(shipped.find(path).absolute())
    parts = ranges(seeds, "--seeds")
    if sum(high - low + 1 for low, high in parts) > _MOST_SEEDS:
        raise UserError(f"--seeds={seeds} are more than {_MOST_SEEDS:,} seeds: give fewer.")
    numbers = dict.fromkeys(seed for low, high in parts for seed in range(low, high + 1))
    return [Seeded(path, seed) for seed in numbers for path in paths.values()]


def check(cases: Sequence[Seeded], gin_files: Sequence[str], bindings: Sequence[str]) -> None:
    """Reads every file once before anything is trained.

    Raises:
      UserError: a file that is wrong, that has no job, or that asks for other threads than the first.
    """
    threads: dict[str, str] | None = None
    for case in {case.gin_file: case for case in cases}.values():
        case.configure(gin_files, bindings)
        found = gin_text.parse_gin_text(gin.config_str(max_line_length=10_000))
        if "experiment.job" not in found:
            raise UserError(f"{case.gin_file} has no experiment.job, such as @search: is it a training file?")
        own = {key: value for key, value in found.items() if key.startswith("threads.")}
        if threads is not None and own != threads:
            raise UserError(f"{case.gin_file} binds threads.* otherwise than {cases[0].gin_file}: study them apart.")
        threads = own
