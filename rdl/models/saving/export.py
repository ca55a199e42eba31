"""Exports encoder and decoder as Keras files, a TensorFlow SavedModel, or ONNX; none of them needs rdl.

The signatures have the names of disentanglement_lib's TF-Hub modules:

    gaussian_encoder   images [n, h, w, c] in [0, 1] -> mean, logvar, each [n, latents]
    representation     images -> default: the means, [n, latents]
    decoder            latent_vectors [n, latents] -> images: the likelihood's mean in [0, 1]; logits
    reconstructions    images -> images, logits, through the means

Two things differ from that library: its ``images`` are logits for a Bernoulli decoder, and it reconstructs from a
sample of the posterior, rdl from the mean, which is deterministic. ONNX forbids an output with the name of an input, so
its reconstructions are called ``images_out``.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import tensorflow as tf

from rdl.errors import UserError
from rdl.models.likelihoods import likelihood_of
from rdl.models.saving.plain import to_plain_keras
from rdl.models.saving.saved import TrainedModel
from rdl.runs import files

FORMATS = ("keras", "saved_model", "onnx")
_OPSET = 17  # ONNX operator set that runtimes of recent years support
_EXPORTED = {"assets", "variables", "saved_model.pb", "fingerprint.pb"}
CARD = "README.md"
CARD_BEGINS = "---\n# Written by rdl's export, which replaces this file; remove this line to keep it.\n"
"""First lines of a card, a comment within its YAML; an export replaces only a README.md that begins with them."""

Tensors = Mapping[str, tf.Tensor]


class Signatures(tf.Module):
    """Functions of the model with named inputs and outputs."""

    def __init__(self, model: TrainedModel):
        super().__init__()
        self._encoder, self._decoder = model.encoder, model.decoder
        images = tf.TensorSpec((None, *model.image_shape), tf.float32, name="images")
        latents = tf.TensorSpec((None, model.num_latents), tf.float32, name="latent_vectors")
        self.functions = {
            "gaussian_encoder": tf.function(self._gaussian_encoder, input_signature=[images]),
            "representation": tf.function(self._representation, input_signature=[images]),
            "decoder": tf.function(self._decode, input_signature=[latents]),
            "reconstructions": tf.function(self._reconstructions, input_signature=[images]),
        }

    def _gaussian_encoder(self, images: tf.Tensor) -> Tensors:
        mean, log_variance = self._encoder(images, training=False)
        return {"mean": tf.cast(mean, tf.float32), "logvar": tf.cast(log_variance, tf.float32)}

    def _representation(self, images: tf.Tensor) -> Tensors:
        return {"default": self._gaussian_encoder(images)["mean"]}

    def _decode(self, latent_vectors: tf.Tensor) -> Tensors:
        logits = tf.cast(self._decoder(latent_vectors, training=False), tf.float32)
        return {"images": likelihood_of(self._decoder).mean(logits), "logits": logits}

    def _reconstructions(self, images: tf.Tensor) -> Tensors:
        return self._decode(self._representation(images)["default"])


def export(model: TrainedModel, folder: str | os.PathLike, format: str = "saved_model", card: str = "") -> list[Path]:
    """Writes the model and its card into a folder, atomically; returns the paths in the folder.

    Args:
      model: a trained model.
      folder: new folder, or an older export, which is replaced.
      format: ``keras`` (encoder.keras, decoder.keras), ``saved_model``, or ``onnx`` (one file per function; needs the
        extra ``onnx``).
      card: text of ``README.md``, which begins with `CARD_BEGINS`; empty for no card.

    Raises:
      UserError: an unknown format, a missing package, or a folder that cannot be written or holds other files.
    """
    if format not in FORMATS:
        raise UserError(f"--format must be one of {', '.join(FORMATS)}, got {format!r}.")
    write: dict[str, Callable[[TrainedModel, Path], None]] = {
        "keras": _write_keras,
        "saved_model": _write_saved_model,
        "onnx": _write_onnx,
    }
    folder = Path(folder).absolute()
    _refuse_to_replace(folder)
    with files.replacing_folder(folder) as new:
        write[format](model, new)
        if card:
            files.write_text(new / CARD, card)
    return sorted(folder.iterdir())


def _refuse_to_replace(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UserError(f"--output_dir must be a folder, but {folder} is a file.")
    for path in folder.iterdir():
        if path.name not in _EXPORTED and path.suffix not in (".keras", ".onnx") and not _is_exported_card(path):
            raise UserError(f"{folder} holds {path.name}, which is not part of an export: choose another --output_dir.")


def _is_exported_card(path: Path) -> bool:
    if path.name != CARD or not path.is_file():
        return False
    with files.explained(path, "read"), open(path, "rb") as file:
        return file.read(len(CARD_BEGINS)) == CARD_BEGINS.encode()


def _write_keras(model: TrainedModel, folder: Path) -> None:
    to_plain_keras(model.encoder).save(folder / "encoder.keras")
    to_plain_keras(model.decoder).save(folder / "decoder.keras")


def _write_saved_model(model: TrainedModel, folder: Path) -> None:
    signatures = Signatures(model)
    tf.saved_model.save(signatures, str(folder), signatures=signatures.functions)


def _write_onnx(model: TrainedModel, folder: Path) -> None:
    try:
        import tf2onnx
    except ImportError as error:
        raise UserError("--format=onnx needs the packages onnx and tf2onnx: pip install 'rdl[onnx]'.") from error
    for name, function in Signatures(model).functions.items():
        signature = function.input_signature
        tf2onnx.convert.from_function(
            tf.function(_rename_outputs(function), input_signature=signature),
            input_signature=signature,
            opset=_OPSET,
            output_path=str(folder / f"{name}.onnx"),
        )


def _rename_outputs(function: tf.types.experimental.PolymorphicFunction) -> Callable[[tf.Tensor], Tensors]:
    """The function with each output renamed that has the name of the input."""
    input_name = function.input_signature[0].name

    def renamed(tensor: tf.Tensor) -> Tensors:
        return {f"{name}_out" if name == input_name else name: value for name, value in function(tensor).items()}

    return renamed
