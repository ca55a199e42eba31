"""Python code that loads an exported model without rdl, for model cards."""

from rdl.models.likelihoods import ContinuousBernoulli, likelihood_of
from rdl.models.saving.saved import TrainedModel

_IMAGES = 'images = np.zeros((1, {shape}), "float32")  # your images, in [0, 1]'

_KERAS = f"""import keras
import numpy as np

encoder = keras.saving.load_model("encoder.keras", compile=False)
decoder = keras.saving.load_model("decoder.keras", compile=False)
{_IMAGES}
means, log_variances = encoder(images)  # [1, {{latents}}] each
logits = decoder(means)
decoded = {{mean}}  # mean of the likelihood"""

_SAVED_MODEL = f"""import numpy as np
import tensorflow as tf

model = tf.saved_model.load(".")
{_IMAGES}
posterior = model.signatures["gaussian_encoder"](images=tf.constant(images))
means, log_variances = posterior["mean"], posterior["logvar"]  # [1, {{latents}}] each
decoded = model.signatures["decoder"](latent_vectors=means)["images"]"""

_ONNX = f"""import numpy as np
import onnxruntime

encoder = onnxruntime.InferenceSession("gaussian_encoder.onnx")
decoder = onnxruntime.InferenceSession("decoder.onnx")
{_IMAGES}
means, log_variances = encoder.run(["mean", "logvar"], {{{{"images": images}}}})  # [1, {{latents}}] each
decoded = decoder.run(["images"], {{{{"latent_vectors": means}}}})[0]"""

LIBRARIES = {"keras": "keras", "saved_model": "tensorflow", "onnx": "onnx"}
"""Format -> library that reads it."""

_CODE = {"keras": _KERAS, "saved_model": _SAVED_MODEL, "onnx": _ONNX}


_SIGMOID = "keras.ops.sigmoid(logits)"
_CONTINUOUS_BERNOULLI = (
    "keras.ops.where(abs(logits) < 1e-2, 0.5 + logits / 12, 1 / (1 - keras.ops.exp(-logits)) - 1 / logits)"
)


def write_loading_code(format: str, model: TrainedModel) -> list[str]:
    """Lines of code that load an exported model and decode its posterior means."""
    continuous = isinstance(likelihood_of(model.decoder), ContinuousBernoulli)
    shape = ", ".join(map(str, model.image_shape))
    mean = _CONTINUOUS_BERNOULLI if continuous else _SIGMOID
    return _CODE[format].format(shape=shape, latents=model.num_latents, mean=mean).splitlines()
