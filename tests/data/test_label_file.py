"""Labels in a CSV file beside one's own images."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from rdl import data
from rdl.errors import UserError
from rdl.scoring import Measurement
from rdl.scoring.measure import measure

WHOLE = "file,shape,size\n" + "".join(f"{n:02d}.png,{'box' if n % 2 else 'ball'},{n // 4 * 0.5}\n" for n in range(12))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images").mkdir()
    for number in range(12):
        Image.fromarray(np.full((6, 8), 20 * number, np.uint8)).save(tmp_path / "images" / f"{number:02d}.png")
    return tmp_path


def load(folder, text, name="images"):
    (folder / "labels.csv").write_text(text)
    return data.load(str(folder / name), factors=str(folder / "labels.csv"))


def test_words_and_numbers_in_any_order(folder):
    header, *lines = WHOLE.splitlines()
    images = load(folder, "\n".join([header, *reversed(lines)]))
    assert images.factor_space.names == ("shape", "size")
    assert images.factor_space.sizes == (2, 3)
    expected = [[n % 2, n // 4] for n in range(12)]
    np.testing.assert_array_equal(images.factors(np.arange(12)), expected)


def test_images_of_an_npz_by_their_numbers(folder):
    np.savez(folder / "own.npz", images=np.arange(12 * 48, dtype=np.uint8).reshape(12, 6, 8))
    lines = ["image,kind", *(f"{n},{n % 3}" for n in range(12))]
    images = load(folder, "\n".join(lines), "own.npz")
    np.testing.assert_array_equal(images.factors(np.arange(12))[:, 0], np.arange(12) % 3)


def test_images_with_missing_labels_are_not_measured(folder):
    lines = WHOLE.splitlines()
    lines[3] = "02.png,ball,"
    del lines[6]  # 05.png
    images = load(folder, "\n".join(lines))
    known = [n for n in range(12) if n not in (2, 5)]
    assert images.labelled().tolist() == known
    assert images.subset(np.array([5, 2, 7, 9])).labelled().tolist() == [2, 3]
    with pytest.raises(UserError, match="factors of image 5 are unknown"):
        images.factors(np.array([4, 5]))
    asked = []

    def encode(indices):
        asked.extend(indices)
        codes = images.factors(indices)[None].astype(np.float32)
        return codes, np.zeros_like(codes)

    Measurement(200, 100)(encode, images, 0)
    assert set(asked) == set(known)
    factors, observations = images.sample(50, np.random.RandomState(0))
    numbers = np.round(observations[:, 0, 0, 0] * 255 / 20).astype(int)
    assert set(numbers) <= set(known)
    np.testing.assert_array_equal(factors, images.factors(numbers))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "to have a header"),
        ("file\n00.png\n", "Expected .* to have a header"),
        ("file,a\n00.png\n01.png,1\n", "the line of '00.png' has 1 columns, the header 2"),
        ("file,a\n00.jpg,1\n01.png,1\n", "there is no image '00.jpg'; the first is '00.png'"),
        ("file,a\n00.png,1\n00.png,2\n", "'00.png' has two lines"),
        ("file,a\n00.png,1\n01.png,\n", "at least two images .* got those of 1"),
        ("file,a\n00.png,inf\n01.png,1\n", "NaN or infinity"),
    ],
)
def test_invalid_label_files_are_refused_in_one_line(folder, text, expected):
    with pytest.raises(UserError, match=expected):
        load(folder, text)


@pytest.mark.parametrize("mark", ["", "NA", "N/A", "nan", "None", "null", "-", "?", "#N/A", " ", "NULL", "<NA>"])
def test_the_usual_marks_are_unknown_values(folder, mark):
    lines = ["file,size", *(f"{n:02d}.png,{mark if n in (2, 5, 9) else n % 4}" for n in range(12))]
    images = load(folder, "\n".join(lines))
    assert images.labelled().tolist() == [n for n in range(12) if n not in (2, 5, 9)]
    assert images.factor_space.sizes == (4,)
    assert images.factors(images.labelled())[:, 0].tolist() == [n % 4 for n in images.labelled()]
    assert images.notes[-1].startswith("9 of 12 images")
    assert not mark.strip() or f"{mark!r} (3)" in images.notes[-1]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.sampled_from(("unknown", "1.2.3", "1,5", "x", "12px")), min_size=1, max_size=5, unique=True))
def test_a_few_words_in_a_column_of_numbers_are_refused_by_name(folder, words):
    lines = ["file;size", *(f"{n:02d}.png;{words[n] if n < len(words) else n / 2}" for n in range(12))]
    with pytest.raises(UserError, match="Expected numbers in 'size'") as caught:
        load(folder, "\n".join(lines))
    assert all(repr(word) in str(caught.value) for word in words)


def test_measured_quantities_keep_their_values(folder):
    values = np.random.default_rng(0).normal(size=12)
    lines = ["file\tsize\tkind", *(f"{n:02d}.png\t{values[n]!r}\tk{n % 2}" for n in range(12))]
    text = "\n".join(lines).replace("np.float64(", "").replace(")", "")
    images = load(folder, text)
    assert images.factor_space.continuous == (True, False)
    np.testing.assert_array_equal(images.factor_values(np.arange(12))[:, 0], values)
    chosen = data.load(str(folder / "images"), factors=str(folder / "labels.csv"), continuous=["kind"])
    assert chosen.factor_space.continuous == (False, True)
    with pytest.raises(UserError, match="No factor is called 'colour'"):
        data.load(str(folder / "images"), factors=str(folder / "labels.csv"), continuous=["colour"])


def test_a_missing_file(folder):
    with pytest.raises(UserError, match="Cannot read .*nowhere.csv"):
        data.load(str(folder / "images"), factors=str(folder / "nowhere.csv"))


def test_scores_that_compare_factors_are_left_out_where_there_is_one():
    random = np.random.default_rng(0)
    codes, factors = random.normal(size=(300, 3)), random.integers(0, 4, (300, 1))
    scores, settings = measure(codes, factors, 200, 0)
    assert "disentanglement" not in scores and "mig_sup" not in scores and "completeness" in scores
    assert "compare factors" in settings["undefined"]
    scores, settings = measure(codes, np.hstack([factors, factors[::-1]]), 200, 0)
    assert "disentanglement" in scores and "undefined" not in settings
