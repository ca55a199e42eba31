"""Translates a trained network into Keras' own layers, so that loading it does not need rdl."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers

from rdl.models.batch_norm import BatchNormalization
from rdl.models.ladder.levels import Affine, Gate, LevelLatents
from rdl.models.likelihoods import Likelihood
from rdl.models.networks.pixel_logits import PixelLogits

Weights = list[np.ndarray]
Translation = tuple[layers.Layer, Weights]

_EPSILON = 1e-3


def to_plain_keras(network: keras.Model) -> keras.Model:
    """Replaces each layer of rdl by Keras layers that compute the same function at inference.

    Raises:
      TypeError: a layer without a translation.
    """
    weights: dict[str, Weights] = {}

    def translate(layer: Any) -> Any:
        if not isinstance(layer, layers.Layer):  # a Keras operation such as a slice, without weights
            return layer
        if isinstance(layer, keras.Model):  # a nested network
            return to_plain_keras(layer)
        for kind, translation in _TRANSLATIONS.items():
            if isinstance(layer, kind):
                replacement, weights[layer.name] = translation(layer)  # type: ignore[attr-defined]
                return replacement
        if not type(layer).__module__.startswith("keras."):
            raise TypeError(f"{type(layer).__name__} ({layer.name}) has no translation into Keras layers.")
        weights[layer.name] = layer.get_weights()
        return type(layer).from_config(layer.get_config())

    copy = keras.models.clone_model(network, clone_function=translate)
    for name, values in weights.items():
        copy.get_layer(name).set_weights(values)
    return copy


def _batch_norm(layer: BatchNormalization) -> Translation:
    values = [layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance]
    normalization = layers.BatchNormalization(epsilon=layer.epsilon, name=None if layer.relu else layer.name)
    if layer.relu:
        normalization = keras.Sequential([normalization, layers.ReLU()], name=layer.name)
    return normalization, [keras.ops.convert_to_numpy(value) for value in values]


def _affine(layer: Affine) -> Translation:
    """Batch normalisation with mean 0 and standard deviation 1."""
    scale, shift = map(keras.ops.convert_to_numpy, (layer.scale, layer.shift))
    values = [scale, shift, np.zeros_like(scale), np.full_like(scale, 1 - _EPSILON)]
    return layers.BatchNormalization(epsilon=_EPSILON, name=layer.name), values


def _gate(layer: Gate) -> Translation:
    return layers.Rescaling(float(keras.ops.convert_to_numpy(layer.gate)), name=layer.name), []


def _level_latents(layer: LevelLatents) -> Translation:
    """A dense layer whose kernel selects columns."""
    latents = layer.input.shape[-1]
    picks = np.eye(latents, dtype=np.float32)[:, layer.start : layer.start + layer.size]
    return layers.Dense(layer.size, use_bias=False, name=layer.name), [picks]


def _pixel_logits(layer: PixelLogits) -> Translation:
    plain_layer = layers.Conv2DTranspose(layer.filters, 4, 2, "same", name=layer.name)
    return plain_layer, layer.get_weights()


def _likelihood(layer: Likelihood) -> Translation:
    return layers.Activation("linear", name=layer.name), []


_TRANSLATIONS: dict[type, Callable[..., Translation]] = {
    BatchNormalization: _batch_norm,
    PixelLogits: _pixel_logits,
    Affine: _affine,
    Gate: _gate,
    LevelLatents: _level_latents,
    Likelihood: _likelihood,
}
