"""What the networks of ladders are made of.

The released code of pro-VLAE (arXiv 2002.10549) calls batch normalisation, after the activation, without ever
telling it that it trains, which leaves a learned scale and shift per channel: normalisation ``affine``.
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
    """Layers, each followed by the activation, then the normalisation.

    Args:
      activation: by Keras' name.
      normalization: ``affine``, ``batch_norm`` or ``none``.
    """

    def __init__(self, activation: str, normalization: str):
        if normalization not in _NORMALIZATIONS:
            raise UserError(f"normalization must be one of {sorted(_NORMALIZATIONS)}, got {normalization!r}.")
        self._activation, self._normalization = activation, _NORMALIZATIONS[normalization]

    def _normalized(self, hidden):
        normalization = self._normalization()
        return hidden if normalization is None else normalization(hidden)

    def conv(self, inputs, filters: int, stride: int = 2):
        """A convolution 4x4.

        In float32 on maps of one pixel: oneDNN's bfloat16 kernel leaves the gradient of weights that meet nothing but
        padding as it finds the memory, NaN at times.
        """
        dtype = "float32" if 1 in inputs.shape[1:3] else None
        convolution = layers.Conv2D(filters, 4, stride, "same", activation=self._activation, dtype=dtype)
        return self._normalized(convolution(inputs))

    def deconv(self, inputs, filters: int, size: tuple[int, int], stride: int = 2):
        """A transposed convolution 4x4, cut to `size` where that is odd."""
        hidden = layers.Conv2DTranspose(filters, 4, stride, "same", activation=self._activation)(inputs)
        return self._normalized(cut(hidden, size))

    def dense(self, inputs, units: int):
        """A dense layer."""
        return self._normalized(layers.Dense(units, activation=self._activation)(inputs))

    def feature_map(self, inputs, size: tuple[int, int], filters: int):
        """A dense layer to [batch, *size, filters]."""
        return layers.Reshape((*size, filters))(self.dense(inputs, size[0] * size[1] * filters))


def cut(hidden, size: tuple[int, int]):
    """The upper left part of [batch, height, width, channels] that has this height and width."""
    if tuple(hidden.shape[1:3]) == size:
        return hidden
    return layers.Cropping2D(((0, hidden.shape[1] - size[0]), (0, hidden.shape[2] - size[1])))(hidden)


def halvings(image_shape: ImageShape, count: int) -> list[tuple[int, int]]:
    """(height, width) of the image, and after 1 .. `count` convolutions of stride 2."""
    sizes = [image_shape[:2]]
    for _ in range(count):
        height, width = sizes[-1]
        sizes.append((-(-height // 2), -(-width // 2)))
    return sizes


def posteriors(branches: Sequence, levels: Levels) -> list:
    """[means, log variances], each [batch, latents], from the ends of the levels' branches, deepest first."""
    heads = []
    for kind in ("means", "log_variances"):
        parts = [
            layers.Dense(size, name=f"{name}_{kind}")(branch)
            for branch, size, name in zip(branches, levels.sizes, levels.names, strict=True)
        ]
        heads.append(layers.Concatenate(name=kind)(parts) if len(parts) > 1 else parts[0])
    return heads
