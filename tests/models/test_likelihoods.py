import gin
import numpy as np
import pytest
import tensorflow as tf
from scipy import integrate, special, stats
from tensorflow_probability import distributions as tfd

from rdl.config import reading
from rdl.errors import UserError
from rdl.models import build
from rdl.models.distributions import continuous_bernoulli_image, normal_image
from rdl.models.likelihoods import Bernoulli, Gaussian, likelihood_of
from rdl.models.saving import saved
from rdl.models.saving.export import export
from rdl.models.saving.plain import to_plain_keras
from rdl.models.saving.saved import TrainedModel
from tests.small_models import SMALL_VAE

SHAPE = (4, 5, 2)
NAMES = ("bernoulli", "continuous_bernoulli", "gaussian")
RANDOM = np.random.default_rng(0)
GREY = RANDOM.random((3, *SHAPE))
LOGITS = np.concatenate(  # around 0, where the normaliser cancels; around 0.6, where the series ends; and large
    [[0.0, 1e-12, -1e-7, 1e-4, -1e-3, 0.599999, 0.600001, -0.6, 50.0, -700.0], 5 * RANDOM.normal(size=110)]
).reshape(3, *SHAPE)


@pytest.fixture(params=NAMES)
def model(request):
    gin.parse_config(f"{SMALL_VAE}\nmodel.likelihood = @{request.param}")
    return build(SHAPE, 1).models[0]


