"""The public face: what a person calls from Python. Each does what the command of its name does."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rdl import kernels
from rdl.config import check_files, configured, written
from rdl.errors import UserError
from rdl.runs import environment
from rdl.runs.layout import default_output_dir

if TYPE_CHECKING:
    import numpy as np

    from rdl.data import ImageSet
    from rdl.models.saving.saved import TrainedModel
    from rdl.verdict import Verdict

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """A finished run, by its directory.

        run = rdl.Run("runs/quickstart")
        run.summary["final.discrete_mig"]
        print(run.verdict)                 # which latents to believe, without labels
        run.codes([0, 1])                  # the latents of its first two images
        run.model.traverse(run.images.images([0])[0], latent=0)
        run.report()                       # -> runs/quickstart/report/index.html
        run.save("my_model")               # the model alone; rdl.load("my_model") reads it

    Attributes:
      root: the run directory.
    """

    root: Path

    def __post_init__(self):
        object.__setattr__(self, "root", Path(self.root))

    @cached_property
    def summary(self) -> dict[str, Any]:
        """What ``results/summary.json`` holds: flat keys, plain numbers.

        Raises:
          UserError: the run is not finished.
        """
        from rdl.results.finished_run import FinishedRun

        return FinishedRun.open(self.root).summary

    @cached_property
    def verdict(self) -> "Verdict":
        """What can be said of the model without labels; its text is a line for each latent.

        Raises:
          UserError: the run is not finished, or is from before there were verdicts.
        """
        from rdl.runs import Layout
        from rdl.verdict import Verdict

        return Verdict.load(Layout(self.root).verdict)

    @cached_property
    def model(self) -> "TrainedModel":
        """The trained model: ``encode``, ``decode``, ``posterior``, ``traverse``, ``save``."""
        return load(self.root)

    @cached_property
    def images(self) -> "ImageSet":
        """What it was trained on."""
        from rdl.results.finished_run import FinishedRun

        return FinishedRun.open(self.root).images

    def codes(self, indices: "Sequence[int] | np.ndarray | None" = None) -> "np.ndarray":
        """Posterior means of its images at these numbers, or of all: float32 [n, latents]."""
        import numpy as np

        return self.model.encode(
            self.images.images(np.arange(len(self.images)) if indices is None else np.asarray(indices))
        )

    def report(self, output_dir: str | os.PathLike | None = None) -> Path:
        """Writes the page about it, into ``report/`` of the run if nothing else is said; returns the page's path."""
        from rdl.report.page import write_report

        return write_report([self.root], None if output_dir is None else Path(output_dir))

    def save(self, folder: str | os.PathLike) -> None:
        """Writes the model alone into a folder, from where `rdl.load` reads it."""
        self.model.save(folder)


def load(run: str | os.PathLike) -> "TrainedModel":
    """The trained model of a finished run, or one that was saved alone.

        model = rdl.load("runs/quickstart")
        codes = model.encode(images)       # float32 [n, latents]

    Args:
      run: the run directory, or the folder that ``save`` wrote.

    Raises:
      UserError: there is no model, or it is damaged.
    """
    from rdl import quiet_start  # noqa: F401, I001  (before anything imports TensorFlow)
    from rdl.models.saving import saved

    from rdl.runs import Layout

    alone = (Path(run) / "encoder.keras").exists()
    return saved.load(Path(run) if alone else Layout(Path(run)).model)


def train(
    settings: str | os.PathLike | Sequence[str | os.PathLike] | Values,
    bindings: Values | Sequence[str] = (),
    output_dir: str | os.PathLike | None = None,
) -> Run:
    """Trains what gin files describe, or goes on where it was stopped; gin holds nothing afterwards.

        run = rdl.train("one_vae.gin", {"dataset.name": "my_images.npz", "vae.beta": 2})
        run.model.encode(images)

    Args:
      settings: a gin file or several, paths or names of those that rdl ships; or all settings, as ``bindings``.
      bindings: on top of them: ``{"experiment.seed": 1, "model.objective": "@beta_tc_vae"}``, where a text that opens
        with @ or % refers to what gin knows by that name; or gin's own text, ``["experiment.seed = 1"]``.
      output_dir: the run directory; ``runs/<name of the gin file>`` if None.

    Raises:
      UserError: wrong settings or data.
    """
    files = [] if isinstance(settings, Mapping) else _several(settings)
    check_files(files)
    lines = [*(written(settings) if isinstance(settings, Mapping) else []), *written(bindings)]
    root = Path(output_dir) if output_dir is not None else default_output_dir(files)
    kernels.select(environment.recorded_kernels(root))
    from rdl.cli.configuration import configure

    configure()
    from rdl.cli import worker
    from rdl.jobs import experiment
    from rdl.training.threads import configure_threads

    with configured(files, lines):
        with _threads_explained():
            configure_threads()
        experiment.experiment(str(root), worker.executor)
    return Run(root)


