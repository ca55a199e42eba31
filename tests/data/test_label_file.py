"""Labels in a CSV file beside one's own images."""

import numpy as np
import pytest
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
        Image.fromarray(np.full((6, 8), number, np.uint8)).save(tmp_path / "images" / f"{number:02d}.png")
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
    np.savez(folder / "own.npz", images=np.zeros((12, 6, 8), np.uint8))
    lines = ["image,kind", *(f"{n},{n % 3}" for n in range(12))]
    images = load(folder, "\n".join(lines), "own.npz")
    np.testing.assert_array_equal(images.factors(np.arange(12))[:, 0], np.arange(12) % 3)


def test_gaps_are_left_out_of_what_is_measured(folder):
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
    numbers = np.round(observations[:, 0, 0, 0] * 255).astype(int)
    assert set(numbers) <= set(known)
    np.testing.assert_array_equal(factors, images.factors(numbers))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "expected a|Expected .* to have a header"),
        ("file\n00.png\n", "Expected .* to have a header"),
        ("file,a\n00.png\n01.png,1\n", "the line of '00.png' has 1 columns, the header 2"),
        ("file,a\n00.jpg,1\n01.png,1\n", "there is no image '00.jpg'; the first is '00.png'"),
        ("file,a\n00.png,1\n00.png,2\n", "'00.png' has two lines"),
        ("file,a\n00.png,1\n01.png,\n", "all factors of 1 images"),
        ("file,a\n00.png,inf\n01.png,1\n", "NaN or infinity"),
    ],
)
def test_what_is_no_file_of_labels_is_told_in_one_line(folder, text, expected):
    with pytest.raises(UserError, match=expected):
        load(folder, text)


def test_a_missing_file(folder):
    with pytest.raises(UserError, match="Cannot read the factors in .*nowhere.csv"):
        data.load(str(folder / "images"), factors=str(folder / "nowhere.csv"))


def test_scores_that_compare_factors_are_left_out_where_there_is_one():
    random = np.random.default_rng(0)
    codes, factors = random.normal(size=(300, 3)), random.integers(0, 4, (300, 1))
    scores, settings = measure(codes, factors, 200, 0)
    assert "disentanglement" not in scores and "mig_sup" not in scores and "completeness" in scores
    assert "compare factors" in settings["undefined"]
    scores, settings = measure(codes, np.hstack([factors, factors[::-1]]), 200, 0)
    assert "disentanglement" in scores and "undefined" not in settings