def log_continuous_bernoulli(x: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """log [l exp(l x) / (exp(l) - 1)], by expm1 in float64; 0 at l = 0, where the density is uniform."""
    safe = np.where(logits == 0, 1.0, logits)
    with np.errstate(over="ignore", invalid="ignore"):
        log_normaliser = np.where(safe > 30, safe - np.log(safe), np.log(np.expm1(np.minimum(safe, 30)) / safe))
    return np.where(logits == 0, 0.0, x * safe - log_normaliser)


def test_continuous_bernoulli_equals_its_closed_form():
    found = continuous_bernoulli_image(tf.constant(LOGITS)).log_prob(GREY)
    np.testing.assert_allclose(found, log_continuous_bernoulli(GREY, LOGITS).sum(axis=(1, 2, 3)), rtol=1e-11)


@pytest.mark.parametrize("logit", [0.0, 1e-6, -0.59, 0.61, 4.0, -30.0])
def test_continuous_bernoulli_is_a_density_with_its_mean(logit):
    image = continuous_bernoulli_image(tf.fill((1, 1, 1, 1), tf.constant(logit, tf.float64)))

    def density(x: float) -> float:
        return float(image.prob(np.full((1, 1, 1, 1), x))[0])

    assert integrate.quad(density, 0, 1)[0] == pytest.approx(1.0, rel=1e-9)
    assert integrate.quad(lambda x: x * density(x), 0, 1)[0] == pytest.approx(image.mean().numpy().item(), rel=1e-9)


def test_continuous_bernoulli_is_smooth_around_one_half_in_float32():
    """The log normaliser's derivative is minus the mean, and its values have no step, where p = s(l) is near 1/2."""
    logits = tf.constant(np.linspace(-1, 1, 2001, dtype=np.float32).reshape(-1, 1, 1, 1))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        image = continuous_bernoulli_image(logits)
        log_prob = image.log_prob(tf.zeros_like(logits))
    exact = log_continuous_bernoulli(np.zeros(2001), logits.numpy().ravel().astype(np.float64))
    np.testing.assert_allclose(log_prob, exact, atol=2e-7)
    np.testing.assert_allclose(tape.gradient(log_prob, logits), -image.mean(), atol=2e-6)


def test_continuous_bernoulli_equals_tfp():
    theirs = tfd.Independent(tfd.ContinuousBernoulli(logits=tf.constant(LOGITS)[1:]), 3)
    ours = continuous_bernoulli_image(tf.constant(LOGITS)[1:])
    np.testing.assert_allclose(ours.log_prob(GREY[1:]), theirs.log_prob(GREY[1:]), rtol=1e-6)
    np.testing.assert_allclose(ours.mean(), theirs.mean(), rtol=1e-6)
    assert ours.event_shape == SHAPE and ours.sample(2, seed=(0, 1)).shape == (2, 2, *SHAPE)


@pytest.mark.parametrize("scale", [0.05, 1.0])
def test_gaussian_equals_scipy(scale):
    found = normal_image(tf.sigmoid(tf.constant(LOGITS)), scale).log_prob(GREY)
    expected = stats.norm(special.expit(LOGITS), scale).logpdf(GREY).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_learned_scale_starts_at_a_quarter_and_its_gradient_is_that_of_the_density():
    """d log p / d v = 10 (sum of squared errors / scale^2 - pixels) (1 - r^2 / scale^2), r the rounding error."""
    layer = Gaussian()
    layer.build(SHAPE)
    logits, images = tf.constant(LOGITS[1:2], tf.float32), tf.constant(GREY[1:2], tf.float32)
    assert float(layer.scale) == pytest.approx(0.25, rel=1e-4)
    with tf.GradientTape() as tape:
        log_prob = layer.distribution(logits).log_prob(images)
    variance = float(layer.scale) ** 2
    squares = np.square(images - tf.sigmoid(logits)).sum()
    expected = 10 * (squares / variance - images.numpy().size) * (1 - 1 / 255**2 / 12 / variance)
    assert float(tape.gradient(log_prob, layer.log_scale.value)) == pytest.approx(expected, rel=1e-4)
    layer.log_scale.assign(-100.0)
    assert float(layer.scale) == pytest.approx(1 / 255 / 12**0.5, rel=1e-6)


@pytest.mark.parametrize(("scale", "weights"), [(None, 1), (0.1, 0)])
def test_gin_fixes_the_scale_of_gaussian(scale, weights):
    gin.parse_config(f"{SMALL_VAE}\nmodel.likelihood = @gaussian\ngaussian.scale = {scale}")
    vae = build(SHAPE, 1).models[0]
    names = [name for name in vae.weight_names() if "log_scale" in name]
    assert len(names) == weights
    assert float(vae.likelihood.scale) == pytest.approx(scale or 0.25, rel=1e-4)


def test_a_bernoulli_decoder_has_no_further_layer():
    gin.parse_config(SMALL_VAE)
    decoder = build(SHAPE, 1).models[0].decoder
    assert isinstance(likelihood_of(decoder), Bernoulli)
    assert type(decoder.layers[-1]).__module__.startswith("keras.")


def test_losses_use_the_likelihood(model):
    images = tf.constant(GREY, tf.float32)
    forward = model.forward(images, tf.constant([1, 2]), tf.constant(0), tf.constant(3.0))
    logits = model.decode(forward.latents)
    np.testing.assert_allclose(
        forward.log_likelihood, model.likelihood.distribution(logits).log_prob(images), rtol=1e-5
    )


def test_a_saved_model_decodes_to_the_likelihoods_mean(model, tmp_path):
    for variable in model.weights:
        variable.assign(variable + 0.1)
    latents = np.float32(3 * RANDOM.normal(size=(2, 3)))
    saved.save(model, tmp_path / "model")
    loaded = saved.load_model(tmp_path / "model")
    mean = model.likelihood.distribution(model.decode(latents)).mean().numpy()
    assert mean.min() >= 0 and mean.max() <= 1
    np.testing.assert_allclose(loaded.decode(latents), mean, rtol=1e-6)
    if isinstance(model.likelihood, Gaussian):
        assert float(likelihood_of(loaded.decoder).scale) == float(model.likelihood.scale)


def test_an_export_gives_the_likelihoods_mean_and_needs_no_rdl(model, tmp_path):
    latents = np.float32(RANDOM.normal(size=(2, 3)))
    trained = TrainedModel.of(model)
    export(trained, tmp_path / "export")
    function = tf.saved_model.load(str(tmp_path / "export")).signatures["decoder"]
    np.testing.assert_allclose(
        function(latent_vectors=tf.constant(latents))["images"], trained.decode(latents), rtol=1e-5
    )
    network = to_plain_keras(model.decoder)
    assert all(type(layer).__module__.startswith("keras.") for layer in network.layers)
    np.testing.assert_array_equal(network(latents), model.decode(latents))


@pytest.mark.parametrize("name", ["continuous_bernoulli", "gaussian"])
def test_training_with_a_likelihood_in_bfloat16_is_finite(name):
    gin.parse_config(f"{SMALL_VAE}\nmodel.likelihood = @{name}\nmodel.precision = 'mixed_bfloat16'")
    model = build(SHAPE, 1).models[0]
    values = {"beta": tf.constant(1.0)}
    with tf.GradientTape() as tape:
        losses = model.losses(
            tf.constant(GREY, tf.float32), tf.constant([1, 2]), tf.constant(0), tf.constant(3.0), values
        )
        total = tf.add_n(list(losses["vae"].values()))
    gradients = tape.gradient(total, [v.value for v in model.trainable_variables])
    assert total.dtype == tf.float32 and all(np.isfinite(g).all() for g in gradients)
    assert all(variable.dtype == "float32" for variable in model.weights)


@pytest.mark.parametrize("scale", ["0.0", "-1.0", "'wide'"])
def test_an_impossible_scale_is_refused(scale):
    with pytest.raises(UserError, match="gaussian.scale"):
        reading.read_gin([], [f"gaussian.scale = {scale}"])
