"""A finished run and its trained model in Python."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from rdl.data import ImageSet
    from rdl.models.saving.saved import TrainedModel
    from rdl.verdict import Verdict


@dataclass(frozen=True)
class Run:
    """A finished run.

        run = rdl.Run("runs/quickstart")
        run.summary["final.discrete_mig"]
        print(run.verdict)                 # which latents are supported, without labels
        run.latents                        # the same as a DataFrame, latents ordered by KL
        run.results                        # all scores, as a DataFrame
        print(run.beta_summary)            # which beta the search found, and how sharply
        run.codes([0, 1])                  # latents of the first two images
        run.model.traverse(run.images.images([0])[0], latent=0)
        run.report()                       # -> runs/quickstart/report/index.html
        run.save("my_model")               # only the model; rdl.load("my_model") reads it

    Attributes:
      root: the run directory.
    """

    root: Path

    def __post_init__(self):
        object.__setattr__(self, "root", Path(self.root))

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Content of ``results/summary.json``: flat keys and plain numbers.

        Raises:
          UserError: the run is not finished.
        """
        from rdl.results.finished_run import FinishedRun

        return FinishedRun.open(self.root).summary

    @cached_property
    def verdict(self) -> "Verdict":
        """The verdict on each latent without labels; its text has a line per latent.

        Raises:
          UserError: the run is not finished.
        """
        from rdl.runs import Layout
        from rdl.verdict import Verdict

        return Verdict.load(Layout(self.root).verdict)

    @property
    def latents(self) -> "pd.DataFrame":
        """The latents in descending order of KL (`rdl.results.run_overview.tabulate_latents`).

        Status, KL in nats, replication (stability over independently trained models) and further evidence.

        Raises:
          UserError: the run is not finished.
        """
        from rdl.results.run_overview import tabulate_latents

        return tabulate_latents(self.verdict)

    @property
    def results(self) -> "pd.DataFrame":
        """All scores of the run, one per row (`rdl.results.results_table.COLUMNS`); empty if nothing was measured.

        Raises:
          UserError: a damaged file.
        """
        from rdl.results.results_table import read_run_results
        from rdl.runs import Layout

        return read_run_results(Layout(self.root))

    @property
    def beta_summary(self) -> str:
        """One sentence: which beta the search found, and the range of betas that score within 5 % of it.

        Raises:
          UserError: not a run directory, or a damaged record.
        """
        from rdl.results.run_overview import summarize_beta
        from rdl.runs import RunReader

        return summarize_beta(RunReader.open(self.root))

    @cached_property
    def model(self) -> "TrainedModel":
        """The trained model: ``encode``, ``decode``, ``posterior``, ``traverse``, ``save``."""
        return load(self.root)

    @cached_property
    def images(self) -> "ImageSet":
        """The data set that the run was trained on."""
        from rdl.results.finished_run import FinishedRun

        return FinishedRun.open(self.root).images

    def codes(self, indices: "Sequence[int] | np.ndarray | None" = None) -> "np.ndarray":
        """Posterior means of the images with these indices, or of all images: float32 [n, latents]."""
        import numpy as np

        return self.model.encode(
            self.images.images(np.arange(len(self.images)) if indices is None else np.asarray(indices))
        )

    def report(self, output_dir: str | os.PathLike | None = None) -> Path:
        """Writes the report, by default into ``report/`` of the run; returns the path of the page."""
        from rdl.report.page import write_report

        return write_report([self.root], None if output_dir is None else Path(output_dir))

    def save(self, folder: str | os.PathLike) -> None:
        """Writes only the model into a folder, from which `rdl.load` reads it."""
        self.model.save(folder)


def load(run: str | os.PathLike) -> "TrainedModel":
    """Loads the trained model of a finished run, or a model saved by ``save``.

        model = rdl.load("runs/quickstart")
        codes = model.encode(images)       # float32 [n, latents]

    Args:
      run: the run directory, or the folder that ``save`` wrote.

    Raises:
      UserError: the model is missing or damaged.
    """
    from rdl import quiet_start  # noqa: F401, I001  (before anything imports TensorFlow)
    from rdl.models.saving import saved

    from rdl.runs import Layout

    alone = (Path(run) / "encoder.keras").exists()
    return saved.load_model(Path(run) if alone else Layout(Path(run)).model)
