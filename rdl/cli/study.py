"""Trains and measures many runs: gin files over seeds, or models of a published study by their numbers.

    bin/study gin_configs/quickstart.gin --seeds=0-4
    bin/study gin_configs/pbt_vae.gin gin_configs/pbt_u_vae.gin --seeds=0-9 --name=pbt --metrics=mig,dci
    bin/study unsupervised_study_v1 --model_num=1234 --only_print
    bin/study unsupervised_study_v1 --model_num=0-49,300-349 --metrics=all
    bin/study unsupervised_study_v1 --gin_file=gin_configs/study_small.gin     a part of it, of laptop size
    bin/study unsupervised_study_v1 --model_num=0-299 --executor=ray           models in parallel on Ray workers

Seed S of GIN_FILE is written to OUTPUT_DIR/<name of the file>/S, model N to OUTPUT_DIR/N, and all results to
OUTPUT_DIR/results.json. The same command resumes an interrupted study. Several processes or machines may each run other
numbers or seeds of one study.
"""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from rdl.cli.configuration import configure
from rdl.errors import UserError

FLAGS = flags.FlagValues()
POSITIONAL = True
flags.DEFINE_string("seeds", None, "Seeds of the gin files: 0-9, or 0,2,5-7.", flag_values=FLAGS)
flags.DEFINE_string(
    "name", None, "Writes to runs/NAME. Default: name of the first gin file or of the study.", flag_values=FLAGS
)
flags.DEFINE_string(
    "model_num",
    None,
    "Numbers such as 7, 0-49 or 3,10-12. Default: those that the gin files select.",
    flag_values=FLAGS,
)
flags.DEFINE_bool("only_print", False, "Print the settings of the models and exit.", flag_values=FLAGS)
flags.DEFINE_multi_string("gin_file", [], "Gin file on top of all others; may be repeated.", flag_values=FLAGS)
flags.DEFINE_multi_string("gin_bindings", [], "Gin binding on top of the files; may be repeated.", flag_values=FLAGS)
flags.DEFINE_list(
    "metrics",
    None,
    "Metrics as in bin/evaluate, instead of study.metrics; all: the ten of the study.",
    flag_values=FLAGS,
)
flags.DEFINE_enum(
    "executor", None, ["serial", "ray"], "Where runs are trained; same as binding executor.name.", flag_values=FLAGS
)
flags.DEFINE_string("output_dir", None, "Folder of the study, instead of runs/NAME.", flag_values=FLAGS)


def main(arguments: Sequence[str]) -> None:
    """Runs the study."""
    on_top = FLAGS.gin_bindings + ([f"executor.name = '{FLAGS.executor}'"] if FLAGS.executor else [])
    if arguments != ["unsupervised_study_v1"] and (
        not arguments or not all(name.endswith(".gin") for name in arguments)
    ):
        raise UserError(
            f"Expected gin files or the study unsupervised_study_v1, got {' '.join(arguments) or 'nothing'}."
        )
    where = {"name": FLAGS.name, "output_dir": FLAGS.output_dir}
    if arguments != ["unsupervised_study_v1"]:
        run_seeded_study(arguments, FLAGS.seeds, FLAGS.gin_file, on_top, FLAGS.metrics, **where)
    else:
        run_published_study(FLAGS.model_num, FLAGS.only_print, FLAGS.gin_file, on_top, FLAGS.metrics, **where)


def run_seeded_study(
    gin_files: Sequence[str],
    seeds: str | None,
    on_top: Sequence[str],
    bindings: Sequence[str],
    metrics: Sequence[str] | None,
    name: str | None,
    output_dir: str | None,
) -> None:
    """Trains and measures gin files over seeds, prints the tables and writes the page.

    Raises:
      UserError: wrong files, seeds or configurations; at the end, runs that failed.
    """
    from rdl.jobs.studies.seeded import check_cases, make_cases

    if seeds is None:
        raise UserError("Expected seeds for the gin files: --seeds=0-4.")
    cases = make_cases(gin_files, seeds)
    root = Path(output_dir or Path("runs") / (name or cases[0].name))
    # Imported here, since TensorFlow takes seconds to import and wrong flags should fail at once.
    configure()
    from rdl.cli import worker
    from rdl.jobs.studies.run import run_study

    check_cases(cases, on_top, bindings)
    try:
        run_study(cases, root, on_top, bindings, metrics, worker.executor, _print_line)
    finally:  # finished runs are shown even if others failed or the study was interrupted
        _show_results(root, cases[0].name)


def _show_results(root: Path, reference: str) -> None:
    """Prints the tables and writes the page about the finished runs."""
    from rdl.report.study_page import write_study
    from rdl.results.study_results import format_study, read_study
    from rdl.runs import folders

    try:
        _print_line(f"\n{format_study(read_study(root), reference)}")
        _print_line(f"{folders.results_file(root)}\n{write_study(root)}")
    except UserError as error:
        _print_line(f"No results yet: {str(error).splitlines()[0]}")


def run_published_study(
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
    from rdl.jobs.studies import published

    chosen = (
        None if numbers is None else [published.StudyModel.from_number(n) for n in published.parse_numbers(numbers)]
    )
    if chosen is None or not only_print:
        configure()
        from rdl.cli import worker
        from rdl.jobs.studies.run import read_plan, run_study

        models = read_plan(on_top, bindings).list_models()
    models = models if chosen is None else chosen
    if chosen is None and len(models) == published.NUM_MODELS:
        raise UserError("This selects all 12,600 models: give --model_num=0-12599 to train them all, or select some.")
    if only_print:
        print("\n\n".join(model.describe() for model in models))
        return
    root = output_dir or Path("runs") / (name or "unsupervised_study_v1")
    _print_line(str(run_study(models, root, on_top, bindings, metrics, worker.executor, _print_line)))


def _print_line(line: str) -> None:
    print(line, flush=True)
