import gin
import numpy as np
import pytest

from rdl.errors import UserError
from rdl.training import checkpoints
from rdl.training.posteriors import posterior_parameters
from rdl.training.trainer import Trainer

SETTINGS = {"batch_size": 8, "learning_rate": 1e-3, "seed": 5}


@pytest.fixture(scope="module")
def trainer(small_model):
    return Trainer(small_model(models=2), chunk_images=20)


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)


def test_one_trace_for_ten_members(trainer, made_images):
    random = np.random.default_rng(0)
    for member in range(10):
        trainer.initialize(member)
        trainer.train(
            made_images(36 - member),
            60,
            batch_size=2 + member,
            learning_rate=10.0 ** -random.uniform(2, 5),
            hyperparameters={"beta": 1.0 + member},
            seed=member,
        )
    assert trainer.traces == 1


def test_same_seed_same_result_and_no_dependence_on_the_past(trainer, made_images):
    def run(seed):
        trainer.initialize(seed)
        terms = trainer.train(made_images(), 100, **SETTINGS | {"seed": seed})
        return terms, trainer.state()

    first, _, again = run(1), run(2), run(1)
    assert first[0] == again[0] and same(first[1], again[1])


def test_models_of_an_ensemble_differ(trainer):
    trainer.initialize(3)
    state = trainer.state()
    assert (state["model_0/000_kernel"] != state["model_1/000_kernel"]).any()


def test_models_of_an_ensemble_have_different_noise(small_model, made_images):
    """Two models of equal weights differ after an update on the same images, by their noise."""
    trainer = Trainer(small_model(models=2))
    state = trainer.state()
    trainer.set_state(state | {k: state[k.replace("model_1", "model_0")] for k in state})
    trainer.train(made_images(), 8, **SETTINGS)
    first, second = (
        [a for k, a in trainer.state().items() if k.startswith(f"model_{i}/vae/first_moments")] for i in (0, 1)
    )
    assert all((a != b).any() for a, b in zip(first, second, strict=True))


def test_terms_are_returned_by_player(small_model, made_images):
    from rdl.models.objectives.factor_vae import factor_vae

    gin.bind_parameter("fc_discriminator.width", 8)
    trainer = Trainer(small_model(objective=factor_vae))
    losses = trainer.train(made_images(), 16, **SETTINGS)
    assert {player: list(terms) for player, terms in losses.items()} == {
        "vae": ["reconstruction", "kl", "weighted_total_correlation"],
        "discriminator": ["discriminator"],
    }


def test_training_in_parts_through_a_checkpoint_equals_training_at_once(trainer, made_images, tmp_path):
    """100 images in batches of 8 are 13 updates, in chunks of 2."""
    images = made_images()
    trainer.initialize(3)
    trainer.train(images, 100, **SETTINGS)
    whole = trainer.state()

    trainer.initialize(3)
    trainer.train(images, 40, **SETTINGS)
    digest = checkpoints.save_checkpoint(tmp_path / "half.npz", trainer.state())
    trainer.initialize(99)
    trainer.train(images, 16, **SETTINGS)
    trainer.set_state(checkpoints.load_checkpoint(tmp_path / "half.npz", digest))
    trainer.train(images, 60, **SETTINGS, start_step=5)
    assert same(trainer.state(), whole)
    assert whole["updates"] == 13


