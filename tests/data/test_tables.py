"""Tables of numbers, from files and from memory, and images of any number of channels in colour."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rdl import data
from rdl.data.display import to_rgb
from rdl.data.user.user_arrays import images_from_memory
from rdl.errors import UserError

TABLE = np.random.default_rng(0).normal(size=(40, 64)) * np.arange(1, 65)


def _csv(path, table, header=""):
    np.savetxt(path, table, delimiter=",", header=header, comments="")
    return str(path)


def test_csv_npy_and_memory_give_the_same_rows(tmp_path):
    expected, notes = images_from_memory(TABLE)
    assert expected.shape == (40, 1, 64, 1) and "40 rows and 64 columns" in notes[0]
    np.save(tmp_path / "a.npy", TABLE)
    np.savez(tmp_path / "a.npz", images=TABLE)
    header = ",".join(f"c{i}" for i in range(64))
    saved = [_csv(tmp_path / "a.csv", TABLE), _csv(tmp_path / "b.csv", TABLE, header)]
    for path in (*saved, str(tmp_path / "a.npy"), str(tmp_path / "a.npz")):
        images = data.load(path)
        assert images.is_table and images.subset(np.arange(12)).is_table
        np.testing.assert_array_equal(images.images(np.arange(40)), expected)
    np.savez(tmp_path / "kept.npz", images=expected)
    np.testing.assert_array_equal(data.load(str(tmp_path / "kept.npz")).images(np.arange(40)), expected)


def test_dataframes(tmp_path):
    pandas = pytest.importorskip("pandas")
    images, _ = images_from_memory(pandas.DataFrame(TABLE))
    np.testing.assert_array_equal(images, images_from_memory(TABLE)[0])
    with pytest.raises(UserError, match="got other values in 'kind'"):
        images_from_memory(pandas.DataFrame({"a": range(20), "kind": ["x"] * 20}))


@settings(max_examples=40, deadline=None)
@given(scale=st.floats(1e-6, 1e6), shift=st.floats(-1e3, 1e3), outlier=st.sampled_from((0, 1e3, -1e3)))
def test_each_column_fills_its_range(scale, shift, outlier):
    table = np.random.default_rng(0).normal(size=(200, 5))
    table[3, 1] += outlier
    images, notes = images_from_memory(table * scale + shift * scale)
    spans = images.max(axis=0) - images.min(axis=0).astype(int)
    assert (spans[0, :, 0] == 255).all()
    assert ("clipped" in notes[0]) == bool(outlier)


def test_constant_columns_are_named_and_flat_images_recognised():
    table = np.random.default_rng(0).integers(0, 17, (20, 64))
    table[:, 5] = 3
    images, notes = images_from_memory(table)
    assert (images[:, 0, 5] == 0).all()
    assert "'column 5'" in notes[1] and "[n, 8, 8]" in notes[2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "empty file"),
        ("a,b\n1,2\n3\n", "row 1 has 1 cells"),
        ("a,b\n1,2\n3,NA\n", "empty cells in 'b'"),
        ("a,b\n1,2\n3,x\n", "got 'x' in 'b'"),
        ("a,b\n1,2\n3,4\n", "at least 10 images"),
        ("a,b\n" + "1,inf\n2,3\n" * 10, "infinity in 'b'"),
        ("a,b\n" + "1,2\n" * 10, "constant ones only"),
    ],
)
def test_files_that_are_not_tables_of_numbers(tmp_path, text, expected):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(UserError, match=expected):
        data.load(str(tmp_path / "a.csv"))


def test_a_table_is_not_resized(tmp_path):
    np.save(tmp_path / "a.npy", TABLE)
    with pytest.raises(UserError, match="table of numbers cannot be cropped"):
        data.load(str(tmp_path / "a.npy"), size=8)


@settings(max_examples=30, deadline=None)
@given(channels=st.integers(1, 9), kind=st.sampled_from((np.uint8, np.float32)))
def test_every_channel_is_visible_in_colour(channels, kind):
    full = 255 if kind is np.uint8 else 1
    white = to_rgb(np.full((4, 5, channels), full, kind))
    assert white.shape == (4, 5, 3) and white.dtype == kind
    np.testing.assert_allclose(white, full, rtol=1e-5)
    single = to_rgb(np.eye(channels, dtype=kind)[np.newaxis] * kind(full))
    assert (single.max(axis=-1) > 0.1 * full).all()
