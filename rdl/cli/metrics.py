"""Scores codes from any framework with disentanglement_lib's metrics: bin/metrics codes.npz."""

import argparse
from pathlib import Path

from rdl.errors import UserError


def parser() -> argparse.ArgumentParser:
    """Of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("npz", type=Path, help="codes [n, latents] and factors [n, factors], perhaps codes_test and "
                        "factors_test; or representations [models, n, latents] and kl [models, latents]")  # fmt: skip
    parser.add_argument("--metrics", nargs="+", help="only these (default: all)")
    parser.add_argument("--mode", choices=("dlib", "fixed"), default="dlib")
    parser.add_argument("--backend", choices=("sklearn", "lightgbm"), default="sklearn", help="trees of DCI")
    parser.add_argument("--seeds", type=int, default=1, help="evaluation seeds of the metrics that draw")
    parser.add_argument("--json", type=Path, help="file for the results")
    return parser


def main(given: argparse.Namespace) -> None:
    """Reads the arrays, prints a table, writes JSON where asked.

    Raises:
      UserError: the arrays are not as they should be.
    """
    from rdl.runs import files
    from third_party.disentanglement_lib.evaluation import arrays
    from third_party.disentanglement_lib.evaluation.udr.metrics import udr

    used = vars(given)
    npz, names, json = used.pop("npz"), used.pop("metrics"), used.pop("json")
    if used["seeds"] < 1:
        raise UserError(f"--seeds: expected at least 1, received {used['seeds']}")
    try:
        data, results = arrays.read(npz), {}
        for pair in (("codes", "factors"), ("codes_test", "factors_test"), ("representations", "kl")):
            if len(there := [name for name in pair if name in data]) == 1:
                missing = next(name for name in pair if name not in data)
                raise UserError(f"{npz}: expected {' and '.join(pair)}, received {there[0]} without {missing}")
        if "codes" in data and "factors" in data:
            results = arrays.score(
                *(data["codes"], data["factors"], data.get("codes_test"), data.get("factors_test")),
                names=names, seeds=range(used["seeds"]), mode=used["mode"], backend=used["backend"],
            )  # fmt: skip
        if "representations" in data and "kl" in data:
            scores = udr.score(data["representations"], data["kl"], mode=used["mode"])
            results["udr"] = {f"model_scores.{i}": float(score) for i, score in enumerate(scores["model_scores"])}
    except ValueError as error:
        raise UserError(" ".join(str(error).split())) from error
    if not results:
        raise UserError(f"{npz}: expected codes and factors, received {', '.join(data) or 'no arrays'}")
    for metric, scores in results.items():
        for key, value in scores.items():
            print(f"{metric:36}{key:56}{value if isinstance(value, str) else format(value, '.6g')}")
    if json:
        files.hand_json(json, {"configuration": {**used, "file": str(npz)}, "results": results})
