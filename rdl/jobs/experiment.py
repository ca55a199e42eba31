"""One run from start to end: opens its directory, runs its job, writes what a reader will look for."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import gin

from rdl import data
from rdl.callbacks.callback import Callback, CallbackList
from rdl.callbacks.session_log import SessionLog
from rdl.callbacks.tensorboard import TensorBoard
from rdl.callbacks.terminal import terminal
from rdl.errors import UserError
from rdl.execution import Executor, SerialExecutor
from rdl.jobs import no_effect, resume
from rdl.jobs.context import Context
from rdl.jobs.learner import Learner
from rdl.jobs.vae_learner import VAELearner
from rdl.runs import Run, RunReader, files
from rdl.runs.layout import SessionKey, SummaryKey
from rdl.scoring.measure import check_measurement, check_trees

Job = Callable[[Context], dict[str, Any]]
_MIN_IMAGES = 10


def callbacks(run: Run, seed: int) -> Sequence[Callback]:
    """Who is told how a real run goes on."""
    return terminal(), TensorBoard(run, seed), SessionLog(run)


@gin.configurable(denylist=["output_dir", "make_executor", "make_learner", "make_callbacks"])
def experiment(
    output_dir: str,
    make_executor: Callable[[], Executor] = SerialExecutor,
    make_learner: Callable[[], Learner] = VAELearner.from_gin,
    make_callbacks: Callable[[Run, int], Sequence[Callback]] = callbacks,
    *,
    job: Job | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Runs a job in its directory, or goes on where it was stopped; returns the summary.

    Args:
      output_dir: the run directory.
      make_executor: makes where members are trained, once there is something to train.
      make_learner: makes what trains them.
      make_callbacks: makes who is told how the run goes on, of the run and its seed.
      job: what to do, a gin reference such as ``@rpu_vae``.
      seed: all randomness of the run derives from it.

    Raises:
      UserError: the configuration, the data or the directory are not fit.
    """
    if job is None:
        raise UserError("No job: give --gin_file=gin_configs/quickstart.gin, or set experiment.job = @rpu_vae.")
    check_trees()
    resume.resolve_precision(output_dir)
    with Run(output_dir, gin.config_str()) as run:
        done = RunReader(run.paths)
        if (summary := done.records.get(SummaryKey())) is not None:
            return summary
        started = time.perf_counter()
        other_kernels = resume.describe_other_kernels(output_dir)
        sessions = done.of_kind(SessionKey)
        before = sum(record["seconds"] for record in sessions.values())
        images = data.load()
        if len(images) < _MIN_IMAGES:
            raise UserError(f"Training needs at least {_MIN_IMAGES} images, got {len(images)} in {images.name!r}.")
        check_measurement(images)
        run.check_dataset(images.fingerprint())
        learner, executor = make_learner(), make_executor()
        callback = CallbackList(*make_callbacks(run, seed))
        without_effect = no_effect.known()
        for line in (*run.journal.damaged, *(f"warning: {line}" for line in (*other_kernels, *without_effect))):
            callback.on_message(line)
        try:
            found = job(Context(run, seed, images, learner, executor, callback))
            if not sessions:  # a part of a run asks for a part of its settings only
                told = {line.partition(" ")[0] for line in without_effect}
                for name in sorted({*no_effect.afterwards()} - told):
                    callback.on_message(f"warning: {name} had no effect: nothing in this run asked for it.")
        finally:
            executor.close()
            callback.close()
            if len(run.journal):  # a run that failed before its first unit may start over with other settings
                run.journal.append(SessionKey(len(sessions)).text, {"seconds": time.perf_counter() - started})
        files.write_text(run.paths.operative, gin.operative_config_str())
        summary = {
            "experiment": job.__name__,
            "dataset": images.name,
            "seed": seed,
            "elapsed_seconds": before + time.perf_counter() - started,
            **found,
        }
        files.write_json(run.paths.summary, summary)
        return run.journal.append(SummaryKey().text, summary)
