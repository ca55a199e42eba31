"""Which files of a folder are read, and that nothing is left out silently."""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from rdl import data
from rdl.data.user.picture_folder import list_pictures
from rdl.errors import UserError

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (12, 6, 9, 3), dtype=np.uint8)


def _fill(folder, pixels=PIXELS, suffix=".png"):
    folder.mkdir(parents=True, exist_ok=True)
    for number, each in enumerate(pixels):
        Image.fromarray(each).save(folder / f"{number:02d}{suffix}")
    return folder


def test_other_files_are_counted_hidden_ones_are_not_read(tmp_path):
    folder = _fill(tmp_path / "pictures")
    _fill(folder / ".ipynb_checkpoints")
    _fill(folder / "__MACOSX")
    (folder / "._00.png").write_bytes(b"not a picture")
    (folder / ".DS_Store").write_bytes(b"")
    for number in range(105):
        (folder / f"{number}.heic").write_bytes(b"")
    images = data.load(str(folder))
    assert len(images) == 12
    assert images.notes == ("12 read, 105 other files ignored: .heic",)


def test_linked_folders_are_followed_once(tmp_path):
    folder, elsewhere = _fill(tmp_path / "pictures"), _fill(tmp_path / "elsewhere", PIXELS[:3])
    (folder / "linked").symlink_to(elsewhere)
    (folder / "again").symlink_to(elsewhere)
    (folder / "circle").symlink_to(folder)
    (folder / "gone.png").symlink_to(tmp_path / "nowhere.png")
    images = data.load(str(folder))
    assert len(images) == 15
    notes = " ".join(images.notes)
    assert "gone.png" in notes and "circle" in notes
    assert f"links to folders outside are followed: again -> {elsewhere}" in notes


def test_a_link_to_the_parent_folder_is_followed_once_and_named(tmp_path):
    folder = tmp_path / "all" / "train"
    _fill(folder / "a")
    _fill(tmp_path / "all" / "other", PIXELS[:3])
    (folder / "a" / "up").symlink_to("../..")
    images = data.load(str(folder))
    assert len(images) == 15
    assert f"a/up -> {tmp_path / 'all'}" in images.notes[0] and "a/up/train" in images.notes[1]
    assert len(data.load(f"{folder}/a/../../train")) == 15


def test_pictures_that_differ_only_by_their_ending_are_named(tmp_path):
    folder = _fill(tmp_path / "pictures")
    _fill(folder, PIXELS[:3], ".bmp")
    assert "3 pictures have the name of another one" in data.load(str(folder)).notes[0]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from((".png", ".webp", ".bmp", ".GIF", ".tif", ".txt", "", ".svg")), min_size=1, max_size=30)
)
def test_every_file_is_read_or_mentioned(tmp_path_factory, endings):
    folder = tmp_path_factory.mktemp("many")
    for number, ending in enumerate(endings):
        (folder / f"{number}{ending}").write_bytes(b"")
    found = list_pictures(folder)
    ignored = [ending for ending in endings if ending in (".txt", "", ".svg")]
    assert len(found.files) == len(endings) - len(ignored)
    said = " ".join(found.notes)
    assert not ignored or f"{len(ignored)} other file" in said
    assert all((ending or "no ending") in said for ending in ignored)


def test_too_few_pictures_name_the_others(tmp_path):
    folder = _fill(tmp_path / "pictures", PIXELS[:3])
    (folder / "a.heic").write_bytes(b"")
    with pytest.raises(UserError, match=r"at least 10 pictures .* got 3 .*\.heic"):
        data.load(str(folder))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission_is_named(tmp_path):
    folder = _fill(tmp_path / "pictures")
    (folder / "closed").mkdir(mode=0)
    with pytest.raises(UserError, match="Cannot read the folder .*closed"):
        data.load(str(folder))


def test_a_folder_per_class_is_a_factor(tmp_path):
    for name, part in (("cats", PIXELS[:7]), ("dogs", PIXELS[7:])):
        _fill(tmp_path / "pictures" / name, part)
    images = data.load(str(tmp_path / "pictures"))
    assert images.factor_space == data.FactorSpace(("class",), (2,))
    assert images.factors(np.arange(12))[:, 0].tolist() == [0] * 7 + [1] * 5
    assert "cats, dogs" in " ".join(images.notes)
    _fill(tmp_path / "pictures", PIXELS[:1])  # a picture outside the classes: no labels
    assert data.load(str(tmp_path / "pictures")).factor_space is None


def test_notes_are_kept_with_the_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("rdl.data.cache._IN_MEMORY_AT_MOST", 100)
    deep = RNG.integers(0, 4096, (12, 6, 9)).astype(np.uint16)
    folder = _fill(tmp_path / "pictures", deep, ".tif")
    first, second = data.load(str(folder)), data.load(str(folder))
    assert first.notes == second.notes and "12-bit" in first.notes[0]


def test_a_stack_is_named_with_the_remedy(tmp_path):
    frames = [Image.fromarray(each) for each in PIXELS]
    (tmp_path / "stacks").mkdir()
    frames[0].save(tmp_path / "stacks" / "a.tif", save_all=True, append_images=frames[1:])
    for place in (tmp_path / "stacks", tmp_path / "stacks" / "a.tif"):
        with pytest.raises(UserError, match=r"numpy\.save"):
            data.load(str(place))
    for name in "bcdefghijkl":
        (tmp_path / "stacks" / f"{name}.tif").write_bytes((tmp_path / "stacks" / "a.tif").read_bytes())
    images = data.load(str(tmp_path / "stacks"))
    assert len(images) == 12
    assert any(note.startswith("12 files hold several pictures, of which the first") for note in images.notes)
