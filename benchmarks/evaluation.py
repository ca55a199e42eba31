"""CPU seconds of a whole run of bin/evaluate: ten metrics on means and samples, with disentanglement_lib's sizes.

    OMP_NUM_THREADS=1 python benchmarks/evaluation.py [--rounds 5] [--preset fast] [--metrics dci mig]

The data has the factors of dSprites, and the representation has ten latents by a formula of negligible cost; the gin
files are the shipped ones. Boosted trees cost the same in every round, so --rounds 5 grows the first 5 of
scikit-learn's 100 rounds and scales the time. "2 cores" is computed from CPU seconds: parallel work, one thread per
factor with the most expensive first, by the share of the busier core; other work unchanged. --wall also measures wall
time, which is meaningful only on an idle machine with --rounds 100. The last line is JSON.
"""

import argparse
import functools
import json
import os
import platform
import time

import gin
import metrics as made
import numpy as np
import sklearn
from sklearn import ensemble

from rdl.config import read_gin
from rdl.results.evaluation import METRIC_FILES, METRICS
from third_party.disentanglement_lib.evaluation import evaluate
from third_party.disentanglement_lib.evaluation.metrics.sampling import encode_once

TREES = ("dci", "downstream_task_boosted_trees")
SIDE_BY_SIDE = (*TREES, "downstream_task_logistic_regression")
ROUNDS = 100  # scikit-learn's


def busier_core(metric):
    """Share of the work of the busier of two cores; factors with the most classes start first."""
    costs = [classes if metric in TREES else 9 + classes for classes in sorted(made.SIZES, reverse=True)]
    cores = [0.0, 0.0]
    for cost in costs:
        cores[int(np.argmin(cores))] += cost
    return max(cores) / sum(costs) if metric in SIDE_BY_SIDE else 1.0


def representations(factors):
    """Means and samples for the states of dSprites."""
    data, mean = encode_once(factors, made.encode)
    random = np.random.RandomState(0)

    def sampled(observations):
        codes = mean(observations)
        return codes + 0.05 * random.standard_normal(codes.shape).astype(codes.dtype)

    return data, {"mean": mean, "sampled": sampled}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--metrics", nargs="*", default=METRICS)
    parser.add_argument("--preset", default="", help="a file of gin_configs/metrics/presets")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of scikit-learn's boosted trees; 100 is exact")
    parser.add_argument("--wall", action="store_true", help="show wall time too")
    options = parser.parse_args()
    ensemble.GradientBoostingClassifier = functools.partial(
        ensemble.GradientBoostingClassifier, n_estimators=options.rounds
    )
    print(f"{platform.machine()}, {os.cpu_count()} cores, scikit-learn {sklearn.__version__}, numpy {np.__version__}")
    print(f"{'representation':16}{'metric':40}{'CPU s':>9}{'2 cores s':>11}{'wall s' if options.wall else '':>9}")
    data, functions = representations(made.Factors())
    rows = []
    for name, function in functions.items():
        for metric in options.metrics:
            gin.clear_config()
            preset = [str(METRIC_FILES / "presets" / f"{options.preset}.gin")] if options.preset else []
            read_gin([str(METRIC_FILES / f"{metric}.gin"), *preset], [])
            cpu, wall = time.process_time(), time.perf_counter()
            evaluate.evaluate(data, function)
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            if metric in TREES and not options.preset:
                cpu, wall = cpu * ROUNDS / options.rounds, wall * ROUNDS / options.rounds
            rows.append({"representation": name, "metric": metric, "cpu_s": round(cpu, 2)})
            rows[-1]["two_cores_s"] = round(cpu * busier_core(metric), 2)
            clock = f"{wall:9.1f}" if options.wall else ""
            print(f"{name:16}{metric:40}{cpu:9.2f}{rows[-1]['two_cores_s']:11.2f}{clock}", flush=True)
    total = {key: round(sum(row[key] for row in rows), 1) for key in ("cpu_s", "two_cores_s")}
    print(f"{'':16}{'all':40}{total['cpu_s']:9.1f}{total['two_cores_s']:11.1f}")
    print(json.dumps({"preset": options.preset, "rounds": options.rounds, "total": total, "rows": rows}))


if __name__ == "__main__":
    main()
