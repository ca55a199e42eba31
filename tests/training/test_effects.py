"""The known effect of each objective, on 36 images of a square with two factors, column and row.

All the data are 36 posteriors, so q(z) is a mixture of 36 normals and its total correlation can be computed from the
exact densities at samples.
"""

import itertools

import gin
import numpy as np
import pytest
from scipy import special, stats

from rdl.models.objectives import objective as objectives
from rdl.models.objectives.factor_vae import factor_vae
from rdl.models.objectives.factorised_support import distances_to_product, factorised_support
from rdl.training.posteriors import posterior_parameters
from rdl.training.trainer import Trainer

pytestmark = pytest.mark.slow


def trained(small_model, images, objective, settings, steps=1500, seeds=(1,)):
    """Posterior means and standard deviations [36, 3] for each seed and each of `settings`, hyperparameters by name."""
    gin.parse_config("""
        small_fc_encoder.widths = (64,)
        small_fc_decoder.widths = (64,)
        fc_discriminator.depth = 3
        fc_discriminator.width = 64
    """)
    trainer = Trainer(small_model(objective=objective))
    results = []
    for seed, hyperparameters in itertools.product(seeds, settings):
        trainer.initialize(seed)
        settled = {"learning_rate": 3e-3, "hyperparameters": hyperparameters, "seed": seed + 1}
        trainer.train(images, 36 * steps, batch_size=36, **settled)
        means, log_variances = posterior_parameters(trainer.model, images)
        results.append((means[0], np.exp(log_variances[0] / 2)))
    return results


def kl(mean, sd):
    return 0.5 * (mean**2 + sd**2 - 2 * np.log(sd) - 1).sum(axis=1).mean()


def total_correlation(mean, sd, samples=100):
    noise = np.random.default_rng(0).normal(size=(samples, *mean.shape))
    z = (mean + sd * noise).reshape(-1, 1, mean.shape[1])
    log_q = stats.norm.logpdf(z, mean, sd)  # [samples, images, latents]
    joint = special.logsumexp(log_q.sum(axis=2), axis=1) - np.log(len(mean))
    single = special.logsumexp(log_q, axis=1) - np.log(len(mean))
    return (joint - single.sum(axis=1)).mean()


def test_beta_vae_pays_for_kl(small_model, made_images):
    plain, strong = trained(small_model, made_images(), objectives.vae, [{"beta": 1.0}, {"beta": 6.0}])
    assert 0.2 < kl(*strong) < 0.8 * kl(*plain)


def test_annealed_vae_reaches_its_capacity(small_model, made_images):
    settings = [{"gamma": 100.0, "c_max": c, "iteration_threshold": 500.0} for c in (2.0, 4.0)]
    low, high = trained(small_model, made_images(), objectives.annealed_vae, settings)
    np.testing.assert_allclose(kl(*low), 2.0, atol=0.2)
    np.testing.assert_allclose(kl(*high), 4.0, atol=0.2)


@pytest.mark.parametrize("dip_type", ["i", "ii"])
def test_dip_vae_makes_the_covariance_the_identity(small_model, made_images, dip_type):
    settings = [{"lambda_od": 0.0, "lambda_d_factor": 1.0}, {"lambda_od": 50.0, "lambda_d_factor": 1.0}]
    distances = []
    for mean, sd in trained(small_model, made_images(), lambda: objectives.dip_vae(dip_type=dip_type), settings):
        covariance = np.cov(mean.T, bias=True) + (dip_type == "ii") * np.diag((sd**2).mean(axis=0))
        distances.append(np.abs(covariance - np.eye(3)).max())
    assert distances[1] < 0.1 and distances[1] < 0.5 * distances[0]


def test_beta_tc_vae_pays_for_total_correlation(small_model, made_images):
    none, strong = trained(small_model, made_images(), objectives.beta_tc_vae, [{"beta": 1.0}, {"beta": 8.0}])
    assert total_correlation(*strong) < 0.5 * total_correlation(*none)


def test_factorised_support_fills_products(small_model, made_images):
    """Distances are in units of the latents' ranges, so that smaller latents do not count as success."""
    settings = [{"beta": 1.0, "gamma": 0.0, "delta": 0.0}, {"beta": 1.0, "gamma": 20.0, "delta": 1.0}]
    none, strong = (
        distances_to_product(mean / np.ptp(mean, axis=0), 36**2).numpy().sum()
        for mean, _ in trained(small_model, made_images(), factorised_support, settings)
    )
    assert strong < 0.5 * none


def test_factor_vae_pays_for_total_correlation(small_model, made_images):
    """Six seeds, as the discriminator learns at 1e-4, so that the effect after 1,500 steps is small."""
    found = trained(small_model, made_images(), factor_vae, [{"gamma": 0.0}, {"gamma": 20.0}], seeds=range(1, 7))
    none, strong = ([total_correlation(*posterior) for posterior in found[which::2]] for which in (0, 1))
    assert all(less < more for less, more in zip(strong, none, strict=True))
    assert np.mean(strong) < 0.9 * np.mean(none)
