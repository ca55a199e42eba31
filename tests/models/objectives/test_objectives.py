"""Every loss against an independent numpy computation in float64 on fixed inputs."""

import gin
import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats

from rdl.errors import UserError
from rdl.models.distributions import DiagonalNormal, bernoulli_image
from rdl.models.objectives import objective as objectives
from rdl.models.objectives.factorised_support import factorised_support
from rdl.models.objectives.objective import ForwardPass

BATCH, LATENTS, SIZE = 12, 5, 700


@pytest.fixture
def made():
    random = np.random.default_rng(3)
    means, log_variances = random.normal(size=(2, BATCH, LATENTS))
    z = means + random.normal(size=means.shape) * np.exp(log_variances / 2)
    images, logits = random.random((BATCH, 4, 4, 1)), 3 * random.normal(size=(BATCH, 4, 4, 1))
    return means, log_variances, z, images, logits


def evaluate(objective, made, step=0, dtype=tf.float32, **hyperparameters):
    means, log_variances, z, images, logits = (tf.constant(a, dtype) for a in made)
    values = {k: tf.constant(v, dtype) for k, v in (objective.hyperparameters | hyperparameters).items()}
    forward = ForwardPass(
        DiagonalNormal(means, log_variances), z, bernoulli_image(logits).log_prob(images),
        tf.constant(step), tf.constant(SIZE, dtype),
    )  # fmt: skip
    terms = objective.terms(forward, values)
    return {name: float(term) for name, term in terms.items()}


def reconstruction_and_kl(made):
    means, log_variances, _, images, logits = made
    p = special.expit(logits)
    log_p = (images * np.log(p) + (1 - images) * np.log(1 - p)).sum(axis=(1, 2, 3))
    kl = 0.5 * (means**2 + np.exp(log_variances) - log_variances - 1).sum(axis=1)
    return -log_p.mean(), kl.mean()


def beta_tc_loss(made, beta):
    means, log_variances, z, _, _ = made
    sd = np.exp(log_variances / 2)
    log_q = np.array([[stats.norm.logpdf(z[i], means[j], sd[j]) for j in range(BATCH)] for i in range(BATCH)])
    log_qz = special.logsumexp(log_q.sum(axis=2), axis=1) - np.log(BATCH * SIZE)
    log_product = (special.logsumexp(log_q, axis=1) - np.log(BATCH * SIZE)).sum(axis=1)
    log_q_given_x = np.array([log_q[i, i].sum() for i in range(BATCH)])
    log_p = stats.norm.logpdf(z).sum(axis=1)
    reconstruction, _ = reconstruction_and_kl(made)
    information, correlation = (log_q_given_x - log_qz).mean(), (log_qz - log_product).mean()
    return reconstruction + information + beta * correlation + (log_product - log_p).mean()


@pytest.mark.parametrize("beta", [1.0, 8.0])
def test_beta_tc_vae(made, beta):
    terms = evaluate(objectives.beta_tc_vae(), made, beta=beta)
    assert list(terms) == ["reconstruction", "mutual_information", "weighted_total_correlation", "dimension_wise_kl"]
    np.testing.assert_allclose(sum(terms.values()), beta_tc_loss(made, beta), rtol=1e-5)


def test_beta_tc_vae_with_beta_1_is_the_plain_bound_for_any_data_set_size(made):
    means, log_variances, z, _, _ = made
    log_q = stats.norm.logpdf(z, means, np.exp(log_variances / 2)).sum(axis=1)
    expected = reconstruction_and_kl(made)[0] + (log_q - stats.norm.logpdf(z).sum(axis=1)).mean()
    found = sum(evaluate(objectives.beta_tc_vae(), made, beta=1.0).values())
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_beta_tc_vae_with_the_analytic_kl(made):
    reconstruction, kl = reconstruction_and_kl(made)
    terms = evaluate(objectives.beta_tc_vae(analytic_kl=True), made, beta=4.0)
    correlation = (beta_tc_loss(made, 2.0) - beta_tc_loss(made, 1.0)) * 3.0
    np.testing.assert_allclose(sum(terms.values()), reconstruction + kl + correlation, rtol=1e-5)


