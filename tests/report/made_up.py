"""Run directories with made-up records around a real (untrained) model and real images."""

import json
from pathlib import Path

import gin
import numpy as np

from rdl.data.display import encode_png
from rdl.models import build
from rdl.models.networks.small import small_fc_decoder, small_fc_encoder
from rdl.models.saving.saved import save
from rdl.population import Member
from rdl.recursion import LeafLabels, iterate, to_json
from rdl.runs import RunDirectory, files
from rdl.verdict import LatentStatus, LatentVerdict, Verdict
from tests.run_configs import parse_config
from tests.small_models import SMALL_LADDER

IMAGES = 3 * 6 * 4 * 4  # shape, scale, x, y
CONFIG = """
dataset.name = 'dsprites_full'
dataset.size = 16
dataset.values = {'orientation': [0], 'x': [0, 10, 20, 30], 'y': [0, 10, 20, 30]}
experiment.seed = 3
"""
OPERATIVE = CONFIG + "reduce_images.flat_labels = 'ignore'\nlabel.kl_threshold = 1.18817\n"


VERDICT = Verdict(
    (
        LatentVerdict(0, LatentStatus.SUPPORTED, 1.9, 0.95, 0.98, 0.4),
        LatentVerdict(1, LatentStatus.ENTANGLED, 1.2, 0.1, 0.9, 0.02, entangled_with=2),
        LatentVerdict(2, LatentStatus.UNCERTAIN, 0.7, 0.6, 0.9, 0.02),
    ),
    6,
    0.8,
)


def generations(size=4, count=3, seed=0, reason="loss is not finite", **details):
    """A search with exploitation and failures, as member records."""
    random = np.random.default_rng(seed)
    found = []
    for generation in range(count):
        members = []
        for index in range(size):
            parent = None if generation == 0 else index
            if generation and (random.random() < 0.2 or found[-1][index].score is None):
                parent = max(found[-1], key=lambda member: member.score or 0.0).index
            hyperparameters = {
                "batch_size": int(2 ** random.integers(5, 9)),
                "beta": float(random.choice([1.0, 4.0, 16.0])),
                "learning_rate": float(10 ** random.uniform(-4, -2)),
            }
            member = Member(index, generation, parent, hyperparameters, seed=1)
            if random.random() < 0.1 and index:
                members.append(member.with_failure(reason, seconds=1.0))
                continue
            score = float(1 - (1 - 0.3 * random.random()) * 0.8**generation)
            known = {"per_model": [score, score / 2], "kl": [[1.0, 0.0]] * 2, "seconds": 2.5, "images": 1000}
            members.append(member.with_score(score, "0" * 64, **(known | details)))
        found.append(members)
    return found


def leaf(number, score=0.5):
    """A leaf run of two iterations on labels that are factors: first x and y, then scale; then it stops."""
    indices = np.arange(IMAGES)
    shape, scale, x, y = np.unravel_index(indices, (3, 6, 4, 4))
    noise = np.random.default_rng(number).normal(0, 0.01, (3, IMAGES))
    none = np.zeros(IMAGES)
    means = np.stack([x - 1.5 + noise[0], none, y - 1.5 + noise[1]], axis=1)
    log_variances = np.stack([none - 4, none, none - 4], axis=1)
    labels, records = LeafLabels(), []
    first, labels = iterate(labels, indices, means, log_variances, score, x_peak=number)
    records.append(first)
    kept = np.asarray(first.kept, int)
    if len(kept):
        means = np.stack([scale[kept] / 2 - 1 + noise[2, kept], none[kept], none[kept]], axis=1)
        second, labels = iterate(labels, kept, means, log_variances[:, [0, 1, 1]][kept], score)
        records.append(second)
    return labels, records


