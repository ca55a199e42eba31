"""What ``bin/study`` does: a study of gin files over seeds, or of a published study's models."""

from collections.abc import Sequence
from pathlib import Path

from rdl.cli.configuration import configure
from rdl.errors import UserError


def seeded(
    gin_files: Sequence[str],
    seeds: str | None,
    on_top: Sequence[str],
    bindings: Sequence[str],
    metrics: Sequence[str] | None,
    name: str | None,
    output_dir: str | None,
) -> None:
    """Trains, measures, prints the tables and writes the page of gin files over seeds.

    Raises:
      UserError: wrong files, seeds or configurations; at the end, runs that failed.
    """
    from rdl.jobs import seeded as gin_files_over_seeds

    if seeds is None:
        raise UserError("Say which seeds each gin file is run with: --seeds=0-4.")
    cases = gin_files_over_seeds.runs(gin_files, seeds)
    root = Path(output_dir or Path("runs") / (name or cases[0].name))
    # Here: TensorFlow takes seconds, and a wrong flag should be told at once.
    configure()
    from rdl.cli import worker
    from rdl.jobs import study_run

    gin_files_over_seeds.check(cases, on_top, bindings)
    try:
        study_run.run(cases, root, on_top, bindings, metrics, worker.executor, _say)
    finally:  # what is done is shown, whatever failed or stopped the rest
        _show(root, cases[0].name)


def _show(root: Path, ours: str) -> None:
    """Prints the tables and writes the page of what is there."""
    from rdl.evaluation import studies
    from rdl.jobs.study_run import table_path
    from rdl.report.study import write_study

    try:
        _say(f"\n{studies.markdown(studies.read(root), ours)}")
        _say(f"{table_path(root)}\n{write_study(root)}")
    except UserError as error:
        _say(f"There is nothing to show yet: {str(error).splitlines()[0]}")


def published(
    numbers: str | None,
    only_print: bool,
    on_top: Sequence[str],
    bindings: Sequence[str],
    metrics: Sequence[str] | None,
    name: str | None,
    output_dir: str | None,
) -> None:
    """Trains and measures models of ``unsupervised_study_v1`` by their numbers, or prints their settings.

    Raises:
      UserError: wrong numbers or configurations; at the end, models that failed.
    """
    from rdl.jobs import study

    chosen = None if numbers is None else [study.Setting.of(number) for number in study.parse_numbers(numbers)]
    if chosen is None or not only_print:
        configure()
        from rdl.cli import worker
        from rdl.jobs import study_run

        settings = study_run.read_plan(on_top, bindings).settings()
    settings = settings if chosen is None else chosen
    if chosen is None and len(settings) == study.NUM_MODELS:
        raise UserError("These are all 12,600 models: choose some by --model_num or study.seeds .., or say 0-12599.")
    if only_print:
        print("\n\n".join(setting.describe() for setting in settings))
        return
    root = output_dir or Path("runs") / (name or "unsupervised_study_v1")
    _say(str(study_run.run(settings, root, on_top, bindings, metrics, worker.executor, _say)))


def _say(line: str) -> None:
    print(line, flush=True)
