import subprocess
import sys

import gin
import keras
import numpy as np
import pytest
import tensorflow as tf

from rdl.errors import UserError
from rdl.models.ladder.levels import Gate
from rdl.models.ladder.networks import flat_decoder, ladder_decoder, ladder_encoder
from rdl.models.networks.reference import reference_decoder, reference_encoder
from rdl.models.saving.export import export
from rdl.models.saving.plain import to_plain_keras
from rdl.models.saving.saved import TrainedModel

SHAPE, LATENTS = (64, 64, 1), 4


def perturb(network, seed):
    """Perturbs every weight of a network, moving averages and gates included."""
    random = np.random.default_rng(seed)
    for variable in network.variables:
        value = variable.numpy() + 0.02 * random.standard_normal(variable.shape)
        variable.assign(np.abs(value) + 0.1 if "variance" in variable.name else value)
    return network


@pytest.fixture(scope="module")
def model():
    return TrainedModel(perturb(reference_encoder(SHAPE, LATENTS), 0), perturb(reference_decoder(SHAPE, LATENTS), 1))


@pytest.fixture(scope="module")
def expected(model, tmp_path_factory):
    random = np.random.default_rng(2)
    images = random.random((5, *SHAPE), np.float32)
    posterior = model.posterior(images)
    means = posterior.distribution.loc.numpy()
    latents = random.standard_normal((5, LATENTS)).astype(np.float32)
    arrays = {
        "images": images,
        "latents": latents,
        "mean": means,
        "logvar": posterior.log_variance.numpy(),
        "decoded": model.decode(latents),
        "reconstructed": model.decode(means),
    }
    path = tmp_path_factory.mktemp("expected") / "arrays.npz"
    np.savez(path, **arrays)
    return path


LOADERS = {
    "saved_model": """
import tensorflow as tf
model = tf.saved_model.load(folder)
call = lambda name, **inputs: {k: v.numpy() for k, v in model.signatures[name](
    **{k: tf.constant(v) for k, v in inputs.items()}).items()}
""",
    "onnx": """
import onnxruntime
def call(name, **inputs):
    session = onnxruntime.InferenceSession(f"{folder}/{name}.onnx")
    names = [output.name.removesuffix("_out") for output in session.get_outputs()]
    return dict(zip(names, session.run(None, inputs)))
""",
    "keras": """
import keras
encoder, decoder = (keras.saving.load_model(f"{folder}/{name}.keras") for name in ("encoder", "decoder"))
sigmoid = lambda logits: {"logits": logits, "images": 1 / (1 + np.exp(-logits))}
def call(name, images=None, latent_vectors=None):
    mean, logvar = (None, None) if images is None else [value.numpy() for value in encoder(images)]
    if name in ("gaussian_encoder", "representation"):
        return {"mean": mean, "logvar": logvar, "default": mean}
    return sigmoid(decoder(latent_vectors if name == "decoder" else mean).numpy())
""",
}

CHECK = """
import sys
import numpy as np
folder, arrays = sys.argv[1], np.load(sys.argv[2])
{load}
found = {{
    "mean": call("gaussian_encoder", images=arrays["images"])["mean"],
    "logvar": call("gaussian_encoder", images=arrays["images"])["logvar"],
    "decoded": call("decoder", latent_vectors=arrays["latents"])["images"],
    "reconstructed": call("reconstructions", images=arrays["images"])["images"],
}}
found["default"] = call("representation", images=arrays["images"])["default"]
for name, value in found.items():
    difference = np.abs(value - arrays["mean" if name == "default" else name]).max()
    print(name, value.shape, difference)
    if not difference <= 1e-5:
        sys.exit(f"{{name}} differs by {{difference}}")
few = call("representation", images=arrays["images"][:2])["default"]
if few.shape != (2, arrays["mean"].shape[1]):
    sys.exit("another batch size fails")
if any(name == "rdl" or name.startswith("rdl.") for name in sys.modules):
    sys.exit("rdl was imported")
"""


