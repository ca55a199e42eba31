"""From gin's choice of networks and objective to models the trainer can move on."""

from collections.abc import Callable

import gin
import keras

from rdl.models import objectives, small_networks
from rdl.models.vae import VAE, Ensemble


@gin.configurable("model")
def build(
    image_shape: tuple[int, int, int],
    models: int = 1,
    encoder: Callable[..., keras.Model] = small_networks.small_conv_encoder,
    decoder: Callable[..., keras.Model] = small_networks.small_conv_decoder,
    objective: Callable[[], objectives.Objective] = objectives.beta_tc_vae,
    num_latents: int = 10,
) -> Ensemble:
    """An ensemble of `models` VAEs for images of `image_shape` (height, width, channels).

    Args:
      image_shape: of one image.
      models: how many VAEs share batches and hyperparameters.
      encoder: factory (image_shape, num_latents) -> keras.Model; in gin `model.encoder = @conv_encoder`.
      decoder: factory (image_shape, num_latents) -> keras.Model; in gin `model.decoder = @deconv_decoder`.
      objective: factory of the loss; in gin `model.objective = @beta_tc_vae`.
      num_latents: coordinates of z.
    """
    return Ensemble(
        [VAE(encoder(image_shape, num_latents), decoder(image_shape, num_latents), objective()) for _ in range(models)]
    )
