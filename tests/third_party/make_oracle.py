"""Writes oracle.json: small artificial codes and their scores by `brute_force`, for clones without reference scores.

PYTHONPATH=. python tests/third_party/make_oracle.py
"""

import json
from pathlib import Path

import brute_force
import numpy as np

ORACLE = Path(__file__).with_name("oracle.json")


def single():
    """Codes [90, 4] with unequal ranges that mix several factors; factors [90, 3]."""
    random = np.random.default_rng(0)
    factors = np.stack([random.integers(size, size=90) for size in (2, 3, 5)], axis=1)
    mixed = factors @ random.normal(size=(3, 4)) * [4.0, 1.0, 0.3, 0.05] + random.normal(size=(90, 4)) * 0.2
    return np.round(mixed, 3), factors


def several():
    """Four models of 40 points whose three latents are mixed with different noise; and their KL."""
    random = np.random.default_rng(1)
    base = random.normal(size=(40, 3))
    models = [
        base @ (np.eye(3)[random.permutation(3)] + 0.5 * i * random.normal(size=(3, 3)))
        + 0.3 * random.normal(size=(40, 3))
        for i in range(4)
    ]
    kl = [[1.0, 2.0, 0.5], [1.0, 0.005, 0.5], [1.0, 2.0, 0.5], [0.002, 2.0, 0.5]]
    return [np.round(codes, 3) for codes in models], kl


def scores():
    """Every score of the oracle."""
    codes, factors = single()
    models, kl = several()
    found = {name: getattr(brute_force, name)(codes, factors) for name in ("mig", "modularity", "irs")}
    found["irs, furthest"] = brute_force.irs(codes, factors, 100)
    for correlation in ("lasso", "spearman"):
        for mode in ("dlib", "fixed"):
            found[f"udr, {correlation}, {mode}"] = brute_force.udr(models, kl, correlation, mode)
    return found


def main():
    codes, factors = single()
    models, kl = several()
    arrays = {"codes": codes.tolist(), "factors": factors.tolist(), "models": [m.tolist() for m in models], "kl": kl}
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in {**arrays, "scores": scores()}.items()]
    ORACLE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
