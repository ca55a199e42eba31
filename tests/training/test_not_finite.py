"""Diverging training names the first tensor that is not finite."""

import numpy as np
import pytest
import tensorflow as tf

from rdl.errors import NonFiniteError
from rdl.models import replicas
from rdl.models.objectives.objective import Objective, kl, reconstruction
from rdl.training.trainer import Trainer

SETTINGS = {"batch_size": 8, "learning_rate": 1e-3, "seed": 5}


@pytest.fixture(scope="module")
def trainer(small_model):
    return Trainer(small_model(models=2), chunk_images=20)


def reason(trainer, images, num_images=8, **changes) -> str:
    with pytest.raises(NonFiniteError) as error:
        trainer.train(images, num_images, **SETTINGS | changes)
    return str(error.value)


@pytest.mark.parametrize(
    ("weight", "value", "named"),
    [
        ("encoder/means/kernel", 3e38, "the posterior means"),
        ("encoder/log_variances/bias", np.inf, "the posterior log variances"),
        ("encoder/log_variances/bias", 200.0, "the latents"),
        ("decoder/logits/kernel", 3e38, "the decoder's logits"),
        ("decoder/logits/bias", 3e38, "log p(x|z)"),
        ("encoder/log_variances/bias", -200.0, "log q(z)"),
    ],
)
def test_names_tensors_of_the_forward_pass(trainer, made_images, weight, value, named):
    trainer.initialize(0)
    variable = trainer.model.models[1].weight_names()[weight]
    variable.assign(tf.fill(variable.shape, value))
    assert reason(trainer, made_images()).startswith(f"At step 0, {named} of model 1 is not finite, with ")


def test_names_the_noise(small_model, made_images, monkeypatch):
    monkeypatch.setattr(replicas, "normal_like", lambda local, seed: local * 0 + np.inf)
    assert "At step 0, the noise of model 0 is not finite" in reason(Trainer(small_model()), made_images())


def test_names_a_loss_term(trainer, made_images):
    trainer.initialize(0)
    found = reason(trainer, made_images(), hyperparameters={"beta": 3e38})
    assert found == (
        "At step 0, the loss term weighted_total_correlation of model 0 is not finite, "
        "with {'batch_size': 8, 'learning_rate': 0.001, 'beta': 3e+38}."
    )


def test_names_a_gradient(small_model, made_images):
    """The root has an infinite slope at 0, although all terms and the loss are finite."""

    def terms(batch, hyperparameters):
        return {"reconstruction": reconstruction(batch), "root": tf.sqrt(0.0 * kl(batch))}

    trainer = Trainer(small_model(objective=lambda: Objective("root", terms)))
    before = trainer.state()
    assert "the gradient of encoder/dense_0/kernel of model 0" in reason(trainer, made_images())
    assert all(np.array_equal(before[name], value) for name, value in trainer.state().items())


def test_names_a_gradient_whose_square_is_not_finite(trainer, made_images):
    """Adam would turn it into NaN one update later."""
    trainer.initialize(0)
    assert "At step 0, the mean squared gradient of encoder/dense_0/kernel of model 0" in reason(
        trainer, made_images(), hyperparameters={"beta": 1e24}
    )


def test_names_an_updated_weight(trainer, made_images):
    trainer.initialize(0)
    assert "At step 0, the updated encoder/dense_0/kernel of model 0" in reason(
        trainer, made_images(), learning_rate=float("inf")
    )


def test_names_the_step_within_a_chunk_and_a_run(trainer, made_images):
    """Diverges in the second chunk or later; reset to the update before, the trainer diverges again."""
    trainer.initialize(0)
    found = reason(trainer, made_images(), 800, learning_rate=1e17)
    step = int(found.removeprefix("At step ").split(",")[0])
    assert step > 0
    assert all(np.isfinite(value).all() for value in trainer.state().values())
    assert trainer.state()["updates"] == step
    assert found == reason(trainer, made_images(), 8, learning_rate=1e17, start_step=step)


@pytest.mark.slow
def test_under_xla(small_model, made_images):
    trainer = Trainer(small_model(), jit_compile=True)
    variable = trainer.model.models[0].weight_names()["decoder/logits/bias"]
    variable.assign(tf.fill(variable.shape, 3e38))
    assert "log p(x|z) of model 0 is not finite" in reason(trainer, made_images())
