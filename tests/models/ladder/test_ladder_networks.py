import gin
import numpy as np
import pytest
import tensorflow as tf

from rdl.errors import UserError
from rdl.models.ladder import celeba as celeba_ladder
from rdl.models.ladder import networks as ladder_networks
from rdl.models.ladder.ladder_vae import LadderVAE, pro_vlae
from rdl.models.ladder.levels import Affine, Levels, gates_of, levels_for, levels_of
from rdl.models.ladder.schedule import ProgressiveSchedule
from rdl.models.networks import dlib as dlib_networks
from rdl.models.saving import saved


def trainable(network) -> int:
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)


def conv(from_filters, to_filters):
    return 4 * 4 * from_filters * to_filters + to_filters


def dense(inputs, outputs):
    return inputs * outputs + outputs


def affine(channels):
    return 2 * channels


def three_level_weights(channels: int, latents: int) -> tuple[int, int]:
    """Trainable weights of encoder and decoder for 64 x 64 images, layer by layer."""
    encoder = conv(channels, 32) + 2 * conv(32, 32) + 3 * affine(32)  # 64 -> 32 -> 16 -> 8 pixels
    for size in (16, 8, 4):  # sizes after each branch's convolution
        encoder += conv(32, 32) + affine(32) + dense(size * size * 32, 256) + affine(256) + 2 * dense(256, latents)
    decoder = conv(32, channels)
    for size, below in ((4, 0), (8, 32), (16, 32)):
        decoder += dense(latents, 256) + affine(256) + dense(256, size * size * 32) + affine(size * size * 32)
        decoder += conv(32 + below, 32) + affine(32)
    return encoder, decoder


def test_weights_of_the_dsprites_ladder():
    # 3 levels x 2 latents, 1 channel. Written out:
    # encoder  544 + 2 * 16,416 + 3 * 64 = 33,568, and branches 3 * 16,480 + (8192 + 2048 + 512) * 256 + 3 * 256
    #          + 3 * 512 + 3 * 1,028 = 2,807,340
    # decoder  3 * (768 + 512) + (512 + 2048 + 8192) * 257 + 2 * (512 + 2048 + 8192) + 16,416 + 2 * 32,800
    #          + 3 * 64 + 513 = 2,871,329
    assert three_level_weights(1, 2) == (2_840_908, 2_871_329)
    assert trainable(ladder_networks.ladder_encoder((64, 64, 1), 6)) == 2_840_908
    assert trainable(ladder_networks.ladder_decoder((64, 64, 1), 6)) == 2_871_329


def test_weights_of_the_shapes3d_ladder():
    # 3 levels x 3 latents, 3 channels: 2 * 512 more in the first convolution, 3 * 514 more in the heads;
    # 3 * 256 more in the decoder's first dense layers, 1,026 more in the logits.
    assert three_level_weights(3, 3) == (2_840_908 + 1_024 + 1_542, 2_871_329 + 768 + 1_026)
    assert trainable(ladder_networks.ladder_encoder((64, 64, 3), 9)) == 2_843_474
    assert trainable(ladder_networks.ladder_decoder((64, 64, 3), 9)) == 2_873_123


def test_weights_of_the_celeba_ladder():
    # 4 levels x 7 latents, 3 channels. Written out:
    # encoder  trunk 2,758,464; branches 131,456 + 787,584 + 3,148,032 + 9,443,328 (levels 1 to 4); posteriors 329,784
    # decoder  levels 9,475,072 + 10,569,984 + 1,344,064 + 262,208 (4 to 1); logits 3,075
    gin.bind_parameter("levels.count", 4)
    trunk = [(3, 64), (64, 128), (128, 256), (256, 512)]
    branches = [(64, 64), (64, 64), (128, 128), (128, 256), (256, 256), (256, 512)]
    encoder = sum(conv(*pair) + affine(pair[1]) for pair in trunk + branches)
    encoder += dense(4 * 4 * 512, 1024) + affine(1024) + dense(1024, 1024) + affine(1024)
    encoder += 2 * (dense(1024, 7) + dense(2 * 2 * 512, 7) + dense(4 * 4 * 256, 7) + dense(16 * 16 * 64, 7))
    decoder = dense(7, 1024) + affine(1024) + dense(1024, 1024) + affine(1024)
    decoder += dense(1024, 8192) + dense(7, 8192) + 2 * affine(8192) + dense(7, 16_384) + affine(16_384)
    decoder += dense(7, 16_384)  # level 1 has no affine
    for pair in ((1024, 512), (512, 256), (512, 128), (128, 64)):
        decoder += conv(*pair) + affine(pair[1])
    decoder += conv(128, 64) + conv(64, 3)
    assert (encoder, decoder) == (16_598_648, 21_654_403)
    assert trainable(celeba_ladder.celeba_ladder_encoder((64, 64, 3), 28)) == encoder
    assert trainable(celeba_ladder.celeba_ladder_decoder((64, 64, 3), 28)) == decoder


@pytest.mark.parametrize("image_shape", [(28, 28, 1), (32, 32, 3), (19, 30, 1)])
@pytest.mark.parametrize("normalization", ["affine", "batch_norm", "none"])
def test_any_image_size_comes_back_in_its_own_size(image_shape, normalization):
    gin.bind_parameter("levels.sizes", (3, 1))
    options = {"filters": (4, 6), "width": 8, "normalization": normalization}
    encoder = ladder_networks.ladder_encoder(image_shape, 4, **options)
    decoder = ladder_networks.ladder_decoder(image_shape, 4, **options)
    means, log_variances = encoder(tf.zeros((2, *image_shape)))
    assert means.shape == log_variances.shape == (2, 4)
    assert decoder(means).shape == (2, *image_shape)
    assert levels_of(decoder) == Levels((3, 1))


