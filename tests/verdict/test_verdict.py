"""Made-up codes of which the truth is known: factors, turned factors, repeats, nothing."""

import numpy as np
import pytest

from rdl.errors import UserError
from rdl.verdict import Codes, LatentStatus, Thresholds, Verdict, explained_variance, gather_evidence, judge
from rdl.verdict.discreteness import discreteness

SIZES = (6, 6, 8, 4)


def factors(points=4000):
    """Every factor's values, of variance 1, [points, 4]."""
    random = np.random.default_rng(0)
    values = np.stack([random.integers(0, size, points) for size in SIZES], axis=1).astype(float)
    return (values - values.mean(axis=0)) / values.std(axis=0)


def turned(codes, first, second, angle):
    """Two latents turned in their plane."""
    out, cos, sin = codes.copy(), np.cos(angle), np.sin(angle)
    out[:, first] = cos * codes[:, first] + sin * codes[:, second]
    out[:, second] = cos * codes[:, second] - sin * codes[:, first]
    return out


def model(codes, seed=0, noise=0.08):
    """A posterior with these means; latents of no variance are the prior."""
    means = codes + noise * np.random.default_rng(seed).normal(size=codes.shape) * (codes.std(axis=0) > 0)
    live = np.where(codes.std(axis=0) > 0, -4.0, 0.0)
    return Codes(means.astype(np.float32), np.broadcast_to(live, means.shape).astype(np.float32))


def shuffled(codes, seed):
    """The same latents in another order, some upside down and bent: another training's."""
    random = np.random.default_rng(seed)
    order, signs = random.permutation(codes.shape[1]), random.choice([-1, 1], codes.shape[1])
    return model(np.tanh(0.7 * codes[:, order] * signs), seed)


def words(codes, others):
    verdict = judge(gather_evidence(model(codes), others, 0), len(others), 0.9)
    return [latent.status for latent in verdict.latents], verdict


def test_factors_that_all_models_find_are_supported():
    codes = factors()
    found, verdict = words(codes, [shuffled(codes, seed) for seed in range(1, 5)])
    assert found == [LatentStatus.SUPPORTED] * 4
    assert verdict.factors_found == 4
    assert verdict.kl_supported == 1
    assert "Four latents are supported" in str(verdict)


def test_a_turned_pair_is_entangled_with_each_other_and_the_rest_is_not():
    codes = factors()
    others = [shuffled(turned(codes, 0, 1, angle), seed) for seed, angle in enumerate((0.2, 0.7, 1.1, 0.5))]
    found, verdict = words(turned(codes, 0, 1, -0.3), others)
    assert found == [LatentStatus.ENTANGLED, LatentStatus.ENTANGLED, LatentStatus.SUPPORTED, LatentStatus.SUPPORTED]
    assert [latent.entangled_with for latent in verdict.latents] == [1, 0, None, None]
    assert "z0 is entangled with z1" in str(verdict)
    assert verdict.factors_found == 2


def test_a_mixture_on_which_all_models_agree_is_not_praised():
    mixed = turned(factors(), 0, 2, 0.7)  # 6 x 8 values lie evenly
    found, verdict = words(mixed, [shuffled(mixed, seed) for seed in range(4)])
    assert found == [LatentStatus.UNCERTAIN, LatentStatus.SUPPORTED, LatentStatus.UNCERTAIN, LatentStatus.SUPPORTED]
    assert verdict.latents[0].replication > 0.9  # agreement alone would have praised it


def many_values(points=4000):
    """Four uniform factors of variance 1, [points, 4]."""
    return np.random.default_rng(1).uniform(-(3**0.5), 3**0.5, size=(points, 4))


def test_replicated_factors_of_many_values_are_supported():
    codes = many_values()
    found, verdict = words(codes, [shuffled(codes, seed) for seed in range(4)])
    assert found == [LatentStatus.SUPPORTED] * 4
    assert max(latent.discreteness for latent in verdict.latents) < 0.05
    assert "dependence" in str(verdict) and "discreteness" not in str(verdict)


@pytest.mark.parametrize("angle", [0.4, 0.7])
def test_rotated_factors_of_many_values_are_not_supported_even_if_all_models_agree(angle):
    mixed = turned(many_values(), 0, 2, angle)
    found, _ = words(mixed, [shuffled(mixed, seed) for seed in range(4)])
    assert found == [LatentStatus.UNCERTAIN, LatentStatus.SUPPORTED, LatentStatus.UNCERTAIN, LatentStatus.SUPPORTED]


