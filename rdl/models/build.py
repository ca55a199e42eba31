"""From gin's choice of networks and objective to models the trainer can move on."""

from collections.abc import Callable

import gin
import keras
import tensorflow as tf

from rdl.errors import UserError
from rdl.models.ladder import ladder_vae  # noqa: F401  gin knows what is imported
from rdl.models.networks import small as small_networks
from rdl.models.networks.fit import check_networks, check_numbers
from rdl.models.objectives import factor_vae, factorised_support, paired, pooled_labels, supervised  # noqa: F401  gin, as above
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
) -> Ensemble:
    """An ensemble of `models` VAEs for images of `image_shape` (height, width, channels).

    Args:
      image_shape: of one image.
      models: how many VAEs share batches and hyperparameters.
      encoder: factory (image_shape, num_latents) -> keras.Model; in gin `model.encoder = @conv_encoder`.
      decoder: factory (image_shape, num_latents) -> keras.Model; in gin `model.decoder = @deconv_decoder`.
      objective: factory of the loss; in gin `model.objective = @beta_tc_vae`.
      num_latents: coordinates of z.
      precision: "float32"; "mixed_bfloat16": layers compute in bfloat16, while weights, moments, losses and the
        optimiser stay float32; or "auto": the second where the device multiplies bfloat16 itself, else the first.

    Raises:
      UserError: a number or a precision that cannot be, or networks that do not fit the images or each other.
    """

    check_numbers(num_latents, models)

    def one() -> VAE:
        parts = encoder(image_shape, num_latents), decoder(image_shape, num_latents)
        check_networks(*parts)
        loss = objective()
        return (loss.model or VAE)(*parts, loss)

    try:
        with policy(precision):
            return Ensemble([one() for _ in range(models)])
    except (MemoryError, OverflowError, tf.errors.ResourceExhaustedError) as error:
        raise UserError("The model does not fit into memory: choose smaller networks, or fewer models.") from error