def test_the_celeba_ladder_takes_28_pixels_too():
    gin.bind_parameter("levels.count", 4)
    assert celeba_ladder.celeba_ladder_decoder((28, 28, 1), 4).output_shape == (None, 28, 28, 1)


def test_affine_starts_as_batch_norm_that_never_trains():
    features = np.random.default_rng(0).normal(3.0, 5.0, (4, 2, 2, 3)).astype("float32")
    assert np.allclose(Affine()(features), tf.keras.layers.BatchNormalization()(features), rtol=1e-6)


def test_the_vector_of_latents_has_the_deepest_level_first():
    levels = Levels((3, 2, 1))
    assert levels.names == ("level_3", "level_2", "level_1")
    assert [levels.name_of(latent) for latent in range(6)] == ["level_3"] * 3 + ["level_2"] * 2 + ["level_1"]
    assert levels.slices == (slice(0, 3), slice(3, 5), slice(5, 6))


def small_ladder(image_shape=(16, 16, 1)) -> LadderVAE:
    options = {"filters": (4, 4, 4), "width": 8}
    encoder = ladder_networks.ladder_encoder(image_shape, 6, **options)
    return LadderVAE(encoder, ladder_networks.ladder_decoder(image_shape, 6, **options), pro_vlae())


@pytest.mark.parametrize("kind", ["ladder", "flat"])
def test_the_decoder_ignores_inactive_levels_exactly(kind):
    if kind == "ladder":
        model = small_ladder()
    else:
        gin.bind_parameter("flat_decoder.decoder", dlib_networks.deconv_decoder)
        encoder = dlib_networks.conv_encoder((64, 64, 1), 6)
        model = LadderVAE(encoder, ladder_networks.flat_decoder((64, 64, 1), 6), pro_vlae())
    schedule = ProgressiveSchedule(levels=3, updates_per_step=10, fade_in_updates=4)
    latents = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")
    other = latents + np.float32(100.0)
    for update, active in ((0, 1), (9, 1), (10, 1), (12, 2), (25, 3)):  # at update 10 level 2 has just begun to fade in
        model.set_gates(schedule.at(update))
        pixels = model.decode(latents).numpy()
        mixed = np.concatenate([latents[:, : 2 * active], other[:, 2 * active :]], axis=1)
        assert np.array_equal(pixels, model.decode(mixed).numpy())
        changed = np.concatenate([latents[:, : 2 * active - 1], other[:, 2 * active - 1 :]], axis=1)
        assert not np.array_equal(pixels, model.decode(changed).numpy())


def test_fade_in_scales_the_new_levels_encoder_branch_and_decoder_map():
    model = small_ladder()
    schedule = ProgressiveSchedule(levels=3, updates_per_step=10, fade_in_updates=4)
    model.set_gates(schedule.at(11))
    gates = [{gate.level: float(gate.gate) for gate in gates_of(network)} for network in (model.encoder, model.decoder)]
    assert gates == [{1: 1.0, 2: 0.25, 3: 1.0}, {1: 0.0, 2: 0.25, 3: 1.0}]
    images = np.random.default_rng(1).random((3, 16, 16, 1), "float32")
    at_quarter = model.encode(images).loc.numpy()
    model.set_gates(schedule.at(15))
    after = model.encode(images).loc.numpy()
    assert np.array_equal(at_quarter[:, [0, 1, 4, 5]], after[:, [0, 1, 4, 5]])
    assert not np.allclose(at_quarter[:, 2:4], after[:, 2:4])


def test_a_saved_ladder_keeps_levels_and_gates(tmp_path):
    model = small_ladder()
    model.set_gates(ProgressiveSchedule(levels=3, updates_per_step=10).at(0))
    saved.save(model, tmp_path / "model")
    loaded = saved.load_model(tmp_path / "model")
    latents = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
    assert levels_of(loaded.decoder) == Levels((2, 2, 2))
    assert np.array_equal(loaded.decode(latents), tf.sigmoid(model.decode(latents)))
    shut = latents.copy()
    shut[:, 2:] = 7
    assert np.array_equal(loaded.decode(latents), loaded.decode(shut))


def test_settings_that_do_not_fit_are_refused_in_one_line():
    with pytest.raises(UserError, match="levels.count"):
        levels_for(7)
    with pytest.raises(UserError, match="add up"):
        levels_for(7, sizes=(3, 3))
    with pytest.raises(UserError, match="filters"):
        ladder_networks.ladder_encoder((16, 16, 1), 6, filters=(4, 4))
    with pytest.raises(UserError, match="normalization"):
        ladder_networks.ladder_encoder((16, 16, 1), 6, normalization="layer")
    with pytest.raises(UserError, match="4 levels"):
        celeba_ladder.celeba_ladder_encoder((64, 64, 3), 6)
    with pytest.raises(UserError, match="ladder_decoder"):
        decoder = dlib_networks.deconv_decoder((64, 64, 1), 6)
        LadderVAE(dlib_networks.conv_encoder((64, 64, 1), 6), decoder, pro_vlae())
