"""The public Python interface: each function does what the command of its name does."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rdl import kernels
from rdl.config import check_files, configured, format_bindings
from rdl.errors import UserError
from rdl.run import Run
from rdl.runs import environment
from rdl.runs.layout import default_output_dir

if TYPE_CHECKING:
    import numpy as np

Values = Mapping[str, Any]


def train(
    settings: str | os.PathLike | Sequence[str | os.PathLike] | Values,
    bindings: Values | Sequence[str] = (),
    output_dir: str | os.PathLike | None = None,
) -> Run:
    """Trains the model that gin files describe, or resumes its training; leaves gin empty.

        run = rdl.train("one_vae.gin", {"dataset.name": "my_images.npz", "vae.beta": 2})
        run.model.encode(images)

    Args:
      settings: one or several gin files, as paths or names of shipped files; or all settings in the form of
        ``bindings``.
      bindings: settings on top of the files, such as ``{"experiment.seed": 1, "model.objective": "@beta_tc_vae"}``,
        where a string that begins with @ or % is a gin reference; or gin text, ``["experiment.seed = 1"]``.
      output_dir: the run directory; ``runs/<name of the gin file>`` if None.

    Raises:
      UserError: wrong settings or data.
    """
    files = [] if isinstance(settings, Mapping) else _list_files(settings)
    check_files(files)
    lines = [*(format_bindings(settings) if isinstance(settings, Mapping) else []), *format_bindings(bindings)]
    root = Path(output_dir) if output_dir is not None else default_output_dir(files)
    kernels.select(environment.recorded_kernels(root))
    from rdl.cli.configuration import configure

    configure()
    from rdl.cli import worker
    from rdl.jobs import experiment
    from rdl.training.threads import configure_threads

    with configured(files, lines):
        with _explain_threads():
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
    value_range: Sequence[float] | None = None,
    **reading: Any,
) -> Run:
    """Searches for the factors of images within a given time, or resumes the search; prints its choices.

        run = rdl.disentangle("my_pictures", minutes=20)
        run.model.encode(run.images.images([0, 1, 2]))

    Args:
      images: a folder of pictures, a file of images or a table (docs/data.md), a data set's name, or an array [n,
        height, width] or [n, height, width, channels], uint8 or floats in [0, 1].
      minutes: time limit of the whole call.
      factors: a CSV file of known factors for the measurement at the end (docs/data.md); never used for training.
      output_dir: the run directory; ``runs/<name of the images>`` if None.
      size: train on images of 16, 32 or 64 pixels a side instead of an automatic size.
      channels: train on grey (1) or RGB (3) images instead of the stored ones.
      seed: seed of all randomness of the run.
      value_range: the stored values of black and white; recognised if None.
      reading: further options of `rdl.data.load`: background, images_key, factors_key, continuous.

    Raises:
      UserError: wrong images or factors, too little time, or a folder that holds a run of another command.
    """
    began = time.perf_counter()
    from rdl.auto import request

    options = {"minutes": minutes, "factors": None if factors is None else os.fspath(factors), "seed": seed, **reading}
    if unknown := set(reading) - {"background", "images_key", "factors_key", "continuous"}:
        raise TypeError(f"rdl.disentangle() has no option {min(unknown)!r}.")
    options["value_range"] = value_range
    auto_request, array = request.make_request(images, size=size, channels=channels, **options)
    root = Path(output_dir) if output_dir is not None else request.default_run_directory(auto_request)
    found = (
        request.inspect_request(auto_request, root, array) if request.find_plan(auto_request, root) is None else None
    )
    kernels.select(environment.recorded_kernels(root))
    from rdl.cli.configuration import configure

    configure()
    from rdl.auto import automatic_run
    from rdl.cli import worker

    with _explain_threads():
        automatic_run.run_automatically(auto_request, root, found, array, worker.executor, began, print)
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
    """Trains a finished or interrupted run further; the result equals that of a run started with the final settings.

        run = rdl.extend("runs/my_pictures", minutes=30)

    Args:
      run: the run, or its directory.
      generations: total number of generations of the last stage.
      leaf_runs: total number of leaf runs.
      images: additional training images, counted over all models.
      minutes: additional training time at the pace so far.
      bindings: settings on top of the run's, as in `train`.

    Raises:
      UserError: no run, or a change that is incompatible with its records.
    """
    root = run.root if isinstance(run, Run) else Path(run)
    kernels.select(environment.recorded_kernels(root))
    from rdl.cli.configuration import configure

    configure()
    from rdl.auto import automatic_run
    from rdl.cli import worker
    from rdl.extending import extension

    with _explain_threads():
        extension.extend_run(
            root, lambda folder: automatic_run.train_configured(folder, worker.executor), print,
            generations=generations, leaf_runs=leaf_runs, images=images, minutes=minutes,
            bindings=format_bindings(bindings),
        )  # fmt: skip
    return Run(root)


def evaluate(
    run: Run | str | os.PathLike,
    metrics: Sequence[str] = ("mig", "dci"),
    representation: str = "mean",
    bindings: Values | Sequence[str] = (),
    preset: str = "",
) -> dict[str, dict[str, Any]]:
    """Measures a finished run on its ground-truth factors and writes the results into the run; leaves gin empty.

        scores = rdl.evaluate("runs/quickstart", ["mig"])
        scores["mig"]["discrete_mig"]

    Args:
      run: the run, or its directory.
      metrics: names of files in ``gin_configs/metrics``, or gin files.
      representation: ``mean`` or ``sampled``.
      bindings: settings on top of the metrics' files, as in `train`.
      preset: ``fast``, for a first look.

    Returns:
      The results of each metric.

    Raises:
      UserError: no finished run, a data set without factors, an unknown metric, a wrong binding, or a metric that is
        not defined on the data set.
    """
    from rdl.cli.configuration import configure

    configure()
    from rdl.results import evaluation, result_tree

    root = run.root if isinstance(run, Run) else Path(run)
    paths = evaluation.evaluate_run(
        root, list(metrics), [representation], bindings=format_bindings(bindings), preset=preset
    )
    head = "evaluation_results."
    return {
        Path(name).stem: {
            k.removeprefix(head): v for k, v in result_tree.read_object(path).items() if k.startswith(head)
        }
        for name, path in zip(metrics, paths, strict=True)
    }


def _list_files(files: str | os.PathLike | Sequence[str | os.PathLike]) -> list[str]:
    return [os.fspath(files)] if isinstance(files, (str, os.PathLike)) else [os.fspath(file) for file in files]


@contextmanager
def _explain_threads() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # TensorFlow has already initialised its threads
        if "cannot be modified after initialization" not in str(error):
            raise
        raise UserError(
            "threads.* differ from those that TensorFlow has started with: train first in a new process, or keep "
            "threads.models_side_by_side."
        ) from error
