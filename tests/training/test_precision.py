import types

import numpy as np
import pytest
import tensorflow as tf

from rdl.errors import UserError
from rdl.models import precision
from rdl.models.build import build
from rdl.models.networks import reference as reference_networks
from rdl.models.saving import saved
from rdl.models.saving.export import Signatures
from rdl.models.vae import as_float
from rdl.training.trainer import Trainer

SETTINGS = {"batch_size": 8, "learning_rate": 1e-3, "seed": 5}


def trained(images, model, steps=20, **options):
    trainer = Trainer(model, **options)
    return trainer.train(images, 8 * steps, **SETTINGS), trainer.state()


def test_bfloat16_stays_near_float32(small_model, made_images):
    images = made_images()
    (wide, _), (narrow, state) = (
        trained(images, small_model(precision=name)) for name in ("float32", "mixed_bfloat16")
    )
    assert all(a.dtype == np.float32 for name, a in state.items() if name != "updates")
    assert narrow != wide
    for name, value in wide["vae"].items():
        assert abs(narrow["vae"][name] - value) < 0.02 * max(1.0, abs(value))


def test_a_saved_bfloat16_model_returns_float32(small_model, made_images, tmp_path):
    vae = small_model(precision="mixed_bfloat16").models[0]
    saved.save(vae, tmp_path / "model")
    model, images = saved.load_model(tmp_path / "model"), made_images().images(np.arange(3))
    means = model.encode(images)
    assert means.dtype == model.posterior(images).log_variance.numpy().dtype == model.decode(means).dtype == np.float32
    np.testing.assert_array_equal(means, vae.encode(as_float(tf.constant(images))).loc)
    functions = Signatures(model).functions
    for outputs in (functions["gaussian_encoder"](as_float(images)), functions["decoder"](means)):
        assert all(output.dtype == tf.float32 for output in outputs.values())


def test_batch_norm_keeps_its_moments_in_float32():
    network = reference_networks.reference_encoder
    model = build((16, 16, 1), 1, network, reference_networks.reference_decoder, precision="mixed_bfloat16")
    norm = model.models[0].encoder.get_layer("conv_0_norm")
    assert norm.moving_mean.dtype == norm.gamma.dtype == "float32"
    inputs = tf.constant(np.random.default_rng(0).normal(5, 0.1, (32, 4, 4, 32)), tf.bfloat16)
    outputs = norm(inputs, training=True)
    assert outputs.dtype == tf.bfloat16
    np.testing.assert_allclose(norm.moving_mean.numpy(), 0.5, atol=0.01)
    means = tf.cast(inputs, tf.float32).numpy().mean(axis=(0, 1, 2))
    np.testing.assert_allclose(norm.moving_mean.numpy(), 0.1 * means, rtol=1e-5)


@pytest.mark.slow
def test_xla_stays_near(small_model, made_images):
    (plain, state), (compiled, compiled_state) = (
        trained(made_images(), small_model(), jit_compile=jit) for jit in (False, True)
    )
    for name, value in plain["vae"].items():
        assert abs(compiled["vae"][name] - value) < 1e-4 * max(1.0, abs(value))
    for name, array in state.items():
        if "moments" not in name:
            np.testing.assert_allclose(compiled_state[name], array, atol=1e-4)


def test_unknown_precision(small_model):
    with pytest.raises(UserError, match="got 'float16'"):
        small_model(precision="float16")


@pytest.fixture
def processor(tmp_path, monkeypatch):
    """Simulates a processor with these flags, without GPUs and without limits on oneDNN."""

    def make(*flags):
        (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags : fpu {' '.join(flags)}\nbugs : avx512_bf16\n")
        monkeypatch.setattr(precision, "_CPUINFO", tmp_path / "cpuinfo")
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: [])
        monkeypatch.setattr(precision.kernels, "selected", lambda: "oneDNN")
        for variable in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"):
            monkeypatch.delenv(variable, raising=False)

    return make


@pytest.mark.parametrize(
    ("flags", "variables", "expected"),
    [
        (["avx512f", "avx512_bf16"], {}, "mixed_bfloat16"),
        (["amx_bf16"], {}, "mixed_bfloat16"),
        (["avx512f", "avx512_vnni"], {}, "float32"),
        (["avx512_bf16"], {"ONEDNN_MAX_CPU_ISA": "AVX2"}, "float32"),
        (["avx512_bf16"], {"ONEDNN_MAX_CPU_ISA": "avx512_core_vnni"}, "float32"),
        (["amx_bf16"], {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_AMX"}, "mixed_bfloat16"),
    ],
)
def test_auto_is_bfloat16_on_processors_that_multiply_it(processor, monkeypatch, flags, variables, expected):
    processor(*flags)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert precision.native() == expected


def test_auto_is_float32_without_onednn(processor, monkeypatch):
    processor("avx512_bf16")
    monkeypatch.setattr(precision.kernels, "selected", lambda: "Eigen")
    assert precision.native() == "float32"


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [([(8, 0)], "mixed_bfloat16"), ([(7, 5)], "float32"), ([(9, 0), (7, 0)], "float32"), ([None], "float32")],
)
def test_auto_depends_on_the_gpus_if_there_are_any(processor, monkeypatch, capabilities, expected):
    processor("avx512_bf16")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: capabilities)
    details = {"get_device_details": lambda gpu: {"compute_capability": gpu} if gpu else {}}
    monkeypatch.setattr(tf.config, "experimental", types.SimpleNamespace(**details))
    assert precision.native() == expected


def test_a_model_of_auto_computes_in_the_native_precision(processor, small_model):
    processor("amx_bf16")
    assert small_model(precision="auto").models[0].encoder.get_layer("dense_0").compute_dtype == "bfloat16"
    processor("avx2")
    assert small_model(precision="auto").models[0].encoder.get_layer("dense_0").compute_dtype == "float32"


def test_no_latents_and_no_models_are_refused():
    for wrong in ({"num_latents": 0}, {"models": 0}):
        with pytest.raises(UserError, match="must be from 1 to"):
            build((8, 8, 1), **wrong)