def test_beta_vae(made):
    reconstruction, kl = reconstruction_and_kl(made)
    terms = evaluate(objectives.vae(), made, beta=4.0)
    np.testing.assert_allclose([terms["reconstruction"], terms["weighted_kl"]], [reconstruction, 4 * kl], rtol=1e-5)


@pytest.mark.parametrize(("step", "capacity"), [(0, 0.0), (30, 7.5), (100, 25.0), (1000, 25.0)])
def test_annealed_vae(made, step, capacity):
    reconstruction, kl = reconstruction_and_kl(made)
    terms = evaluate(objectives.annealed_vae(), made, step=step, gamma=50.0, c_max=25.0, iteration_threshold=100)
    np.testing.assert_allclose(sum(terms.values()), reconstruction + 50 * abs(kl - capacity), rtol=1e-5)


@pytest.mark.parametrize("dip_type", ["i", "ii"])
def test_dip_vae(made, dip_type):
    means, log_variances, _, _, _ = made
    covariance = np.cov(means.T, bias=True)
    if dip_type == "ii":
        covariance = covariance + np.diag(np.exp(log_variances).mean(axis=0))
    off, on = 0.0, 0.0
    for i in range(LATENTS):
        for j in range(LATENTS):
            off, on = (off, on + (covariance[i, i] - 1) ** 2) if i == j else (off + covariance[i, j] ** 2, on)
    found = evaluate(objectives.dip_vae(dip_type=dip_type), made, lambda_od=3.0, lambda_d_factor=7.0)
    np.testing.assert_allclose(sum(found.values()), sum(reconstruction_and_kl(made)) + 3 * off + 21 * on, rtol=1e-5)


@pytest.mark.parametrize(
    "objective",
    [
        objectives.beta_tc_vae(3.0),
        objectives.vae(2.0),
        objectives.annealed_vae(10.0),
        objectives.dip_vae(2.0, 5.0, "ii"),
        factorised_support(2.0, 3.0, 5.0),
    ],
    ids=lambda o: o.name,
)
def test_gradients_equal_finite_differences(made, objective):
    means, log_variances, z, images, logits = (tf.constant(a[:6]) for a in made)
    noise = (z - means) / tf.exp(log_variances / 2)
    log_likelihood = bernoulli_image(logits).log_prob(images)
    values = {k: tf.constant(v, tf.float64) for k, v in objective.hyperparameters.items()}
    size = tf.constant(SIZE, tf.float64)

    @tf.function
    def loss(means, log_variances):
        latents = means + noise * tf.exp(log_variances / 2)
        posterior = DiagonalNormal(means, log_variances)
        terms = objective.terms(ForwardPass(posterior, latents, log_likelihood, tf.constant(3), size), values)
        return tf.add_n(list(terms.values()))

    theoretical, numerical = tf.test.compute_gradient(loss, [means, log_variances], delta=1e-5)
    for ours, theirs in zip(theoretical, numerical, strict=True):
        assert np.abs(theirs).max() > 1e-3
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_gin_names_of_objectives_are_dlibs():
    gin.parse_config("""
        vae.beta = 4.
        annealed_vae.gamma = 1000
        annealed_vae.c_max = 5.
        annealed_vae.iteration_threshold = 100000
        dip_vae.lambda_od = 2.
        dip_vae.lambda_d_factor = 10.
        dip_vae.dip_type = "ii"
        beta_tc_vae.beta = 8.
        factor_vae.gamma = 30.
    """)
    assert objectives.vae().hyperparameters == {"beta": 4.0}
    assert objectives.annealed_vae().hyperparameters["c_max"] == 5.0
    assert objectives.dip_vae().hyperparameters == {"lambda_od": 2.0, "lambda_d_factor": 10.0}
    assert objectives.beta_tc_vae().hyperparameters == {"beta": 8.0}


def test_unknown_dip_type():
    with pytest.raises(UserError, match="'i' or 'ii', got 'iii'"):
        objectives.dip_vae(dip_type="iii")