@pytest.mark.slow
@pytest.mark.parametrize("format", ["keras", "saved_model", "onnx"])
def test_an_export_computes_the_same_without_rdl(format, model, expected, tmp_path):
    if format == "onnx":
        pytest.importorskip("tf2onnx")
        pytest.importorskip("onnxruntime")
    folder = tmp_path / "exported"
    export(model, folder, format)
    code = CHECK.format(load=LOADERS[format])
    done = subprocess.run(
        [sys.executable, "-c", code, folder, expected], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("(5, ") == 5


def test_a_saved_model_has_disentanglement_libs_signatures(model, tmp_path):
    export(model, tmp_path / "out", "saved_model")
    loaded = tf.saved_model.load(str(tmp_path / "out"))
    assert set(loaded.signatures) == {"gaussian_encoder", "representation", "decoder", "reconstructions"}
    images = np.zeros((3, *SHAPE), np.float32)
    assert set(loaded.signatures["gaussian_encoder"](images=tf.constant(images))) == {"mean", "logvar"}


def test_an_export_holds_only_encoder_and_decoder(model, tmp_path):
    weights = 4 * (model.encoder.count_params() + model.decoder.count_params())
    export(model, tmp_path / "keras", "keras")
    assert weights < sum(path.stat().st_size for path in (tmp_path / "keras").iterdir()) < 1.1 * weights
    export(model, tmp_path / "saved_model", "saved_model")
    variables = tmp_path / "saved_model" / "variables" / "variables.data-00000-of-00001"
    assert weights <= variables.stat().st_size < 1.01 * weights


def test_an_export_replaces_only_an_older_export(model, tmp_path):
    first = export(model, tmp_path / "out", "keras")
    assert [path.name for path in first] == ["decoder.keras", "encoder.keras"]
    assert export(model, tmp_path / "out", "keras") == first
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years")
    with pytest.raises(UserError, match="thesis.tex, which is not part of an export"):
        export(model, tmp_path / "mine", "keras")
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "years"
    with pytest.raises(UserError, match="--format must be one of keras, saved_model, onnx, got 'tflite'"):
        export(model, tmp_path / "out", "tflite")


@pytest.mark.parametrize(
    "make",
    [lambda: reference_encoder((64, 64, 1), 3), lambda: ladder_encoder((64, 64, 1), 6)],
    ids=["reference", "ladder"],
)
def test_encoders_in_plain_keras_compute_the_same(make):
    check_plain(perturb(make(), 3), np.random.default_rng(4).random((2, 64, 64, 1), np.float32))


@pytest.mark.parametrize(
    "make",
    [lambda: reference_decoder((64, 64, 1), 6), lambda: ladder_decoder((64, 64, 1), 6)],
    ids=["reference", "ladder"],
)
def test_decoders_in_plain_keras_compute_the_same(make):
    check_plain(perturb(make(), 5), np.random.default_rng(6).standard_normal((2, 6)).astype(np.float32))


def test_nested_networks_are_translated():
    gin.bind_parameter("flat_decoder.decoder", reference_decoder)
    decoder = perturb(flat_decoder((64, 64, 1), 6), 8)
    check_plain(decoder, np.random.default_rng(9).standard_normal((2, 6)).astype(np.float32))


def check_plain(network, inputs):
    copy = to_plain_keras(network)
    for found, wanted in zip(
        keras.tree.flatten(copy(inputs)), keras.tree.flatten(network(inputs, training=False)), strict=True
    ):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * max(1.0, np.abs(wanted).max()))
    assert all(type(layer).__module__.startswith("keras.") for layer in copy._flatten_layers(include_self=False))


def test_a_closed_gate_stays_closed():
    decoder = ladder_decoder((64, 64, 1), 6)
    gates = [layer for layer in decoder.layers if isinstance(layer, Gate)]
    gates[0].gate.assign(0.0)
    latents = np.random.default_rng(7).standard_normal((2, 6)).astype(np.float32)
    np.testing.assert_allclose(to_plain_keras(decoder)(latents), decoder(latents), atol=1e-5)


def test_a_layer_without_translation_is_named():
    class Odd(keras.layers.Layer):
        def call(self, inputs):
            return inputs

    images = keras.Input((2,))
    with pytest.raises(TypeError, match=r"Odd \(strange\) has no translation"):
        to_plain_keras(keras.Model(images, Odd(name="strange")(images)))
