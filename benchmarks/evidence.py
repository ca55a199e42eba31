"""Writes the tables and pictures of docs/evidence.md and docs/model_selection.md from the results in docs/results.

    python benchmarks/evidence.py            rewrites the tables between their markers, and draws the pictures
    python benchmarks/evidence.py --check    exit code 1 if a table in the pages differs from the results

A table stands in a page between ``<!-- table: NAME -->`` and ``<!-- end -->``. All MIG, DCI and MIG-sup values are the
runs' own measurement (disentanglement_lib's numbers of points); the FactorVAE score is bin/evaluate's.
"""

import argparse
import itertools
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from rdl.results import statistics

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = ("evidence.md", "model_selection.md")
FINAL, FINAL_NEW, X_MODEL = "final_from_x_model", "final_from_new_members", "x_model"
LONGER = "x_model, trained on"
METHODS = {
    FINAL: ("rPU-VAE, warm start", "none", "0.64 / 7.6 to 9.8"),
    FINAL_NEW: ("rPU-VAE, new members (our rules, not the reference's)", "none", "0.32 / 7.6 to 9.8"),
    X_MODEL: ("its x-model (PBT-U-VAE)", "none", "0.32 / 3.8"),
    LONGER: ("its x-model, trained on without choosing", "none", "0.64 / 4.2"),
    "rpu_vae_wide": ("rPU-VAE, wide settings", "none", "0.64 / 7.6 to 9.8"),
    "rpu_vae_wide, x-model": ("x-model of the wide settings", "none", "0.32 / 3.8"),
    "random_search": ("random search by UDR", "none", "0.32 / 11"),
    "ada_gvae": ("Ada-GVAE", "pairs", "0.32"),
    "ada_mlvae": ("Ada-ML-VAE", "pairs", "0.32"),
    "group_vae": ("group VAE", "pairs", "0.32"),
    "few_labels_100": ("beta-TCVAE, labels in the loss", "100", "0.32"),
    "few_labels_1000": ("beta-TCVAE, labels in the loss", "1,000", "0.32"),
    "pbt_vae": ("PBT-VAE", "all", "0.32 / 1.6"),
    "pbt_vae_100": ("PBT-VAE", "100", "0.32 / 1.6"),
    "pbt_vae_1000": ("PBT-VAE", "1,000", "0.32 / 1.6"),
    "pbt_vae_random": ("random search by MIG", "all", "0.32 / 1.6"),
    "pbt_vae_halving": ("successive halving by MIG", "all", "0.32 / 1.6"),
    "pbt_vae_frequencies": ("PBT at two frequencies by MIG", "all", "0.2 / 1.6"),
    **{f"beta_tc_vae_{beta}": (f"beta-TCVAE, beta {beta}", "none", "0.32") for beta in (8, 16, 32, 64, 128)},
    "beta_tc_vae": ("beta-TCVAE, beta 6", "none", "0.32"),
    "beta_vae": ("beta-VAE, beta 6", "none", "0.32"),
    "factor_vae": ("FactorVAE, gamma 40", "none", "0.32"),
    "dip_vae_i": ("DIP-VAE-I, lambda_od 10", "none", "0.32"),
    "dip_vae_ii": ("DIP-VAE-II, lambda_od 10", "none", "0.32"),
    "annealed_vae": ("AnnealedVAE, c_max 50", "none", "0.32"),
    "factorised_support": ("factorised support", "none", "0.32"),
    "quantised_beta_tc_vae": ("beta-TCVAE, quantised means", "none", "0.32"),
    "vlae": ("VLAE", "none", "0.32"),
    "pro_vlae": ("pro-VLAE", "none", "0.32"),
    "scenes_rpu_vae": ("rPU-VAE, settings of dSprites", "none", "0.64 / 7.6 to 9.8"),
    "scenes_rpu_vae, x-model": ("x-model, settings of dSprites", "none", "0.32 / 3.8"),
    "scenes_rpu_vae_wide": ("rPU-VAE, wide settings", "none", "0.64 / 7.6 to 9.8"),
    "scenes_rpu_vae_wide, x-model": ("x-model, wide settings", "none", "0.32 / 3.8"),
    "scenes_rpu_vae_wide, longer x-model": ("x-model, wide settings, trained on", "none", "0.64 / 4.2"),
    "scenes_beta_tc_vae": ("beta-TCVAE, beta 6", "none", "0.32"),
    "scenes_beta_tc_vae, longer": ("beta-TCVAE, beta 6, twice as long", "none", "0.64"),
    "rooms_rpu_vae_wide": ("rPU-VAE, wide settings", "none", "0.64 / 7.6 to 9.8"),
    "rooms_rpu_vae_wide, x-model": ("x-model, wide settings", "none", "0.32 / 3.8"),
    "rooms_beta_tc_vae": ("beta-TCVAE, beta 6", "none", "0.32"),
}
"""Key -> (name, labels used, million images that the chosen model / all models saw)."""
MEASURES = {
    "disentanglement": "DCI disentanglement",
    "mig_sup": "MIG-sup",
    "factor_vae_metric.eval_accuracy": "FactorVAE score",
}
POOL_SETS = ("dsprites", "scenes", "rooms", "wheels", "pebbles")
POOL_ROWS = (
    ("rpu_vae_pool", "final.", "rPU-VAE, label pool", "0.30 / 3.0"),
    ("rpu_vae_pool", "x_model.", "its x-model, the best of 8 by replication", "up to 0.18 / 1.4"),
    ("beta_tc_vae", "final.", "beta-TCVAE, beta 6", "0.32"),
    ("ada_gvae", "final.", "Ada-GVAE (pairs)", "0.32"),
)
"""Name of the gin file without its data set, part of the run, name of the method, million images."""
LEAST_BETA = 8  # of the first members of a population of the evidence study
GROUP = 4  # members of a population
Runs = Mapping[str, Sequence[Mapping[str, float]]]
"""Method -> the scores of each of its seeds."""


