"""Measures how well scores without labels rank a bed of models (beta x learning rate x seed) with known factors.

    python benchmarks/model_selection.py train --output=runs/bed_dsprites
    python benchmarks/model_selection.py score --output=runs/bed_dsprites --results=docs/results/bed_dsprites.json
    python benchmarks/model_selection.py train --output=runs/bed_scenes \\
        --gin_file=gin_configs/evidence/scenes_rpu_vae.gin

Data set and networks are the gin file's. Models are trained in blocks of four, side by side. A block's codes of a
common set of points go to OUTPUT/codes, its models to OUTPUT/models and its measurements to OUTPUT/units, so that
`score` needs no training. Finished blocks are skipped; diverged ones are recorded as failed. Needs LightGBM for DCI.
Cost of the default (112 models x 400,000 images): not measured.
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from scipy import stats

from rdl import data, models, training
from rdl.cli import configure
from rdl.errors import NonFiniteError
from rdl.metrics.labelled_points import find_continuous_columns
from rdl.models.saving import saved
from rdl.posterior import mean_kl_to_prior
from rdl.runs import files
from rdl.scoring import agreement, chance
from rdl.scoring.measure import measure
from rdl.seeds import derive, generator
from rdl.training.threads import configure_threads
from third_party.disentanglement_lib.evaluation.udr.metrics import udr

SIDE_BY_SIDE, BATCH, UDR_POINTS, ELBO_POINTS = 4, 64, 1000, 1000


def train(options) -> None:
    """Trains, encodes and measures every block that is not finished."""
    configure([options.gin_file], options.gin_bindings)
    configure_threads()
    images = data.load()
    points = np.sort(generator(0, "bed", "points").permutation(len(images))[: options.points])
    trainer = training.Trainer(models.build(images.shape, SIDE_BY_SIDE))
    blocks = [
        (beta, rate, block) for block in range(options.seeds // SIDE_BY_SIDE) for beta in options.betas
        for rate in options.rates
    ]  # fmt: skip
    for number, (beta, rate, block) in enumerate(blocks, 1):
        name = f"beta_{beta:g}_rate_{rate:g}_block_{block}"
        if (options.output / "units" / f"{name}.json").is_file():
            continue
        started, cpu = time.perf_counter(), time.process_time()
        unit = {"beta": beta, "rate": rate, "block": block, "images": options.images, "dataset": repr(images)}
        seed = derive(0, "bed", f"{beta:g}", f"{rate:g}", block)
        trainer.initialize(seed)
        settings = {"batch_size": BATCH, "learning_rate": rate, "hyperparameters": {"beta": beta}, "seed": seed}
        try:
            terms = trainer.train(images, options.images, **settings)["vae"]
            means, log_variances = training.posterior_parameters(trainer.model, images, points)
            if not (np.isfinite(means).all() and np.isfinite(log_variances).all()):
                raise NonFiniteError("the posterior holds NaN or infinity")
        except NonFiniteError as error:
            files.write_json(options.output / "units" / f"{name}.json", unit | {"failed": str(error)})
            print(f"[{number}/{len(blocks)}] {name} failed: {error}", flush=True)
            continue
        unit |= {"terms": terms, "models": measure_models(trainer.model, images, points, means, log_variances)}
        unit["cpu_seconds"] = time.process_time() - cpu
        for number_of_model, vae in enumerate(trainer.model.models):
            saved.save(vae, options.output / "models" / name / str(number_of_model))
        files.write_npz(options.output / "codes" / f"{name}.npz", {"means": means, "log_variances": log_variances})
        files.write_json(options.output / "units" / f"{name}.json", unit)
        migs = ", ".join(f"{model['discrete_mig']:.3f}" for model in unit["models"])
        print(f"[{number}/{len(blocks)}] {name}: MIG {migs} ({time.perf_counter() - started:.0f} s)", flush=True)


def measure_models(ensemble, images, points, means, log_variances) -> list[dict[str, float]]:
    """Returns MIG and DCI on the true factors, reconstruction and KL of each model."""
    order = generator(0, "bed", "order").permutation(len(points))  # points are in the data set's order
    factors, num_train = images.factors(points), len(points) * 7 // 10
    continuous = find_continuous_columns(images)
    few = images.images(points[order[:ELBO_POINTS]]).astype(np.float32) / 255
    found = []
    for vae, codes, log_variance in zip(ensemble.models, means, log_variances, strict=True):
        scores, _ = measure(codes[order], factors[order], num_train, 0, dci_backend="lightgbm", continuous=continuous)
        mean, spread = codes[order[: len(few)]], np.exp(0.5 * log_variance[order[: len(few)]])
        latents = mean + spread * generator(0, "bed", "noise").standard_normal(mean.shape, np.float32)
        logits = vae.decode(latents).numpy().astype(np.float64)
        reconstruction = float((np.logaddexp(0, logits) - few * logits).sum(axis=(1, 2, 3)).mean())
        kl = mean_kl_to_prior(codes, log_variance)
        found.append({**scores, "reconstruction": reconstruction, "kl": kl.tolist()})
    return found


def score(options) -> None:
    """Scores all models by all candidates; prints a table of their quality and writes a JSON file."""
    units = [(path.stem, files.read_json(path)) for path in sorted((options.output / "units").glob("*.json"))]
    done = [(name, unit) for name, unit in units if "failed" not in unit]
    if not done:
        raise SystemExit(f"error: {options.output} holds no trained block: run `train` first.")
    parts = [np.load(options.output / "codes" / f"{name}.npz", allow_pickle=False)["means"] for name, _ in done]
    codes = np.concatenate(parts)
    rows = [{**model, "beta": unit["beta"], "rate": unit["rate"]} for _, unit in done for model in unit["models"]]
    candidates = compute_scores(codes, np.array([row["kl"] for row in rows]), rows)
    truth = {key: np.array([row[key] for row in rows]) for key in ("discrete_mig", "disentanglement")}
    table = {}
    for name, values in candidates.items():
        table[name] = {key: rate(values, true) for key, true in truth.items()}
    result = {
        "models": [
            {"beta": row["beta"], "rate": row["rate"], "kl": [round(k, 4) for k in row["kl"]]}
            | {key: round(float(true[i]), 5) for key, true in truth.items()}
            | {name: round(float(values[i]), 5) for name, values in candidates.items()}
            for i, row in enumerate(rows)
        ],
        "failed_blocks": [name for name, unit in units if "failed" in unit],
        "dataset": done[0][1]["dataset"],
        "images": done[0][1]["images"],
        "selection": table,
    }
    files.write_json(options.results or options.output / "selection.json", result)
    print(
        f"{len(rows)} models, {len(result['failed_blocks'])} failed blocks; best MIG {truth['discrete_mig'].max():.3f}"
    )
    print("| score | rank correlation with MIG [95 %] | MIG chosen | regret | with DCI [95 %] | DCI chosen | regret |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, of in table.items():
        cells = []
        for key in truth:
            found = of[key]
            rank = [found[part] for part in ("spearman", "low", "high")]
            cells += ["constant" if None in rank else "{:.2f} [{:.2f}, {:.2f}]".format(*rank)]
            cells += [f"{found['chosen']:.3f}", f"{found['regret']:.3f}"]
        print(f"| {name} | {' | '.join(cells)} |")


def compute_scores(codes: np.ndarray, kl: np.ndarray, rows: list[dict]) -> dict[str, np.ndarray]:
    """Returns every candidate's scores, higher is better, [models] each."""
    few, live = codes[:, generator(0, "bed", "few").permutation(codes.shape[1])[:UDR_POINTS]], kl > 0.01
    betas, rates = (np.array([row[key] for row in rows]) for key in ("beta", "rate"))
    found = {name: np.zeros(len(codes)) for name in ("UDR, lasso", "UDR, Spearman", "UDR, lasso, chance-corrected")}
    for beta, rate in dict.fromkeys(zip(betas, rates, strict=True)):  # UDR compares models that differ in the seed only
        alike = (betas == beta) & (rates == rate)
        for name, kind in (("UDR, lasso", "lasso"), ("UDR, Spearman", "spearman")):
            found[name][alike] = udr.score(few[alike], kl[alike], kind, mode="fixed")["model_scores"]
        by_chance = chance.rotated_udr(few[alike], kl[alike], "lasso", 0.01, 0, 10)
        most = chance.reachable_udr(few[alike], kl[alike], "lasso", 0.01)
        found["UDR, lasso, chance-corrected"][alike] = chance.correct_for_chance(
            found["UDR, lasso"][alike], by_chance, most
        )
    agreed, ones = agreement.agreement(few, kl), np.ones_like(kl)
    same = (betas[:, None] == betas) & (rates[:, None] == rates)
    other = betas[:, None] != betas
    found |= {
        "replicated nats, same setting": agreement.replication(agreed, kl, same),
        "replicated nats, other betas": agreement.replication(agreed, kl, other),
        "replication, same setting": agreement.replication(agreed, ones, same),
        "replication, other betas": agreement.replication(agreed, ones, other),
        "ModelCentrality, all models": agreement.centrality(few, kl, 0),
        "negative loss (ELBO)": np.array([-row["reconstruction"] - sum(row["kl"]) for row in rows]),
        "KL": kl.sum(axis=1),
        "active latents": live.sum(axis=1).astype(float),
    }
    return found