def make_run(
    root: Path,
    *,
    finished: bool = True,
    size: int = 4,
    count: int = 3,
    leaves: int = 2,
    alive: bool = False,
    config: str = CONFIG,
    reason: str = "loss is not finite",
    word: str = "",
) -> Path:
    """A run directory; ``word`` is part of every text in it.

    The latents of the model are inactive unless ``alive``.
    """
    with RunDirectory(root, parse_config(config + (f"a.b = {word!r}\n" if word else ""))) as run:

        def write(stage, found):
            for members in found:
                for member in members:
                    run.journal.append(f"{stage}/{member.name}", member.to_record())

        udr = {"pairwise_udr": [[0.0, 0.4], [0.5, 0.0]]}
        write(f"x_run{word}", generations(size, count, 0, reason, **udr))
        for number in range(leaves):
            labels, records = leaf(number)
            labels.save(run.paths.labels(f"leaf_{number}"))
            for i, record in enumerate(records):
                content = to_json(record)
                content["reduction"] = content["reduction"] and content["reduction"] | {"kept": []}
                run.journal.append(f"leaf_{number}/iteration_{i}", content | {"stage": word})
                if i:
                    write(f"leaf_{number}/iteration_{i}", generations(size, count, number + 5, reason, **udr))
        run.paths.environment(0).parent.mkdir()
        environment = {"commit": f"abc{word}", "python": "3.11", "packages": {f"numpy{word}": "2.4"}, "command": [word]}
        run.paths.environment(0).write_text(json.dumps(environment))
        run.paths.environment(0).with_suffix(".log").write_text(f"a warning {word}\n")
        run.journal.append("session/000", {"seconds": 61.0})
        if not finished:
            return root
        write("final", generations(size, count, 9, reason, leaf_mig=[]))
        scores = {"discrete_mig": 0.4, "disentanglement": 0.5, "completeness": 0.45, "informativeness_test": 0.9}
        run.journal.append("measure/final", scores)
        run.journal.append("measure/x_model", {key: value / 2 for key, value in scores.items()})
        for index in range(3):
            measured = {key: value * (index + 1) / 4 for key, value in scores.items()}
            member = Member(index, 0, None, {"beta": 1.0}, 1).with_score(0.1, "0", measured=[measured], seconds=1.0)
            run.journal.append(f"random_members/{member.name}", member.to_record())
        vae = build((16, 16, 1), 1, small_fc_encoder, small_fc_decoder, num_latents=3).models[0]
        if alive:  # a posterior far from the prior
            vae.encoder.get_layer("log_variances").bias.assign([-4.0, -2.0, 0.0])
        save(vae, root / "model")
        operative = parse_config(OPERATIVE + (f"a.b = {word!r}\n" if word else ""))
        files.write_json(run.paths.operative, operative.to_json())
        summary = {
            "experiment": f"rpu_vae{word}",
            "dataset": f"dsprites_full{word}",
            "seed": 3,
            "elapsed_seconds": 61.0,
            "first_generation.median_discrete_mig": 0.2,
            "final.leaf_mig": 0.7,
        }
        files.write_json(run.paths.summary, summary)
        files.write_json(run.paths.verdict, VERDICT.to_json())
        run.journal.append("summary", summary)
    return root


def make_study(root: Path, word: str = "", unfinished: bool = True) -> Path:
    """A folder as bin/study leaves it: two methods with two seeds each, and a model that is not finished."""
    models = {2: ("vae", "beta", 4.0), 10: ("vae", "beta", 4.0), 300: ("beta_tc_vae", "beta", 6.0)}
    models |= {301: models[300]} | ({302: models[300]} if unfinished else {})
    for seed, (number, (objective, strength, value)) in enumerate(models.items()):
        config = f"{CONFIG}experiment.seed = {seed}\nmodel.objective = @{objective}\npopulation.size = 1\n"
        with RunDirectory(root / str(number), parse_config(config + (f"a.b = {word!r}\n" if word else ""))) as run:
            if number == 302:
                continue
            scores = {"discrete_mig": 0.1 * (seed + 1), "disentanglement": 0.2, "completeness": 0.3}
            summary = {f"final.{key}": found for key, found in scores.items()} | {f"final.{strength}": value}
            summary |= {"experiment": f"search{word}", "seed": seed, "elapsed_seconds": 60.0, "images_trained": 6400}
            files.write_json(run.paths.summary, summary)
            pictures = np.full((1, 40, 90, 1), 50 * seed, np.uint8)
            files.write_bytes(run.paths.result("traversals.png"), encode_png(pictures[0]))
            run.journal.append("summary", summary)
    return root


def make_ladder(root: Path) -> Path:
    """A finished run of a ladder model of two levels."""
    make_run(root, leaves=0)
    gin.clear_config()
    gin.parse_config(SMALL_LADDER)
    model = build((16, 16, 1)).models[0]
    gin.clear_config()
    for level in ("level_1", "level_2"):  # a posterior far from the prior
        model.encoder.get_layer(f"{level}_log_variances").bias.assign([-4.0, -2.0])
    save(model, root / "model")
    return root
