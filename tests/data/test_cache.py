"""Caches: made once, read again, and rejected when damaged."""

import json
import subprocess
import sys

import numpy as np
import pytest

from rdl.data import cache
from rdl.data.sets.sprites import RenderedSprites
from rdl.data.sources import ArraySource, MappedSource, Pooled
from rdl.errors import UserError

SHAPE = (5, 3, 2)
IMAGES = np.random.default_rng(0).integers(0, 256, (20, *SHAPE), dtype=np.uint8)


def _blocks(images=IMAGES):
    yield images[:13]
    yield images[13:]


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_built_is_found_again_and_not_built_again(packed):
    images = (IMAGES > 100).astype(np.uint8) * np.uint8(255) if packed else IMAGES
    seen = []
    built = cache.build_cache("some key", 20, SHAPE, _blocks(images), packed, lambda *state: seen.append(state))
    assert seen == [(13, 20), (20, 20)] and built.binary == packed
    again = cache.build_cache("some key", 20, SHAPE, iter(()), packed)  # would fail if it read the blocks
    for source in (built, again, cache.find_cached("some key")):
        assert isinstance(source, MappedSource) and len(source) == 20 and source.shape == SHAPE
        np.testing.assert_array_equal(source.read(np.array([19, 0, 13])), images[[19, 0, 13]])
    assert cache.is_sound(built.path)
    assert cache.find_cached("another key") is None
    rows = np.load(built.path, allow_pickle=False)
    assert rows.shape == ((20, 4) if packed else (20, *SHAPE))


def test_one_changed_byte_is_noticed_and_the_cache_made_anew(caplog):
    path = cache.build_cache("key", 20, SHAPE, _blocks()).path
    with open(path, "r+b") as file:
        file.seek(-7, 2)
        byte = file.read(1)
        file.seek(-7, 2)
        file.write(bytes([byte[0] ^ 1]))
    assert not cache.is_sound(path) and cache.find_cached("key") is None and str(path) in caplog.text
    np.testing.assert_array_equal(cache.build_cache("key", 20, SHAPE, _blocks()).read(np.arange(20)), IMAGES)
    assert cache.is_sound(path)


@pytest.mark.parametrize("damage", ["truncate", "no record", "half a record"])
def test_other_damage(damage):
    path = cache.build_cache("key", 20, SHAPE, _blocks()).path
    record = path.with_suffix(".json")
    if damage == "truncate":
        path.write_bytes(path.read_bytes()[:-1])
    elif damage == "no record":
        record.unlink()
    else:
        record.write_text(record.read_text()[:40])
    assert cache.find_cached("key") is None and not cache.is_sound(path)


def test_a_file_that_shrinks_after_it_was_opened_is_a_clear_error():
    source = cache.build_cache("key", 20, SHAPE, _blocks())
    source.path.write_bytes(source.path.read_bytes()[:200])
    with pytest.raises(UserError, match="it was cut short"):
        source.read(np.array([0, 19]))


def test_a_file_that_shrinks_while_it_is_read_ends_nothing():
    source = cache.build_cache("key", 20, SHAPE, _blocks())
    np.testing.assert_array_equal(source.read(np.array([19])), IMAGES[19:])
    with open(source.path, "r+b") as file:
        file.truncate(150)
    with pytest.raises(UserError, match="it was cut short"):
        source.read(np.array([19]))


def test_too_few_images_leave_no_cache():
    with pytest.raises(UserError, match="Expected 20 images, got 13"):
        cache.build_cache("key", 20, SHAPE, [IMAGES[:13]])
    assert cache.find_cached("key") is None and not list(cache.cache_folder().glob("*.npy"))


def test_a_cache_that_cannot_be_written_is_the_users_to_mend(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RDL_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match="not a folder"):
        cache.build_cache("key", 20, SHAPE, _blocks())
    assert cache.find_cached("key") is None


def test_of_many_processes_one_builds():
    code = """
import sys
import numpy as np
from rdl.data import cache
def blocks():
    print("built", flush=True)
    yield np.zeros((20, 5, 3, 2), np.uint8)
cache.build_cache("shared key", 20, (5, 3, 2), blocks())
"""
    processes = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(3)]
    output = b"".join(process.communicate(timeout=60)[0] for process in processes)
    assert output == b"built\n" and all(process.returncode == 0 for process in processes)


def test_where_caches_lie_without_a_setting(monkeypatch, tmp_path):
    monkeypatch.delenv("RDL_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.cache_path("dsprites rendered 1").parent == tmp_path / ".cache" / "rdl"
    assert cache.cache_path("a") != cache.cache_path("b")


def test_prepare_and_ready():
    source = ArraySource(IMAGES[..., :1], "array")
    assert cache.ready(source) is source
    mapped = cache.prepare_source(source)
    assert isinstance(cache.ready(source), MappedSource) and cache.prepare_source(mapped) is mapped
    np.testing.assert_array_equal(mapped.read(np.arange(20)), IMAGES[..., :1])
    assert mapped.key == source.key


def test_a_few_decoded_images_stay_in_memory_and_many_go_to_the_cache(monkeypatch):
    assert isinstance(cache.decode_once("key", 20, SHAPE, _blocks()), ArraySource)
    monkeypatch.setattr(cache, "_IN_MEMORY_AT_MOST", 100)
    source = cache.decode_once("key", 20, SHAPE, _blocks())
    assert isinstance(source, MappedSource)
    np.testing.assert_array_equal(source.read(np.arange(20)), IMAGES)


def test_pooling_averages_and_rounds_halves_up():
    image = np.array([[0, 255, 1, 2], [0, 255, 3, 4], [255, 255, 0, 0], [255, 254, 0, 1]], np.uint8)
    pooled = Pooled(ArraySource(image[np.newaxis], "image"), 2)
    np.testing.assert_array_equal(pooled.read(np.array([0]))[0, :, :, 0], [[128, 3], [255, 0]])
    np.testing.assert_allclose(
        pooled.observe(np.array([0]), np.random.RandomState(0)), pooled.read(np.array([0])) / 255, atol=1e-7
    )
    with pytest.raises(UserError, match=r"divides 64 and 64, got size 30: choose one of \[4, 8, 16, 32, 64\]"):
        Pooled(RenderedSprites(), 30)


def test_the_record_describes_the_cache():
    path = cache.build_cache("key of it", 20, SHAPE, _blocks()).path
    record = json.loads(path.with_suffix(".json").read_text())
    assert record["key"] == "key of it" and record["length"] == 20 and record["shape"] == list(SHAPE)