def test_one_update_equals_adam_by_hand(small_model, made_images):
    """The update in numpy, in float64, from the gradients of the eager loss."""
    import tensorflow as tf

    from rdl.models.vae import as_float
    from rdl.seeds import derive
    from rdl.training.batches import shuffled_stream

    images, rate = made_images(), 0.01
    trainer = Trainer(small_model())
    vae = trainer.model.models[0]
    expected = [w.numpy().astype(np.float64) for w in vae.trainable_variables]
    moments = [(np.zeros_like(w), np.zeros_like(w)) for w in expected]
    indices = shuffled_stream(5, 36, 0, 24).reshape(3, 8)
    for step in range(3):
        for variable, value in zip(vae.trainable_variables, expected, strict=True):
            variable.assign(value)
        with tf.GradientTape() as tape:
            seed = tf.constant([derive(5, "noise"), step])
            batch = as_float(tf.constant(images.images(indices[step])))
            losses = vae.losses(batch, seed, step, tf.constant(36.0), {"beta": tf.constant(6.0)})
            loss = tf.add_n(list(losses["vae"].values()))
        for i, gradient in enumerate(tape.gradient(loss, [v.value for v in vae.trainable_variables])):
            first, second = moments[i]
            first, second = 0.9 * first + 0.1 * gradient.numpy(), 0.999 * second + 0.001 * gradient.numpy() ** 2
            moments[i] = first, second
            corrected_rate = rate * np.sqrt(1 - 0.999 ** (step + 1)) / (1 - 0.9 ** (step + 1))
            expected[i] = expected[i] - corrected_rate * first / (np.sqrt(second) + 1e-8)
    trainer.initialize(0)
    trainer.train(images, 24, **SETTINGS | {"learning_rate": rate})
    for variable, value in zip(vae.trainable_variables, expected, strict=True):
        np.testing.assert_allclose(variable.numpy(), value, atol=2e-5)


def test_the_loss_goes_down_and_the_latents_learn(trainer, made_images):
    trainer.initialize(0)
    seen = []
    settings = {"batch_size": 32, "learning_rate": 3e-3, "hyperparameters": {"beta": 1.0}, "seed": 1}
    last = trainer.train(made_images(), 9600, on_chunk=lambda step, terms: seen.append((step, terms)), **settings)
    assert seen[-1] == (300, last)
    assert last["vae"]["reconstruction"] < 0.6 * seen[0][1]["vae"]["reconstruction"]
    assert set(last["vae"]) == {
        "reconstruction",
        "mutual_information",
        "weighted_total_correlation",
        "dimension_wise_kl",
    }


def test_posterior_parameters_of_chosen_images(trainer, made_images):
    images = made_images()
    means, log_variances = posterior_parameters(trainer.model, images, batch_size=10)
    assert means.shape == log_variances.shape == (2, 36, 3) and means.dtype == np.float32
    chosen = posterior_parameters(trainer.model, images, np.array([30, 2]))
    np.testing.assert_allclose(chosen[0], means[:, [30, 2]], rtol=1e-5, atol=1e-6)
    posterior = trainer.model.models[1].encode(images.images(np.arange(36)).astype(np.float32) / 255)
    np.testing.assert_allclose(posterior.mean(), means[1], rtol=1e-5, atol=1e-6)
    assert trainer.model.posterior_parameters.experimental_get_tracing_count() == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 1}, "at least 2 .*got 1"),
        ({"num_images": 0}, "num_images=0"),
        ({"hyperparameters": {"gamma": 1.0}}, "beta.*got .gamma."),
    ],
)
def test_wrong_arguments_are_refused(trainer, made_images, change, message):
    arguments = {"num_images": 16, **SETTINGS} | change
    with pytest.raises(UserError, match=message):
        trainer.train(made_images(), arguments.pop("num_images"), **arguments)


def test_images_of_another_shape_are_refused(trainer, made_images):
    images = made_images()
    images.shape = (64, 64, 3)
    with pytest.raises(UserError, match=r"\(8, 8, 1\), got \(64, 64, 3\) from 'made'"):
        trainer.train(images, 16, **SETTINGS)


def test_the_state_of_another_model_is_refused(trainer):
    state = trainer.state()
    with pytest.raises(UserError, match=r"model_1/vae/second_moments/\d+.*got shape none"):
        trainer.set_state({k: v for k, v in state.items() if "model_1/vae/second" not in k})
    with pytest.raises(UserError, match=r"model_0/000_kernel.*got shape \(2,\)"):
        trainer.set_state(state | {"model_0/000_kernel": np.zeros(2)})
