"""Values that are probably not meant as they stand: refused, or stated in a note."""

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rdl import data
from rdl.data.factor_columns import describe_columns, describe_notation, parse_cells
from rdl.data.user.table_rows import rows_as_images
from rdl.data.user.user_arrays import images_from_memory
from rdl.errors import UserError

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (12, 8, 9), dtype=np.uint8)


def _load(tmp_path, **arrays):
    np.savez(tmp_path / "own.npz", **arrays)
    return data.load(str(tmp_path / "own.npz"))


def _load_labels(tmp_path, lines):
    np.savez(tmp_path / "own.npz", images=PIXELS)
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    return data.load(str(tmp_path / "own.npz"), factors=str(tmp_path / "labels.csv"))


@given(st.floats(0.001, 1e6), st.sampled_from(("comma", "percent", "thousands", "underscore")))
@settings(deadline=None)
def test_numbers_in_another_notation_are_refused(number, notation):
    text = {
        "comma": f"{number:.3f}".replace(".", ","),
        "percent": f"{number:.1f} %",
        "thousands": f"{number + 1000:,.2f}",
        "underscore": f"{int(number) + 1000:_d}",
    }[notation]
    with pytest.raises(UserError, match="decimal point"):
        parse_cells([text, "", text], "the labels")


UNITS = (" cm", "px", " mm", "°", " kg", " m/s", " °C", " Hz")


@given(st.lists(st.floats(0.01, 1e4), min_size=1, max_size=9), st.sampled_from(UNITS))
@settings(deadline=None)
def test_numbers_of_one_unit_are_numbers(numbers, unit):
    cells = [*(f"{number:.2f}{unit}" for number in numbers), ""]
    np.testing.assert_array_equal(parse_cells(cells, "the labels"), [*np.round(numbers, 2), np.nan])
    assert describe_notation(cells, "size") == [f"'size' is read as numbers in {unit.strip()}"]


@given(st.lists(st.floats(0.01, 1e4), min_size=3, max_size=9), st.permutations(UNITS))
@settings(deadline=None)
def test_numbers_of_several_units_are_refused(numbers, units):
    cells = [f"{number:.2f}{units[place % 2]}" for place, number in enumerate(numbers)]
    with pytest.raises(UserError, match="one unit") as refused:
        parse_cells([*cells, ""], "the labels")
    assert all(unit in str(refused.value) for unit in units[:2])
    with pytest.raises(UserError):
        parse_cells([*(f"{number:.2f} cm" for number in numbers), "3"], "the labels")


@pytest.mark.parametrize("cell", ["$5.50", "5 €", "0xff", "0,5e3", "0,5 cm", "1.000.000", "\u22125"])
def test_other_notations_are_refused(cell):
    with pytest.raises(UserError, match="decimal point"):
        parse_cells([cell, "", cell], "the labels")


def test_points_that_may_separate_thousands_are_named():
    assert "1.500 as 1.5" in describe_notation(["1.500", "", "12.000"], "price")[0]
    assert not describe_notation(["0.500", "1.500"], "share") and not describe_notation(["1.50", "1.500"], "share")


def test_columns_without_information_are_named():
    assert "the same value in all images, 7" in describe_columns([np.full(5, 7.0)], ["size"])[0]
    assert "the same value in all images, red" in describe_columns([np.array(["red", "", "red"])], ["colour"])[0]
    assert "for every image" in describe_columns([np.random.default_rng(0).permutation(30)], ["id"])[0]
    assert not describe_columns([np.arange(30) % 15], ["size"])


def test_labels_of_8_bits_that_may_have_wrapped_around_are_named():
    angles = np.arange(600) * 7 % 360
    assert "uses all 256 values" in describe_columns([angles.astype(np.uint8)], ["angle"])[0]
    assert not describe_columns([angles], ["angle"]) and not describe_columns([(angles // 3).astype(np.uint8)], ["a"])


def test_numbers_of_images_that_start_from_1_are_named(tmp_path):
    lines = ["image,size", *(f"{number},{number % 3}" for number in range(1, 12))]
    assert any("numbered from 0" in note for note in _load_labels(tmp_path, lines).notes)


def test_masks_beside_images_of_0_to_255_are_named(tmp_path):
    images = _load(tmp_path, images=np.concatenate([PIXELS > 127, PIXELS]).astype(np.uint8))
    assert images.notes == (
        "warning: 12 hold only 0 and 1, others values up to 255: multiply them by 255 if 1 means white",
    )


def test_a_few_blank_images_are_named(tmp_path):
    pixels = RNG.integers(0, 256, (100, 8, 9), dtype=np.uint8)
    pixels[40:43] = 255
    assert _load(tmp_path, images=pixels).notes == (
        "warning: 3 have one value everywhere: remove them if they are no images",
    )


def test_parts_of_hdf5_that_were_never_written_are_named(tmp_path):
    path = tmp_path / "own.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("images", (24, 8, 9), "u1", chunks=(2, 8, 9))[:22] = (
            np.tile(PIXELS, (2, 1, 1))[:22] // 2 * 2
        )
        file.create_dataset("labels", (24,), "i4")
    notes = data.load(str(path)).notes
    assert any("1 of 12 parts of 'images'" in note and "read as 0" in note for note in notes)
    assert any("no part of 'labels'" in note for note in notes)
    with h5py.File(path, "w") as file:
        file["images"], file["labels"] = PIXELS, np.arange(12) % 3
    assert not any("written" in note for note in data.load(str(path)).notes)


@pytest.mark.parametrize("words", [["a1", "b2"], ["3rd", "4th"], ["cm", "px"], ["5 apples", "6 apples"]])
def test_words_with_digits_remain_classes(words):
    assert parse_cells(words, "the labels").tolist() == words


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=20), st.sampled_from((-999, -99, -1, 9999)))
@settings(deadline=None)
def test_sentinels_beside_other_values_are_named(numbers, mark):
    column = np.abs(numbers) if mark < 0 else np.array(numbers) % 100
    notes = describe_columns([np.append(column, mark)], ["size"])
    assert len(notes) == 1 and f"{mark}" in notes[0]
    assert not describe_columns([np.append(-np.abs(numbers) - 2000, -1)], ["size"])


