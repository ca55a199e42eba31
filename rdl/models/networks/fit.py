"""Checks that an encoder and a decoder fit the images and each other."""

import keras

from rdl.errors import UserError

Shape = tuple[int, ...]
MOST_LATENTS = 10_000
MOST_MODELS = 1_000


def check_numbers(num_latents: int, models: int) -> None:
    """Checks the numbers of latents and models.

    Raises:
      UserError: one of them is out of range.
    """
    if not (1 <= num_latents <= MOST_LATENTS and 1 <= models <= MOST_MODELS):
        raise UserError(
            f"model.num_latents must be from 1 to {MOST_LATENTS:,} and model.models from 1 to {MOST_MODELS:,}, got "
            f"{num_latents} and {models}: set smaller ones."
        )


def check_networks(encoder: keras.Model, decoder: keras.Model) -> None:
    """Checks that the encoder maps images to means and log variances, and the decoder latents to such images.

    Raises:
      UserError: names the network that does not, and the shapes that it maps.
    """
    for name, network in (("encoder", encoder), ("decoder", decoder)):
        if not isinstance(network, keras.Model) or not network.inputs or not network.outputs:
            raise UserError(
                f"The {name} must be a keras.Model with inputs and outputs, got {type(network).__name__}: build one."
            )
    (image, *more), latents = _shapes(encoder.inputs), _shapes(encoder.outputs)
    if len(image) != 3 or more or len(latents) != 2 or latents[0] != latents[1] or len(latents[0]) != 1:
        raise UserError(
            f"model.encoder must map images to two vectors, but {_describe_shapes(encoder)}: choose an encoder."
        )
    if _shapes(decoder.inputs) != latents[:1] or _shapes(decoder.outputs) != [image]:
        raise UserError(
            f"model.decoder must map {list(latents[0])} to {list(image)}, but {_describe_shapes(decoder)}: choose a "
            "decoder that fits the encoder."
        )


def _shapes(tensors: list[keras.KerasTensor]) -> list[Shape]:
    return [tuple(tensor.shape[1:]) for tensor in tensors]


def _describe_shapes(network: keras.Model) -> str:
    inputs, outputs = (" and ".join(str(list(s)) for s in _shapes(t)) for t in (network.inputs, network.outputs))
    return f"'{network.name}' maps {inputs} to {outputs}"