def load(name: str):
    """Reads a committed result."""
    return json.loads((DOCS / f"results/{name}.json").read_text())


def dsprites_runs() -> Runs:
    """Collects every method of the evidence study."""
    by_seed = load("warm_start").values()
    recursion = {key: [seed[key] for seed in by_seed] for key in (FINAL, FINAL_NEW, X_MODEL)}
    recursion[LONGER] = list(load("longer_x_model").values())
    return recursion | study_runs("controls", "few_labels", "weak")


def scenes_runs() -> Runs:
    """Collects the methods on scenes, with the controls that saw as many images."""
    longer = {f"{method}, longer": seeds for method, seeds in study_runs("scenes_longer").items()}
    x_models = {"scenes_rpu_vae_wide, longer x-model": list(load("scenes_longer_x_model").values())}
    return study_runs("scenes") | longer | x_models


def study_runs(*results: str) -> dict[str, list[Mapping[str, float]]]:
    """Collects finished runs of bin/study by gin file, each seed once; a recursion gives its x-model too."""
    found: dict[str, list[Mapping[str, float]]] = {}
    runs = {(run["file"], run["seed"]): run for result in results for run in load(result) if run["state"] == "done"}
    for (name, _), run in sorted(runs.items()):
        evaluated = dict(next(iter(run["scores"].values()), {}))
        found.setdefault(name, []).append(evaluated | _scores(run["summary"], "final."))
        if "x_model.discrete_mig" in run["summary"]:
            found.setdefault(f"{name}, x-model", []).append(_scores(run["summary"], "x_model."))
    return found


def _scores(summary: Mapping, prefix: str) -> dict[str, float]:
    return {key.removeprefix(prefix): value for key, value in summary.items() if key.startswith(prefix)}


def migs(seeds: Sequence[Mapping[str, float]]) -> list[float]:
    """Returns the MIG of each seed."""
    return [scores["discrete_mig"] for scores in seeds]


def compare_methods(runs: Runs, ours: str) -> str:
    """A row per method, best MIG first: its seeds, and how often a run of ``ours`` beats one of its runs."""
    heads = ["method", "labels", "images, million: chosen / all", "n", "MIG, mean [95 %]", "MIG of each seed",
             "P(ours better) [95 %]", *MEASURES.values()]  # fmt: skip
    rows = []
    for key, seeds in sorted(runs.items(), key=lambda item: -np.mean(migs(item[1]))):
        values = migs(seeds)
        better = "ours" if key == ours else str(statistics.probability_of_improvement(migs(runs[ours]), values))
        rows.append([*METHODS[key], str(len(values)), _mean(values), _values(values), better])
        for measure in MEASURES:
            known = [scores[measure] for scores in seeds if measure in scores]
            rows[-1].append(f"{np.mean(known):.3f}" if len(known) == len(seeds) else "")
    return markdown(heads, rows, left=3)