def disentangle(
    images: "str | os.PathLike | np.ndarray",
    minutes: float = 60,
    factors: str | os.PathLike | None = None,
    output_dir: str | os.PathLike | None = None,
    *,
    size: int | None = None,
    channels: int | None = None,
    seed: int = 0,
) -> Run:
    """Finds the factors of images in the time given, or goes on where it was stopped; says what it chose.

        run = rdl.disentangle("my_pictures", minutes=20)
        run.model.encode(run.images.images([0, 1, 2]))

    Args:
      images: a folder of pictures, a file of images or a table (docs/data.md), a data set's name, or an array [n,
        height, width] or [n, height, width, channels], uint8 or floats in [0, 1].
      minutes: duration of the whole call.
      factors: a CSV file of known factors, to measure at the end (docs/data.md); never used to train.
      output_dir: the run directory; ``runs/<name of the images>`` if None.
      size: learn from 16, 32 or 64 pixels a side, not from the size chosen.
      channels: learn from grey (1) or RGB (3), not from what is stored.
      seed: all randomness of the run derives from it.

    Raises:
      UserError: wrong images or labels, too little time, or a folder with another command's run.
    """
    began = time.perf_counter()
    from rdl.auto import request

    options = {"minutes": minutes, "factors": None if factors is None else os.fspath(factors), "seed": seed}
    asked, array = request.make_request(images, size=size, channels=channels, **options)
    root = Path(output_dir) if output_dir is not None else request.default_output_dir(asked)
    found = request.inspect_request(asked, root, array) if request.find_plan(asked, root) is None else None
    kernels.select(environment.recorded_kernels(root))
    from rdl.cli.configuration import configure

    configure()
    from rdl.auto import automatic_run
    from rdl.cli import worker

    with _threads_explained():
        automatic_run.run_automatically(asked, root, found, array, worker.executor, began, print)
    return Run(root)


def extend(
    run: Run | str | os.PathLike,
    *,
    generations: int | None = None,
    leaf_runs: int | None = None,
    images: int | None = None,
    minutes: float | None = None,
    bindings: Values | Sequence[str] = (),
) -> Run:
    """Trains a finished or stopped run further; the result is what it would have been, asked for at the start.

        run = rdl.extend("runs/my_pictures", minutes=30)

    Args:
      run: the run, or its directory.
      generations: of the last stage, in all.
      leaf_runs: in all.
      images: of models, to train on in addition.
      minutes: to train in addition, at the pace so far.
      bindings: on top of the run's settings, as in `train`.

    Raises:
      UserError: no run, or a change that its records do not allow.
    """
    root = run.root if isinstance(run, Run) else Path(run)
    kernels.select(environment.recorded_kernels(root))
    from rdl.cli.configuration import configure

    configure()
    from rdl.auto import automatic_run
    from rdl.cli import worker
    from rdl.extend import extension

    with _threads_explained():
        extension.extend(
            root, lambda folder: automatic_run.train_configured(folder, worker.executor), print,
            generations=generations, leaf_runs=leaf_runs, images=images, minutes=minutes, bindings=written(bindings),
        )  # fmt: skip
    return Run(root)


def evaluate(
    run: Run | str | os.PathLike,
    metrics: Sequence[str] = ("mig", "dci"),
    representation: str = "mean",
    bindings: Values | Sequence[str] = (),
    preset: str = "",
) -> dict[str, dict[str, Any]]:
    """Measures a finished run on its true factors, and keeps the results in the run; gin holds nothing afterwards.

        scores = rdl.evaluate("runs/quickstart", ["mig"])
        scores["mig"]["discrete_mig"]

    Args:
      run: the run, or its directory.
      metrics: names of files in ``gin_configs/metrics``, or gin files.
      representation: ``mean`` or ``sampled``.
      bindings: on top of the metrics' files, as in `train`.
      preset: ``fast``, for a first look.

    Returns:
      The results of each metric.

    Raises:
      UserError: no finished run, a data set without factors, an unknown metric or a wrong binding; a metric that is
        not defined here.
    """
    from rdl.cli.configuration import configure

    configure()
    from rdl.results import evaluation, result_tree

    root = run.root if isinstance(run, Run) else Path(run)
    paths = evaluation.evaluate(root, list(metrics), [representation], bindings=written(bindings), preset=preset)
    head = "evaluation_results."
    return {
        Path(name).stem: {
            k.removeprefix(head): v for k, v in result_tree.read_object(path).items() if k.startswith(head)
        }
        for name, path in zip(metrics, paths, strict=True)
    }


def _several(files: str | os.PathLike | Sequence[str | os.PathLike]) -> list[str]:
    return [os.fspath(files)] if isinstance(files, (str, os.PathLike)) else [os.fspath(file) for file in files]


@contextmanager
def _threads_explained() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # TensorFlow's: it computes already
        if "cannot be modified after initialization" not in str(error):
            raise
        raise UserError(
            "These settings ask for other threads than TensorFlow has begun with: train before anything else in a "
            "fresh process, or set threads.models_side_by_side as it was."
        ) from error
