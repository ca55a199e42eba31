"""Trains and measures many runs: gin files over seeds, or models of a published study by their numbers.

    bin/study gin_configs/quickstart.gin --seeds=0-4
    bin/study gin_configs/pbt_vae.gin gin_configs/pbt_u_vae.gin --seeds=0-9 --name=pbt --metrics=mig,dci
    bin/study unsupervised_study_v1 --model_num=1234 --only_print
    bin/study unsupervised_study_v1 --model_num=0-49,300-349 --metrics=all
    bin/study unsupervised_study_v1 --gin_file=gin_configs/study_small.gin     a part of it, at laptop size
    bin/study unsupervised_study_v1 --model_num=0-299 --executor=ray           models side by side on Ray workers

Seed S of GIN_FILE lies in OUTPUT_DIR/<name of the file>/S, model N in OUTPUT_DIR/N, all results in
OUTPUT_DIR/results.json. The same command goes on where it was stopped; several processes or machines may each take
numbers or seeds of their own.
"""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from rdl.cli.configuration import configure
from rdl.errors import UserError

FLAGS = flags.FlagValues()
POSITIONAL = True
flags.DEFINE_string("seeds", None, "Of the gin files: 0-9, or 0,2,5-7.", flag_values=FLAGS)
flags.DEFINE_string(
    "name", None, "The study lies in runs/NAME. Default: the (first) gin file's or the study's.", flag_values=FLAGS
)
flags.DEFINE_string(
    "model_num",
    None,
    "Numbers such as 7, 0-49 or 3,10-12. Default: those that the gin files select.",
    flag_values=FLAGS,
)
flags.DEFINE_bool("only_print", False, "Print the models' settings and stop.", flag_values=FLAGS)
flags.DEFINE_multi_string("gin_file", [], "Gin file on top of all others; may be repeated.", flag_values=FLAGS)
flags.DEFINE_multi_string("gin_bindings", [], "Gin binding on top of the files; may be repeated.", flag_values=FLAGS)
flags.DEFINE_list(
    "metrics", None, "As bin/evaluate's, instead of study.metrics; all: the ten of the study.", flag_values=FLAGS
)
flags.DEFINE_enum(
    "executor", None, ["serial", "ray"], "Where runs are trained; the same as binding executor.name.", flag_values=FLAGS
)
flags.DEFINE_string("output_dir", None, "Where the runs lie, instead of runs/NAME.", flag_values=FLAGS)


def main(arguments: Sequence[str]) -> None:
    """Flags -> one call."""
    on_top = FLAGS.gin_bindings + ([f"executor.name = '{FLAGS.executor}'"] if FLAGS.executor else [])
    if arguments != ["unsupervised_study_v1"] and (
        not arguments or not all(name.endswith(".gin") for name in arguments)
    ):
        raise UserError(
            f"Expected gin files or the study unsupervised_study_v1, got {' '.join(arguments) or 'nothing'}."
        )
    where = {"name": FLAGS.name, "output_dir": FLAGS.output_dir}
    if arguments != ["unsupervised_study_v1"]:
        seeded(arguments, FLAGS.seeds, FLAGS.gin_file, on_top, FLAGS.metrics, **where)
    else:
        published(FLAGS.model_num, FLAGS.only_print, FLAGS.gin_file, on_top, FLAGS.metrics, **where)


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
    from rdl.report.study import write_study
    from rdl.results import studies
    from rdl.runs import folders

    try:
        _say(f"\n{studies.markdown(studies.read(root), ours)}")
        _say(f"{folders.table(root)}\n{write_study(root)}")
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