def label_pool() -> str:
    """The recursion with a label pool beside its x-model, a beta-TCVAE and Ada-GVAE, seed by seed."""
    runs = {
        (run["file"], run["seed"]): run["summary"]
        for name in ("controls", "weak", "scenes", "rooms", "pool")
        for run in load(name)
        if run["state"] == "done"
    }
    rows = []
    for data in POOL_SETS:
        prefix = "" if data == "dsprites" else f"{data}_"
        baseline = _measured(runs, f"{prefix}beta_tc_vae", "final.")
        for file, part, name, images in POOL_ROWS:
            found = _measured(runs, prefix + file, part)
            if not found:
                continue
            values = [scores["discrete_mig"] for scores in found.values()]
            pairs = [seed for seed in found if seed in baseline]
            above = sum(found[seed]["discrete_mig"] > baseline[seed]["discrete_mig"] for seed in pairs)
            compared = f"{above} of {len(pairs)}" if pairs and file != "beta_tc_vae" else ""
            each = [f"{found[seed]['discrete_mig']:.3f}" if seed in found else "" for seed in range(5)]
            dci = f"{np.mean([scores['disentanglement'] for scores in found.values()]):.3f}"
            rows.append([data, name, images, *each, _mean(values), compared, dci])
    heads = ["images", "method", "images, million: chosen / all", *(f"seed {seed}" for seed in range(5)),
             "MIG, mean [95 %]", "above the beta-TCVAE of the same seed", "DCI disentanglement, mean"]  # fmt: skip
    return markdown(heads, rows, left=3)


def _measured(runs: Mapping[tuple[str, int], Mapping], file: str, part: str) -> dict[int, dict[str, float]]:
    """Seed -> the scores of a part of the runs of a file."""
    found = {seed: _scores(summary, part) for (name, seed), summary in sorted(runs.items()) if name == file}
    return {seed: scores for seed, scores in found.items() if "discrete_mig" in scores}


def recursion_by_seed() -> str:
    """The five seeds of the recursion, MIG of each, and the p-value of the warm final model against the others."""
    runs = dsprites_runs()
    rows = []
    for key in (FINAL, FINAL_NEW, X_MODEL, LONGER):
        values = migs(runs[key])
        p = "" if key == FINAL else f"{statistics.paired_p_value(migs(runs[FINAL]), values):.2f}"
        means = [f"{np.mean([scores[measure] for scores in runs[key]]):.3f}" for measure in list(MEASURES)[:2]]
        rows.append([METHODS[key][0], *(f"{value:.3f}" for value in values), _mean(values), p, *means])
    heads = ["MIG", *map(str, range(5)), "mean [95 %]", "paired p", "DCI disentanglement", "MIG-sup"]
    return markdown(heads, rows)


def spread() -> str:
    """The standard deviation of MIG for models chosen in several ways; best of N is the control for a population."""
    models = [model for model in load("bed_dsprites")["models"] if model["beta"] >= LEAST_BETA]
    chosen = [
        max(group, key=lambda model: model["UDR, lasso"])["discrete_mig"]
        for group in itertools.combinations(models, GROUP)
    ]
    runs = dsprites_runs()
    samples = {
        f"random models, beta {LEAST_BETA} to 64": [model["discrete_mig"] for model in models],
        f"the best of {GROUP} of them by UDR (all {len(chosen):,} groups)": chosen,
        **{METHODS[key][0]: migs(runs[key]) for key in (X_MODEL, FINAL_NEW, FINAL)},
    }
    rows = [
        [name, f"{len(values):,}", f"{np.mean(values):.3f}", f"{np.std(values, ddof=1):.3f}",
         f"{min(values):.3f} to {max(values):.3f}"] for name, values in samples.items()
    ]  # fmt: skip
    return markdown(["models", "n", "mean MIG", "standard deviation", "range"], rows)


def selection(bed: str) -> str:
    """A row per score without labels: rank correlation with the true scores, and the regret of its choice."""
    heads = ["score", "correlation with MIG [95 %]", "MIG chosen", "regret", "with DCI [95 %]", "DCI chosen", "regret"]
    rows = []
    for name, found in load(f"bed_{bed}")["selection"].items():
        rows.append([name])
        for key in ("discrete_mig", "disentanglement"):
            rank = "{spearman:.2f} [{low:.2f}, {high:.2f}]".format(**found[key])
            rows[-1] += [rank, f"{found[key]['chosen']:.3f}", f"{found[key]['regret']:.3f}"]
    return markdown(heads, rows)


def search_rules() -> str:
    """The search rules of a population that is supervised by MIG, seeds 1 and 2."""
    names = {"pbt_vae": "truncation (PBT): 8, then 4 members", "pbt_vae_random": "none (random search): 5 members",
             "pbt_vae_halving": "halving: 10, 5, 3, 2 members",
             "pbt_vae_frequencies": "frequencies: 4 + 4 members, periods 1 and 2"}  # fmt: skip
    found = {(run["file"], run["seed"]): run["summary"] for run in load("controls")}
    rows = [
        [name, *(f"{found[file, seed]['final.discrete_mig']:.3f}" for seed in (1, 2)),
         f"{np.mean([found[file, seed]['final.disentanglement'] for seed in (1, 2)]):.3f}"]
        for file, name in names.items()
    ]  # fmt: skip
    return markdown(["rule", "MIG, seed 1", "seed 2", "DCI disentanglement, mean"], rows)


