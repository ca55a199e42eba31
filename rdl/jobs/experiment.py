"""Runs a job in a run directory and writes its summary."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import gin

from rdl import data
from rdl.callbacks.callback import Callback, CallbackList
from rdl.callbacks.session_log import SessionLog
from rdl.callbacks.tensorboard import TensorBoard
from rdl.callbacks.terminal import terminal
from rdl.config import RunConfig
from rdl.errors import UserError
from rdl.execution import Executor, SerialExecutor
from rdl.jobs import resume
from rdl.jobs.context import Context
from rdl.jobs.learner import Learner
from rdl.jobs.unused_bindings import find_uncalled, find_unused
from rdl.jobs.vae_learner import VAELearner
from rdl.runs import RunDirectory, RunReader, files
from rdl.runs.keys import SessionKey, SummaryKey
from rdl.scoring.measure import check_measurement, check_trees

Job = Callable[[Context], dict[str, Any]]
_MIN_IMAGES = 10


def default_callbacks(run: RunDirectory, seed: int) -> Sequence[Callback]:
    """Progress in the terminal, TensorBoard events and the session log."""
    return terminal(), TensorBoard(run, seed), SessionLog(run)


@gin.configurable(denylist=["output_dir", "make_executor", "make_learner", "make_callbacks"])
def experiment(
    output_dir: str,
    make_executor: Callable[[], Executor] = SerialExecutor,
    make_learner: Callable[[], Learner] = VAELearner.from_gin,
    make_callbacks: Callable[[RunDirectory, int], Sequence[Callback]] = default_callbacks,
    *,
    job: Job | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Runs a job in a run directory, or resumes it, and returns the summary.

    Args:
      output_dir: the run directory.
      make_executor: makes the executor; not called for a finished run.
      make_learner: makes the learner; not called for a finished run.
      make_callbacks: makes the callbacks from the run and its seed.
      job: the job, a gin reference such as ``@rpu_vae``.
      seed: the seed from which all randomness of the run derives.

    Raises:
      UserError: the configuration, the images or the directory cannot be used.
    """
    if job is None:
        raise UserError("No job: give --gin_file=gin_configs/quickstart.gin, or set experiment.job = @rpu_vae.")
    check_trees()
    resume.resolve_precision(output_dir)
    config = RunConfig.from_gin()
    with RunDirectory(output_dir, config) as run:
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
        unused = find_unused(config)
        # An automatic run has printed them already.
        notes = [] if run.paths.plan.is_file() else [f"images: {note}" for note in images.notes]
        for line in (*notes, *run.journal.damaged, *(f"warning: {line}" for line in (*other_kernels, *unused))):
            callback.on_message(line)
        try:
            found = job(Context(run, seed, images, learner, executor, callback))
            if not sessions:  # a resumed session may use only some of the settings
                reported = {line.partition(" ")[0] for line in unused}
                for key in sorted({*find_uncalled(config, getattr(learner, "used_keys", ()))} - reported):
                    callback.on_message(f"warning: {key} had no effect: nothing in this run used it.")
        finally:
            executor.close()
            callback.close()
            if len(run.journal):  # without units the run may start again with other settings
                run.journal.append(str(SessionKey(len(sessions))), {"seconds": time.perf_counter() - started})
        operative = RunConfig.operative()
        files.write_text(run.paths.operative_text, operative.gin_text)
        files.write_json(run.paths.operative, operative.to_json())
        summary = {
            "experiment": job.__name__,
            "dataset": images.name,
            "seed": seed,
            "elapsed_seconds": before + time.perf_counter() - started,
            **found,
        }
        files.write_json(run.paths.summary, summary)
        return run.journal.append(str(SummaryKey()), summary)
