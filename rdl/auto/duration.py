"""Estimates the duration of a recursion that gin describes, from the speed of this machine."""

from collections.abc import Callable
from pathlib import Path

import gin

from rdl import data
from rdl.auto.plan import LEAF_STAGES, TREE_SECONDS
from rdl.auto.speed import measure_speed
from rdl.data import ImageSet
from rdl.execution import Executor
from rdl.jobs import resume
from rdl.jobs.vae_learner import VAELearner
from rdl.population import PopulationSettings, minimum_images
from rdl.scoring import Measurement
from rdl.training.threads import configure_threads

_ENDING = 20.0  # seconds: verdict, pictures, page


def count_training_images(data_size: int) -> int:
    """Training images of a recursion whose leaf runs are as long as gin allows, summed over all models."""

    def count(scope: str, size: int) -> int:
        with gin.config_scope(scope):
            settings = PopulationSettings()
        return minimum_images(settings, settings.images_per_generation(size))

    pooled = _query("rpu_vae.labels", "x_model") == "population"
    stages_per_leaf_run = LEAF_STAGES if pooled else _query("iterate.max_iterations", 3) - 1
    stages = gin.query_parameter("rpu_vae.leaf_runs") * stages_per_leaf_run
    return count("x_run", data_size) + stages * count("leaf_run", 0) + count("final", data_size)


def estimate_duration(root: Path, make_executor: Callable[[], Executor]) -> float:
    """Seconds that gin's recursion takes on this machine, measured by training its networks for some seconds.

    The traced graphs stay in memory, so a run in this process does not trace them again.

    Args:
      root: the run directory.
      make_executor: makes the executor of gin's configuration.
    """
    images = data.load()
    configure_threads()
    resume.resolve_precision(root)
    executor = make_executor()
    with gin.config_scope("x_run"):
        settings = PopulationSettings()
    try:
        speed = measure_speed(images, VAELearner.from_gin(), executor, settings.models)
    finally:
        executor.close()
    training = count_training_images(len(images)) / speed.training
    members = settings.members_until(settings.generations or 1)
    return training + 3 * members * speed.member + _measuring_seconds(images) + _ENDING


def _measuring_seconds(images: ImageSet) -> float:
    """Seconds that DCI's trees take for the x-model and the final model."""
    if images.factor_space is None:
        return 0.0
    points = Measurement()
    values = sum(size for size in images.factor_space.sizes if size > 1)
    backend = _query("measure.dci_backend", "sklearn")
    return 2 * points.num_train * values * TREE_SECONDS[backend]


def _query(name: str, default):
    try:
        return gin.query_parameter(name)
    except ValueError:  # not bound
        return default
