"""The layout of a run directory: the path of every file in it.

config.json  operative.json          the configuration, and the values that were used; all other code reads these
config.gin  operative.gin            the same as gin's text, for people
dataset.json                         the fingerprint of the images
plan.gin  plan.json  images.npz      of an automatic run: its settings, their reasons, and images given as arrays
journal.jsonl                        one line per finished unit of work, under a key of `rdl.runs.keys`
STAGE/generation_002.json            the records of a generation's members, for readers
STAGE/members/generation_002/...     the members' checkpoints; a stage is x_run, leaf_0/iteration_1, ..
STAGE/pool.npz                       the labels that the stage added to the label pool
leaf_0/labels.npz                    the labels of a leaf run
leaf_0/iteration_1/indices.npy       the numbers of the images of an iteration
model/                               the model that the run ends with
results/summary.json                 flat keys, numbers as JSON numbers; with pictures
results/verdict.json                 the verdict on the model, which needs no true factors
postprocessed/  metrics/             disentanglement_lib's result tree, together with model/
before/000/..                        the archive of an extension: replaced results, the journal, the configuration
environment/000.json  000.log        the machine, the software and the warnings of each session
tensorboard/  trials/                TensorBoard events
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CONFIG = "config.json"
SUMMARY = Path("results", "summary.json")


class _Fixed:
    """The path of a file or folder whose name is the same in every run directory."""

    def __init__(self, *parts: str | Path):
        self._parts = parts

    def __get__(self, layout: "Layout", owner: type) -> Path:
        return layout.root.joinpath(*self._parts)


@dataclass(frozen=True)
class Layout:
    """The paths of a run directory."""

    root: Path

    config = _Fixed(CONFIG)
    """The resolved configuration."""
    config_text = _Fixed("config.gin")
    """The configuration as gin's text."""
    operative = _Fixed("operative.json")
    """The values that calls used, defaults included; written at the end of the run."""
    operative_text = _Fixed("operative.gin")
    """The used values as gin's text."""
    journal = _Fixed("journal.jsonl")
    """The journal."""
    lock = _Fixed(".lock")
    """The file that the process with the open run locks."""
    dataset = _Fixed("dataset.json")
    """The fingerprint of the images that the run began with."""
    plan = _Fixed("plan.gin")
    """The gin file of an automatic run."""
    plan_record = _Fixed("plan.json")
    """The request of an automatic run, its findings about the images, and its choices."""
    own_images = _Fixed("images.npz")
    """Images that were given as arrays in memory."""
    archives = _Fixed("before")
    """The folder of the archives, one for each extension."""
    model = _Fixed("model")
    """The folder of the model that the run ends with."""
    summary = _Fixed(SUMMARY)
    """The summary of a finished run."""
    verdict = _Fixed("results", "verdict.json")
    """The verdict on the run's model."""

    def result(self, name: str) -> Path:
        """A file for the user, such as ``traversals.png``."""
        return self.root / "results" / name

    def generation(self, stage: str, generation: int) -> Path:
        """The records of one generation, for readers."""
        return self.root / stage / f"generation_{generation:03d}.json"

    def checkpoint(self, stage: str, name: str) -> Path:
        """The checkpoint of the member of this name."""
        return self.root / stage / "members" / f"{name}.npz"

    def checkpoints(self, stage: str) -> dict[int, Path]:
        """The existing folders of checkpoints, by generation; links are left out, as they lead to another run."""
        members = self.root / stage / "members"
        folders = [] if members.is_symlink() else sorted(members.glob("generation_*"))
        own = [folder for folder in folders if folder.is_dir() and not folder.is_symlink()]
        return {int(m[1]): folder for folder in own if (m := re.fullmatch(r"generation_(\d{1,18})", folder.name))}

    def labels(self, leaf: str) -> Path:
        """The labels that a leaf run, such as ``leaf_0``, has learned so far."""
        return self.root / leaf / "labels.npz"

    def all_labels(self) -> dict[int, Path]:
        """The existing label files of leaf runs, by their numbers."""
        found = {path.parent.name.removeprefix("leaf_"): path for path in sorted(self.root.glob("leaf_*/labels.npz"))}
        return {int(number): path for number, path in found.items() if number.isdecimal()}

    def pool(self, stage: str) -> Path:
        """The labels that a stage added to the label pool."""
        return self.root / stage / "pool.npz"

    def indices(self, stage: str) -> Path:
        """The numbers of the images that an iteration of a leaf run, such as ``leaf_0/iteration_1``, trains on."""
        return self.root / stage / "indices.npy"

    def postprocessed(self, representation: str) -> Path:
        """The postprocessing step of disentanglement_lib's result tree, for ``mean`` or ``sampled`` representations."""
        return self.root / "postprocessed" / representation

    def metric(self, representation: str, metric: str) -> Path:
        """The evaluation step of disentanglement_lib's result tree for one metric."""
        return self.root / "metrics" / representation / metric

    def metrics(self, representation: str) -> dict[str, Path]:
        """The existing folders of evaluation steps, by metric."""
        return {path.name: path for path in sorted(self.metric(representation, "").glob("*")) if path.is_dir()}

    def environment(self, session: int) -> Path:
        """The machine and software of a session; its warnings are in the same place, with the ending ``.log``."""
        return self.root / "environment" / f"{session:03d}.json"

    def environments(self) -> list[Path]:
        """The existing environment files of all sessions, in order."""
        return sorted((self.root / "environment").glob("*.json"))

    def events(self, *parts: str) -> Path:
        """A folder of TensorBoard events: of the run, a stage's population or its best model."""
        return self.root.joinpath("tensorboard", *parts)

    def trials(self, *parts: str) -> Path:
        """A folder of TensorBoard events: of all trials, a stage's trials, or one trial."""
        return self.root.joinpath("trials", *parts)


def default_output_dir(gin_files: Sequence[str]) -> Path:
    """``runs/<name of the last gin file>``."""
    return Path("runs") / (Path(gin_files[-1]).stem if gin_files else "run")
