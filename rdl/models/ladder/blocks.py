"""Building blocks of the networks of ladders.

The released code of pro-VLAE (arXiv 2002.10549) applies batch normalisation after the activation, always in inference
mode, which amounts to a learned scale and shift per channel: normalisation ``affine``.
"""

from collections.abc import Callable, Sequence

from keras import layers

from rdl.errors import UserError
from rdl.models.batch_norm import BatchNormalization
from rdl.models.ladder.levels import Affine, Levels
from rdl.models.networks.small import ImageShape

_NORMALIZATIONS: dict[str, Callable[[], layers.Layer | None]] = {
    "affine": Affine,
    "batch_norm": BatchNormalization,
    "none": lambda: None,
}


class Blocks:
    """Layers that are each followed by the activation, then the normalisation.

    Args:
      activation: Keras' name of it.
      normalization: ``affine``, ``batch_norm`` or ``none``.
    """

    def __init__(self, activation: str, normalization: str):
        if normalization not in _NORMALIZATIONS:
            raise UserError(
                f"normalization must be one of {sorted(_NORMALIZATIONS)}, got {normalization!r}: set one of them."
            )
        self._activation, self._normalization = activation, _NORMALIZATIONS[normalization]

    def _normalized(self, hidden):
        normalization = self._normalization()
        return hidden if normalization is None else normalization(hidden)

    def conv(self, inputs, filters: int, stride: int = 2):
        """A convolution 4x4.

        It computes in float32 on feature maps of one pixel, since oneDNN's bfloat16 kernel does not write the gradients
        of weights that meet padding only, which may then be NaN.
        """
        dtype = "float32" if 1 in inputs.shape[1:3] else None
        convolution = layers.Conv2D(filters, 4, stride, "same", activation=self._activation, dtype=dtype)
        return self._normalized(convolution(inputs))

    def deconv(self, inputs, filters: int, size: tuple[int, int], stride: int = 2):
        """A transposed convolution 4x4, cropped to `size`, which may be odd."""
        hidden = layers.Conv2DTranspose(filters, 4, stride, "same", activation=self._activation)(inputs)
        return self._normalized(crop(hidden, size))

    def dense(self, inputs, units: int):
        """A dense layer."""
        return self._normalized(layers.Dense(units, activation=self._activation)(inputs))

    def feature_map(self, inputs, size: tuple[int, int], filters: int):
        """A dense layer to [batch, *size, filters]."""
        return layers.Reshape((*size, filters))(self.dense(inputs, size[0] * size[1] * filters))


def crop(hidden, size: tuple[int, int]):
    """The upper left part, of height and width `size`, of [batch, height, width, channels]."""
    if tuple(hidden.shape[1:3]) == size:
        return hidden
    return layers.Cropping2D(((0, hidden.shape[1] - size[0]), (0, hidden.shape[2] - size[1])))(hidden)


def halvings(image_shape: ImageShape, count: int) -> list[tuple[int, int]]:
    """(height, width) of the image, and of feature maps after 1 .. `count` convolutions of stride 2."""
    sizes = [image_shape[:2]]
    for _ in range(count):
        height, width = sizes[-1]
        sizes.append((-(-height // 2), -(-width // 2)))
    return sizes


def posterior_layers(branches: Sequence, levels: Levels) -> list:
    """[means, log variances], each [batch, latents], from the last layers of the branches, deepest level first."""
    heads = []
    for kind in ("means", "log_variances"):
        parts = [
            layers.Dense(size, name=f"{name}_{kind}", dtype="float32")(branch)  # as in `posterior_heads`
            for branch, size, name in zip(branches, levels.sizes, levels.names, strict=True)
        ]
        heads.append(layers.Concatenate(name=kind)(parts) if len(parts) > 1 else parts[0])
    return heads
