"""Builds an ensemble of VAEs from gin's networks, objective and likelihood."""

from collections.abc import Callable

import gin
import keras
import tensorflow as tf

from rdl.errors import UserError
from rdl.models import likelihoods
from rdl.models.ladder import ladder_vae  # noqa: F401  registers its configurables with gin
from rdl.models.networks import small as small_networks
from rdl.models.networks.fit import check_networks, check_numbers
from rdl.models.objectives import factor_vae, factorised_support, paired, pooled_labels, supervised  # noqa: F401
from rdl.models.objectives import objective as objectives
from rdl.models.precision import policy
from rdl.models.vae import VAE, Ensemble


@gin.configurable("model")
def build(
    image_shape: tuple[int, int, int],
    models: int = 1,
    encoder: Callable[..., keras.Model] = small_networks.small_conv_encoder,
    decoder: Callable[..., keras.Model] = small_networks.small_conv_decoder,
    objective: Callable[[], objectives.Objective] = objectives.beta_tc_vae,
    num_latents: int = 10,
    precision: str = "float32",
    likelihood: Callable[[], likelihoods.Likelihood] = likelihoods.bernoulli,
) -> Ensemble:
    """Builds an ensemble of `models` VAEs for images of `image_shape`.

    Args:
      image_shape: (height, width, channels).
      models: number of VAEs that share batches and hyperparameters.
      encoder: factory (image_shape, num_latents) -> keras.Model; in gin `model.encoder = @conv_encoder`.
      decoder: factory (image_shape, num_latents) -> keras.Model; in gin `model.decoder = @deconv_decoder`.
      objective: factory of the loss; in gin `model.objective = @beta_tc_vae`.
      num_latents: number of latents.
      precision: "float32"; "mixed_bfloat16", where layers compute in bfloat16 while weights, moments, losses and the
        optimiser stay float32; or "auto", which is "mixed_bfloat16" on devices that multiply bfloat16 in hardware and
        "float32" on others.
      likelihood: factory of p(x | z); in gin `model.likelihood = @bernoulli`, `@continuous_bernoulli` or `@gaussian`.

    Raises:
      UserError: a number or a precision is out of range, or the networks do not fit the images or each other.
    """
    check_numbers(num_latents, models)

    def build_vae() -> VAE:
        networks = encoder(image_shape, num_latents), decoder(image_shape, num_latents)
        check_networks(*networks)
        loss = objective()
        return (loss.model or VAE)(networks[0], likelihoods.with_likelihood(networks[1], likelihood()), loss)

    try:
        with policy(precision):
            return Ensemble([build_vae() for _ in range(models)])
    except (MemoryError, OverflowError, tf.errors.ResourceExhaustedError) as error:
        raise UserError("The model does not fit into memory: choose smaller networks, or fewer models.") from error
