"""A trained model for other programs: Keras files, a TensorFlow SavedModel, or ONNX; none of them needs rdl.

Encoder and decoder alone are written: no discriminator, no state of an optimiser.

The functions bear the names that disentanglement_lib gave the signatures of its TF-Hub modules:

    gaussian_encoder   images [n, h, w, c] in [0, 1] -> mean, logvar, each [n, latents]
    representation     images -> default: the means, [n, latents]
    decoder            latent_vectors [n, latents] -> images: the likelihood's mean in [0, 1]; logits
    reconstructions    images -> images, logits, through the means

Two things differ from that library: its ``images`` are logits where the decoder is Bernoulli's, and its
reconstructions go through a sample of the posterior; ours through the mean, so that they can be repeated. ONNX
allows no output with an input's name: there the reconstructions are called ``images_out``.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import tensorflow as tf

from rdl.errors import UserError
from rdl.models.likelihoods import likelihood_of
from rdl.models.saving.plain import plain
from rdl.models.saving.saved import TrainedModel
from rdl.runs import files

FORMATS = ("keras", "saved_model", "onnx")
_OPSET = 17  # of ONNX: the newest that runtimes of the last years all read
_OURS = {"assets", "variables", "saved_model.pb", "fingerprint.pb"}
CARD = "README.md"
CARD_BEGINS = "---\n# Written by rdl's export, which writes it anew; without this line it is left alone.\n"
"""A card says by this that it is no file of somebody's own; the comment is within the card's YAML."""

Tensors = Mapping[str, tf.Tensor]


class Signatures(tf.Module):
    """The model's functions, each with names for what goes in and what comes out."""

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
    """Writes the model into a folder, and its card; returns what lies there now.

    Args:
      model: as ``rdl.load`` gives it.
      folder: appears whole or not at all, and takes an older export's place, but no other folder's.
      format: ``keras`` (encoder.keras, decoder.keras), ``saved_model``, or ``onnx`` (one file a function;
        needs the extra ``onnx``).
      card: the text of ``README.md``, which begins with `CARD_BEGINS`; none is written where it is empty.

    Raises:
      UserError: an unknown format, a missing package, or a folder that cannot be written or holds other things.
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
        raise UserError(f"--output_dir must be a folder, but {folder} is a file: choose another.")
    for path in folder.iterdir():
        if path.name not in _OURS and path.suffix not in (".keras", ".onnx") and not _is_our_card(path):
            raise UserError(f"{folder} holds {path.name}, which is no part of an export: choose another --output_dir.")


def _is_our_card(path: Path) -> bool:
    if path.name != CARD or not path.is_file():
        return False
    with files.explained(path, "read"), open(path, "rb") as file:
        return file.read(len(CARD_BEGINS)) == CARD_BEGINS.encode()


def _write_keras(model: TrainedModel, folder: Path) -> None:
    plain(model.encoder).save(folder / "encoder.keras")
    plain(model.decoder).save(folder / "decoder.keras")


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
            tf.function(_distinct(function), input_signature=signature),
            input_signature=signature,
            opset=_OPSET,
            output_path=str(folder / f"{name}.onnx"),
        )


def _distinct(function: tf.types.experimental.PolymorphicFunction) -> Callable[[tf.Tensor], Tensors]:
    """The function of one tensor, its outputs renamed where they bear the input's name."""
    taken = function.input_signature[0].name

    def renamed(tensor: tf.Tensor) -> Tensors:
        return {f"{name}_out" if name == taken else name: value for name, value in function(tensor).items()}

    return renamed