def generation_choice() -> str:
    """Best of all generations against the best of the last one, for final runs with a warm start."""
    rows = []
    for data, found in load("generation_choice").items():
        for first, last in zip(found["all"], found["last"], strict=True):
            cells = [
                f"{of[key]:.3f}" for of in (first, last) for key in ("leaf_mig", "discrete_mig", "disentanglement")
            ]
            rows.append([f"{data}, seed {first['seed']}", *cells])
    parts = ["leaf MIG", "MIG", "DCI"]
    return markdown(["", *(f"all: {part}" for part in parts), *(f"last: {part}" for part in parts)], rows)


def recursion_steps() -> str:
    """Every later iteration of the leaf runs: what is held fixed, how purely, and what its labels are about."""
    rows = []
    for seed, found in load("recursion_steps").items():
        for step in (step for step in found["iterations"] if step["iteration"]):
            held = ", ".join(f"{name} {purity:.0%}" for name, purity in step["purity"].items())
            learned = ", ".join(
                f"{label['factor']} {label['share']:.0%}{'' if label['new'] else ' (again)'}"
                for label in step["labels"]
            )
            place = f"{seed}, {step['leaf'].removeprefix('leaf_')}, {step['iteration']}"
            rows.append([place, f"{step['images']:,}", held, learned or "nothing"])
    return markdown(
        ["seed, leaf run, iteration", "images", "held fixed, purity", "label, share of entropy"], rows, left=4
    )


def label_threshold() -> str:
    """Runs with labels from 0.25 nats on against the reference's threshold, from the same x-models."""
    rows = []
    for run in load("label_threshold_runs"):
        cells = [
            [
                str(of["x_model_labels"]),
                str(of["leaf_iterations"]),
                *(f"{of[key]:.3f}" for key in ("discrete_mig", "disentanglement")),
            ]
            for of in (run["0.25"], run["1.18817"])
        ]
        rows.append([f"{run['images']}, seed {run['seed']}", *cells[0], *cells[1]])
    parts = ["x-model's labels", "leaf iterations", "MIG", "DCI"]
    return markdown(["", *(f"0.25: {part}" for part in parts), *(f"1.188: {part}" for part in parts)], rows)


def _mean(values: Sequence[float]) -> str:
    return str(statistics.mean(values, bounds=(0, 1)))


def _values(values: Sequence[float]) -> str:
    return " ".join(f"{value:.3f}" for value in values)


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Formats a Markdown table, its first ``left`` columns aligned to the left."""
    line = "|" + "---|" * left + "---:|" * (len(heads) - left)
    return "\n".join([f"| {' | '.join(heads)} |", line, *(f"| {' | '.join(row)} |" for row in rows)])


TABLES: dict[str, Callable[[], str]] = {
    "recursion by seed": recursion_by_seed,
    "methods": lambda: compare_methods(dsprites_runs(), FINAL),
    "spread": spread,
    "scenes": lambda: compare_methods(scenes_runs(), "scenes_rpu_vae_wide"),
    "rooms": lambda: compare_methods(study_runs("rooms"), "rooms_rpu_vae_wide"),
    "label pool": label_pool,
    "search rules": search_rules,
    "recursion steps": recursion_steps,
    "label threshold": label_threshold,
    "generation choice": generation_choice,
    **{f"selection on {bed}": lambda bed=bed: selection(bed) for bed in ("scenes", "dsprites", "rooms")},
}


def fill(text: str) -> str:
    """Returns a page with the tables between its markers made anew."""

    def replace(match: re.Match) -> str:
        return f"<!-- table: {match[1]} -->\n\n{TABLES[match[1]]()}\n\n<!-- end -->"

    return re.sub(r"<!-- table: ([\w ]+) -->\n.*?<!-- end -->", replace, text, flags=re.S)


def main() -> int:
    """Writes or checks the pages; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    stale = []
    for page in PAGES:
        text = (DOCS / page).read_text()
        if (new := fill(text)) != text:
            stale.append(page)
            if not options.check:
                (DOCS / page).write_text(new)
    if options.check:
        print(f"stale tables: {', '.join(stale) or 'none'}")
        return bool(stale)
    from evidence_pictures import draw

    draw()
    return 0


if __name__ == "__main__":
    sys.exit(main())