def test_words_that_are_hardly_classes_are_named():
    dates = np.array([f"2020-01-{day:02d}" for day in range(1, 13)])
    assert "12 different words" in describe_columns([dates], ["date"])[0]
    assert "case" in describe_columns([np.array(["Red", "red", "blue"] * 4)], ["colour"])[0]
    assert not describe_columns([np.array(["a", "b", ""] * 4)], ["kind"])


def test_a_label_file_without_a_header_is_refused(tmp_path):
    with pytest.raises(UserError, match="header"):
        _load_labels(tmp_path, [f"{n},{n % 3}" for n in range(12)])


def test_texts_in_arrays_follow_the_rules_of_label_files(tmp_path):
    images = _load(tmp_path, images=PIXELS, labels=np.array(["1", "10", "NA", "2"] * 3))
    assert images.labelled().tolist() == [0, 1, 3, 4, 5, 7, 8, 9, 11]
    np.testing.assert_array_equal(images.factor_values(images.labelled())[:3, 0], [1, 10, 2])
    assert "9 of 12 images" in " ".join(images.notes)
    assert "-1 in 4 images" in " ".join(_load(tmp_path, images=PIXELS, labels=np.arange(12) % 3 - 1).notes)


def test_labels_of_another_length_are_named(tmp_path):
    for labels in (np.arange(9), np.arange(12)[None]):
        images = _load(tmp_path, images=PIXELS, labels=labels)
        assert images.factor_space is None and "'labels' has the shape" in " ".join(images.notes)


def test_opacity_in_arrays_is_named(tmp_path):
    rgba = RNG.integers(0, 256, (12, 8, 9, 4), dtype=np.uint8)
    assert "opacity" in " ".join(images_from_memory(rgba)[1])
    assert "opacity" in " ".join(_load(tmp_path, images=rgba).notes)
    assert not images_from_memory(rgba[..., :3])[1]


def test_equal_values_everywhere_are_refused(tmp_path):
    for number in range(12):
        Image.new("L", (8, 8), 90).save(tmp_path / f"{number}.png")
    with pytest.raises(UserError, match="nothing to learn"):
        data.load(str(tmp_path))
    with pytest.raises(UserError, match="nothing to learn"):
        _load(tmp_path, images=np.full((12, 8, 8), 255, np.uint8))


@given(st.floats(-1.5e-3, 1.5e-3), st.sampled_from((np.float32, np.float64)))
@settings(deadline=None, max_examples=25)
def test_rounding_errors_beyond_the_range_become_its_ends(excess, dtype):
    numbers = np.linspace(0, 1, 12 * 64).reshape(12, 8, 8)
    pixels, _ = images_from_memory((numbers * (1 + abs(excess)) + min(excess, 0)).astype(dtype))
    assert pixels.min() == 0 and pixels.max() == 255
    with pytest.raises(UserError, match="value_range"):
        images_from_memory(numbers * 1.01)


def test_masked_values_are_refused():
    with pytest.raises(UserError, match="masked"):
        images_from_memory(np.ma.masked_greater(PIXELS, 100))
    np.testing.assert_array_equal(images_from_memory(np.ma.array(PIXELS))[0][..., 0], PIXELS)


def test_tables_name_row_numbers_outliers_and_a_missing_header(tmp_path):
    table = RNG.normal(size=(1000, 3))
    table[:, 1] = np.arange(1000)
    table[7, 2] = 1e6
    notes = " ".join(rows_as_images(table, "the table", ["a", "id", "b"])[1])
    assert "number the rows, which are learned like others: 'id'" in notes
    assert "nine tenths of the values: 'b'" in notes
    path = tmp_path / "years.csv"
    path.write_text("2001,2002\n" + "\n".join(f"{a},{b}" for a, b in table[:20, ::2]))
    assert "the first line" in " ".join(data.load(str(path)).notes)
    path.write_text("a,b\n" + "\n".join(f"1_{n},{n}" for n in range(20)))
    with pytest.raises(UserError, match="1_0"):
        data.load(str(path))


def test_tables_name_marks_of_unknown_values():
    table = np.column_stack([np.where(np.arange(24) % 5, np.arange(24), -999), np.arange(24) % 7])
    _, notes = rows_as_images(table, "the table", ["size", "kind"])
    assert sum("'size' is -999 in 5 rows" in note for note in notes) == 1
