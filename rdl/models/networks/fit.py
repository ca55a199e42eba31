"""Whether an encoder and a decoder are such, and fit each other."""

import keras

from rdl.errors import UserError

Shape = tuple[int, ...]
MOST_LATENTS = 10_000
MOST_MODELS = 1_000


def check_numbers(num_latents: int, models: int) -> None:
    """Refuses numbers of latents and models that no machine could hold, or that are none.

    Raises:
      UserError: says which numbers can be.
    """
    if not (1 <= num_latents <= MOST_LATENTS and 1 <= models <= MOST_MODELS):
        raise UserError(
            f"model.num_latents and model.models must be from 1 to {MOST_LATENTS:,} and {MOST_MODELS:,}, "
            f"got {num_latents} and {models}."
        )


def check_networks(encoder: keras.Model, decoder: keras.Model) -> None:
    """An encoder maps images to means and log variances of latents, a decoder latents to such images.

    Raises:
      UserError: names the network that does not, and what it maps to what.
    """
    for name, network in (("encoder", encoder), ("decoder", decoder)):
        if not isinstance(network, keras.Model) or not network.inputs or not network.outputs:
            raise UserError(f"The {name} must be a network with inputs and outputs, got {type(network).__name__}.")
    (image, *more), latents = _shapes(encoder.inputs), _shapes(encoder.outputs)
    if len(image) != 3 or more or len(latents) != 2 or latents[0] != latents[1] or len(latents[0]) != 1:
        raise UserError(f"model.encoder must map images to two vectors, but {_words(encoder)}: choose an encoder.")
    if _shapes(decoder.inputs) != latents[:1] or _shapes(decoder.outputs) != [image]:
        raise UserError(
            f"model.decoder must map {list(latents[0])} to {list(image)}, but {_words(decoder)}: choose a decoder that "
            "fits the encoder."
        )


def _shapes(tensors: list[keras.KerasTensor]) -> list[Shape]:
    return [tuple(tensor.shape[1:]) for tensor in tensors]


def _words(network: keras.Model) -> str:
    inputs, outputs = (" and ".join(str(list(s)) for s in _shapes(t)) for t in (network.inputs, network.outputs))
    return f"'{network.name}' maps {inputs} to {outputs}"