def test_what_no_other_model_knows_is_uncertain():
    codes = factors()
    blind = codes.copy()
    blind[:, 3] = 0
    found, _ = words(codes, [shuffled(blind, seed) for seed in range(4)])
    assert found == [LatentStatus.SUPPORTED] * 3 + [LatentStatus.UNCERTAIN]


def test_a_repeated_factor_counts_once():
    codes = factors()
    codes[:, 1] = codes[:, 0]
    found, verdict = words(codes, [shuffled(codes, seed) for seed in range(4)])
    assert found == [LatentStatus.SUPPORTED] * 4
    assert verdict.factors_found == 3
    assert sorted(latent.repeats is not None for latent in verdict.latents) == [False, False, False, True]
    assert "but repeats" in str(verdict)


def test_a_collapsed_model_has_learned_nothing():
    nothing = np.zeros((4000, 4))
    found, verdict = words(nothing, [shuffled(factors(), 1)])
    assert found == [LatentStatus.INACTIVE] * 4
    assert "Nothing was learned" in verdict.headline


def test_a_single_latent_is_compared_too():
    codes = factors()
    codes[:, 1:] = 0
    found, verdict = words(codes, [shuffled(factors(), seed) for seed in range(3)])
    assert found == [LatentStatus.SUPPORTED] + [LatentStatus.INACTIVE] * 3
    assert "One latent is supported" in verdict.headline


def test_collapsed_models_support_nothing():
    found, _ = words(factors(), [model(np.zeros((4000, 4)))] * 3)
    assert found == [LatentStatus.UNCERTAIN] * 4


def test_a_model_alone_is_never_supported():
    found, verdict = words(factors(), [])
    assert found == [LatentStatus.UNCERTAIN] * 4
    assert "without other models to compare with" in verdict.headline
    assert verdict.factors_found == 0


def test_the_same_evidence_gives_the_same_verdict():
    codes = turned(factors(), 0, 1, 0.4)
    others = [shuffled(factors(), seed) for seed in range(3)]
    assert words(codes, others)[1] == words(codes, others)[1]


def test_a_verdict_goes_to_json_and_back_and_its_lines_fit_a_terminal(tmp_path):
    codes = factors()
    _, verdict = words(turned(codes, 0, 1, 0.8), [shuffled(codes, seed) for seed in range(3)])
    assert Verdict.from_json(verdict.to_json()) == verdict
    assert all(len(line) <= 78 for line in verdict.lines[1:])
    assert set(verdict.summary) >= {"verdict.factors_found", "verdict.headline", "verdict.kl_supported"}
    with pytest.raises(UserError, match="is missing"):
        Verdict.load(tmp_path / "verdict.json")


def test_thresholds_decide():
    codes = factors()
    evidence = gather_evidence(model(codes), [shuffled(codes, seed) for seed in range(3)], 0)
    strict = judge(evidence, 3, 0.9, Thresholds(replication=1.1, continuous_replication=1.1))
    assert {latent.status for latent in strict.latents} == {LatentStatus.UNCERTAIN}


@pytest.mark.parametrize(
    ("make", "low", "high"),
    [
        (lambda random, n: random.normal(size=n), 0.0, 0.02),
        (lambda random, n: random.uniform(size=n), 0.0, 0.02),
        (lambda random, n: random.integers(0, 8, n) + 0.1 * random.normal(size=n), 0.4, 3.0),
        (lambda random, n: random.integers(0, 4, n) + 0.1 * random.normal(size=n), 0.2, 3.0),
        (lambda random, n: np.full(n, 2.0), 0.0, 0.0),
    ],
    ids=["normal", "even", "eight steps", "four steps", "constant"],
)
def test_steps_gather_and_even_values_do_not(make, low, high):
    assert low <= discreteness(make(np.random.default_rng(0), 5000)) <= high


def test_reconstructions_are_set_beside_the_best_constant_image():
    images = np.random.default_rng(0).integers(0, 256, (50, 4, 4, 1), dtype=np.uint8)
    assert explained_variance(images, images / 255) == pytest.approx(1)
    mean = np.broadcast_to((images / 255).mean(axis=0), images.shape)
    assert explained_variance(images, mean) == pytest.approx(0, abs=1e-9)
    assert explained_variance(np.zeros_like(images), mean) == 0.0
