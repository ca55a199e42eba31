"""Scores codes from any framework with disentanglement_lib's metrics and newer ones: bin/metrics codes.npz

Prints each score as soon as it is computed, the fast metrics first. Without a test split, a third of the points is
drawn for the test by --split-seed; the result does not depend on the order of the rows.
"""

import argparse
import contextlib
import sys
from pathlib import Path

from rdl.errors import UserError


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("npz", type=Path, help="arrays codes [n, latents] and factors [n, factors], optionally "
                        "factor_names, codes_test and factors_test; or representations [models, n, latents] and "
                        "kl [models, latents]")  # fmt: skip
    parser.add_argument("--metrics", nargs="+", help="only these metrics (default: all)")
    parser.add_argument("--mode", choices=("dlib", "fixed"), default="dlib", help="see docs/metrics.md")
    parser.add_argument("--backend", choices=("sklearn", "lightgbm"), default="sklearn", help="trees of DCI")
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds of the metrics that draw")
    parser.add_argument("--split-seed", type=int, default=0, help="seed of the training and test split")
    parser.add_argument("--continuous", default="", help="names or numbers of continuous factors, separated by commas; "
                        "others are recognised by their number of values")  # fmt: skip
    parser.add_argument("--discrete", default="", help="names or numbers of discrete factors, separated by commas")
    parser.add_argument("--json", type=Path, help="file for the results")
    return parser


def main(given: argparse.Namespace) -> int:
    """Reads the arrays, prints a table row by row, writes JSON on request; returns the exit code.

    Raises:
      UserError: invalid arrays or options.
    """
    try:
        _run(given)
    except KeyboardInterrupt:  # nothing is kept that a second call could continue
        print("\nstopped; the scores above are complete, and a new call starts from the beginning.", file=sys.stderr)
        return 130
    return 0


def _run(given: argparse.Namespace) -> None:
    from rdl.metrics import arrays
    from rdl.runs import files
    from third_party.disentanglement_lib.evaluation.udr.metrics import udr

    if given.seeds < 1:
        raise UserError(f"--seeds: expected at least 1, received {given.seeds}")
    data = arrays.read_npz(given.npz)
    for pair in (("codes", "factors"), ("codes_test", "factors_test"), ("representations", "kl")):
        if len(present := [name for name in pair if name in data]) == 1:
            missing = next(name for name in pair if name not in data)
            raise UserError(f"{given.npz}: expected {' and '.join(pair)}, received {present[0]} without {missing}")
    results: dict[str, dict] = {}
    if "codes" in data and "factors" in data:
        names = data.get("factor_names")
        scores = arrays.score_arrays(
            *(data["codes"], data["factors"], data.get("codes_test"), data.get("factors_test")),
            metrics=given.metrics, seeds=range(given.seeds), mode=given.mode, backend=given.backend,
            factor_names=None if names is None else [str(name) for name in names.ravel()],
            continuous=_names(given.continuous), discrete=_names(given.discrete), split_seed=given.split_seed,
            on_message=_print_message,
        )  # fmt: skip
        for metric, result in scores:
            results[metric] = result
            _print_rows(metric, result)
    if "representations" in data and "kl" in data:
        try:
            model_scores = udr.score(data["representations"], data["kl"], mode=given.mode)["model_scores"]
        except ValueError as error:
            raise UserError(" ".join(str(error).split())) from error
        results["udr"] = {f"model_scores.{i}": float(score) for i, score in enumerate(model_scores)}
        _print_rows("udr", results["udr"])
    if not results:
        raise UserError(f"{given.npz}: expected codes and factors, received {', '.join(data) or 'no arrays'}")
    if given.json:
        configuration = {key: value for key, value in vars(given).items() if key not in ("npz", "json", "metrics")}
        files.export_json(given.json, {"configuration": {**configuration, "file": str(given.npz)}, "results": results})


def _print_message(line: str) -> None:
    with contextlib.suppress(OSError):  # scores matter more than a message that cannot be written
        print(f"# {line}", file=sys.stderr, flush=True)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _print_rows(metric: str, result: dict) -> None:
    for key, value in result.items():
        print(f"{metric:36}{key:56}{value if isinstance(value, str) else format(value, '.6g')}", flush=True)
