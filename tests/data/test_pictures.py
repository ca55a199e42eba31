"""Pictures of every kind decode to the intensities that they show: depth, transparency, orientation."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from rdl import data
from rdl.data.formats.picture_files import decode_picture, read_header
from rdl.errors import UserError

RNG = np.random.default_rng(0)
N = 10
FEW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png16(pixels):
    """A PNG file of 16 bits per channel, each row filtered by the one to its left: Pillow writes none in colour."""
    height, width, channels = pixels.shape
    raw = np.ascontiguousarray(pixels, ">u2").view(np.uint8).reshape(height, width, 2 * channels)
    filtered = np.diff(raw, axis=1, prepend=np.zeros((height, 1, 2 * channels), np.uint8))
    rows = b"".join(b"\x01" + row.tobytes() for row in filtered)
    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def tiff16(pixels):
    """An uncompressed TIFF file of 16-bit RGB."""
    height, width, channels = pixels.shape
    body = np.ascontiguousarray(pixels, "<u2").tobytes()
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, 8), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 14),
            (277, 3, 1, channels), (278, 4, 1, height), (279, 4, 1, len(body))]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    bits = struct.pack("<3H", 16, 16, 16)
    return (
        b"II*\0" + struct.pack("<I", 14 + len(body)) + bits + body + struct.pack("<H", len(tags)) + entries + bytes(4)
    )


def _write(folder, pictures, suffix=".png", **options):
    folder.mkdir(exist_ok=True)
    for number, picture in enumerate(pictures):
        path = folder / f"{number:02d}{suffix}"
        if isinstance(picture, bytes):
            path.write_bytes(picture)
        else:
            (Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture).save(path, **options)
    return str(folder)


def _all(images):
    return images.images(np.arange(len(images)))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_of_16_bits_keeps_all_bits(tmp_path, channels):
    pixels = RNG.integers(0, 65536, (6, 9, channels)).astype(np.uint16)
    (tmp_path / "a.png").write_bytes(png16(pixels))
    picture = decode_picture(tmp_path / "a.png")
    colours = pixels[..., :-1] if channels in (2, 4) else pixels
    assert picture.pixels.dtype == np.uint16
    np.testing.assert_array_equal(picture.pixels, colours)
    if channels in (2, 4):
        np.testing.assert_allclose(picture.alpha, pixels[..., -1:] / 65535, atol=1e-6)
    assert not read_header(tmp_path / "a.png").is_plain


def test_tiff_of_16_bits_in_colour_keeps_all_bits(tmp_path):
    pixels = RNG.integers(0, 65536, (6, 9, 3)).astype(np.uint16)
    (tmp_path / "a.tif").write_bytes(tiff16(pixels))
    np.testing.assert_array_equal(decode_picture(tmp_path / "a.tif").pixels, pixels)


@FEW
@given(bits=st.sampled_from((10, 12, 14, 16)), channels=st.sampled_from((1, 3)), seed=st.integers(0, 99))
def test_content_of_fewer_bits_fills_the_range(tmp_path, bits, channels, seed):
    pixels = np.random.default_rng(seed).integers(0, 2**bits, (N, 6, 9, channels)).astype(np.uint16)
    pixels[0, 0, 0, 0] = 2**bits - 1
    images = data.load(_write(tmp_path / f"{bits}_{channels}_{seed}", [png16(each) for each in pixels]))
    np.testing.assert_array_equal(_all(images), np.rint(pixels * (255 / (2**bits - 1))).astype(np.uint8))
    assert f"{bits}-bit" in " ".join(images.notes)


def test_the_range_of_deep_pictures_can_be_given(tmp_path):
    pixels = RNG.integers(0, 1001, (N, 6, 9)).astype(np.uint16)
    path = _write(tmp_path / "deep", pixels, ".tif")
    np.testing.assert_array_equal(_all(data.load(path, value_range=(0, 1000)))[..., 0], np.rint(pixels * 0.255))
    with pytest.raises(UserError, match=r"dataset.value_range = \(0, 500\), got values from"):
        data.load(path, value_range=(0, 500))
    for wrong in ((1, 0), (0,), "0, 1", (0, float("nan"))):
        with pytest.raises(UserError, match="dataset.value_range as"):
            data.load(path, value_range=wrong)


def test_float_pictures_need_a_range_unless_they_lie_in_0_to_1(tmp_path):
    pixels = RNG.random((N, 6, 9)).astype(np.float32)
    images = data.load(_write(tmp_path / "unit", pixels, ".tif"))
    np.testing.assert_array_equal(_all(images)[..., 0], np.rint(pixels * 255))
    path = _write(tmp_path / "other", 400 * pixels - 200, ".tif")
    with pytest.raises(UserError, match="set dataset.value_range"):
        data.load(path)
    np.testing.assert_allclose(_all(data.load(path, value_range=(-200, 200)))[..., 0], 255 * pixels, atol=0.51)


@FEW
@given(highest=st.integers(1, 63), seed=st.integers(0, 99))
def test_small_integers_are_refused_with_the_remedy(tmp_path, highest, seed):
    pixels = np.random.default_rng(seed).integers(0, highest + 1, (N, 6, 9)).astype(np.uint8)
    pixels[0, 0] = np.arange(9) % (highest + 1)
    pixels[0, 1, 0] = highest
    path = _write(tmp_path / f"{highest}_{seed}", pixels)
    with pytest.raises(UserError, match=rf"from 0 to {highest}: set dataset.value_range = \(0, {highest}\)"):
        data.load(path)
    np.testing.assert_array_equal(
        _all(data.load(path, value_range=(0, highest)))[..., 0], np.rint(pixels * (255 / highest))
    )
    np.testing.assert_array_equal(_all(data.load(path, value_range=(0, 255)))[..., 0], pixels)


def _transparent(masks, levels, mode):
    for mask, level in zip(masks, levels, strict=True):
        grey = Image.fromarray(np.full(mask.shape, level, np.uint8))
        if mode == "P":
            picture = Image.fromarray(mask.astype(np.uint8)).convert("L")
            picture = Image.frombytes("P", picture.size, mask.astype(np.uint8).tobytes())
            picture.putpalette([level] * 6)
        else:
            picture = grey.convert(mode)
            picture.putalpha(Image.fromarray(mask.astype(np.uint8) * np.uint8(255)))
        yield picture


@FEW
@given(
    mode=st.sampled_from(("RGBA", "LA", "P")),
    levels=st.sampled_from(((0,), (255,), (0, 255), (90,), (0, 100))),
    background=st.sampled_from((None, "white", "black", 40)),
    seed=st.integers(0, 99),
)
def test_shapes_in_the_transparency_do_not_vanish(tmp_path, mode, levels, background, seed):
    masks = np.random.default_rng(seed).random((N, 8, 8)) < 0.5
    masks[:, 0, 0], masks[:, 0, 1] = True, False
    drawn = [levels[number % len(levels)] for number in range(N)]
    options = {"transparency": 0} if mode == "P" else {}
    name = f"{mode}_{levels}_{background}_{seed}"
    path = _write(tmp_path / name, _transparent(masks, drawn, mode), **options)
    ground = {"white": 255, "black": 0, 40: 40}.get(background)
    if ground is not None and (max((*drawn, ground)) < 64 or set(drawn) == {ground}):
        with pytest.raises(UserError, match="dataset.value_range|nothing to learn"):
            data.load(path, background=background)
        return
    images = data.load(path, background=background)
    shown = _all(images)[..., 0]
    if ground is not None:
        np.testing.assert_array_equal(shown, np.where(masks, np.reshape(drawn, (N, 1, 1)), ground))
    else:
        assert (shown.reshape(N, -1).std(axis=1) > 20).all()
    assert "composed on" in " ".join(images.notes)


def test_shapes_that_no_ground_shows_are_refused(tmp_path):
    masks = RNG.random((N, 8, 8)) < 0.5
    path = _write(tmp_path / "all", _transparent(masks, [0, 255, 128] * 3 + [0], "RGBA"))
    with pytest.raises(UserError, match=r"dataset.background = LEVEL"):
        data.load(path)
    assert len(data.load(path, background=200)) == N
    with pytest.raises(UserError, match="dataset.background as"):
        data.load(path, background="pink")


def test_opaque_alpha_is_dropped_silently(tmp_path):
    pixels = RNG.integers(0, 256, (N, 6, 9, 3), dtype=np.uint8)
    images = data.load(_write(tmp_path / "opaque", [Image.fromarray(each).convert("RGBA") for each in pixels]))
    np.testing.assert_array_equal(_all(images), pixels)
    assert images.notes == ()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as stored:
        expected = np.asarray(ImageOps.exif_transpose(stored))
    np.testing.assert_array_equal(decode_picture(tmp_path / "a.png").pixels, expected)
    header = read_header(tmp_path / "a.png")
    assert (header.height, header.width) == expected.shape[:2]
    deep = png16(pixels.astype(np.uint16) * 257)
    end = deep.index(b"IDAT") - 4
    (tmp_path / "b.png").write_bytes(deep[:end] + _chunk(b"eXIf", exif.tobytes()[6:]) + deep[end:])
    np.testing.assert_array_equal(decode_picture(tmp_path / "b.png").pixels, expected.astype(np.uint16) * 257)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".bmp", ".webp", ".gif"])
def test_every_lossless_format_reads_the_same(tmp_path, suffix):
    pixels = RNG.integers(0, 256, (N, 6, 9), dtype=np.uint8)
    path = _write(tmp_path / "pictures", pixels, suffix, **({"lossless": True} if suffix == ".webp" else {}))
    np.testing.assert_array_equal(_all(data.load(path, channels=1))[..., 0], pixels)


def test_the_first_of_several_pictures_in_a_file_is_read_with_a_note(tmp_path):
    frames = [Image.fromarray(each) for each in RNG.integers(0, 256, (3, 6, 9), dtype=np.uint8)]
    path = _write(tmp_path / "stacks", [frames[0]] * N, ".tif", save_all=True, append_images=frames[1:])
    images = data.load(path)
    np.testing.assert_array_equal(images.images(np.array([4]))[0, ..., 0], np.asarray(frames[0]))
    assert "hold several pictures" in " ".join(images.notes)