def rate(values: np.ndarray, true: np.ndarray) -> dict[str, float | None]:
    """Rates a score: Spearman's correlation with a bootstrap interval over models, the true score of its choice (ties
    averaged) and the regret.
    """
    chosen = float(true[values == values.max()].mean())
    random, resampled = generator(0, "bed", "bootstrap"), []
    for _ in range(1000):
        drawn = random.integers(len(values), size=len(values))
        if np.ptp(values[drawn]) > 0 and np.ptp(true[drawn]) > 0:
            resampled.append(stats.spearmanr(values[drawn], true[drawn]).statistic)
    low, high = np.quantile(resampled, (0.025, 0.975)) if resampled else (np.nan, np.nan)
    constant = np.ptp(values) == 0 or np.ptp(true) == 0
    rank = np.nan if constant else stats.spearmanr(values, true).statistic
    numbers = {"spearman": rank, "low": low, "high": high, "chosen": chosen, "regret": true.max() - chosen}
    return {key: round(float(value), 4) if np.isfinite(value) else None for key, value in numbers.items()}


def main() -> None:
    """Trains a bed or scores it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("train", "score"))
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--results", type=Path, help="where `score` writes; default OUTPUT/selection.json")
    parser.add_argument("--gin_file", default="gin_configs/evidence/rpu_vae.gin")
    parser.add_argument("--gin_bindings", nargs="*", default=[])
    parser.add_argument("--betas", type=float, nargs="+", default=[2, 4, 8, 16, 32, 64, 128])
    parser.add_argument("--rates", type=float, nargs="+", default=[5e-4, 2e-3])
    parser.add_argument("--seeds", type=int, default=8, help=f"per beta and rate, a multiple of {SIDE_BY_SIDE}")
    parser.add_argument("--images", type=int, default=400_000)
    parser.add_argument("--points", type=int, default=10_000)
    options = parser.parse_args()
    if options.seeds < SIDE_BY_SIDE or options.seeds % SIDE_BY_SIDE:
        parser.error(f"--seeds: expected a multiple of {SIDE_BY_SIDE}, received {options.seeds}")
    {"train": train, "score": score}[options.command](options)


if __name__ == "__main__":
    main()
