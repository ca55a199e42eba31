"""bin/disentangle: wrong input is refused in one line before training, and a run goes from images to a model."""

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

import rdl
from rdl.auto import request
from rdl.auto.inspection import summarize_pixels
from rdl.cli import command_line, disentangle, extend
from rdl.errors import UserError
from rdl.runs import Layout, files

ROOT = Path(__file__).resolve().parents[2]


def pictures(folder: Path, sizes) -> Path:
    folder.mkdir()
    for number, size in enumerate(sizes):
        Image.new("RGB", size, (number % 256, 0, 0)).save(folder / f"{number:03d}.png")
    return folder


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A folder of 100 pictures."""
    return pictures(tmp_path_factory.mktemp("good") / "pictures", [(20, 16)] * 100)


def refusal(capsys, *arguments, command="disentangle") -> str:
    """The single line of the error, which does not start TensorFlow."""
    for flags in (disentangle.FLAGS, extend.FLAGS):  # flags stay set within a process
        for name in flags:
            flags[name].unparse()
    assert command_line.run(command, list(map(str, arguments))) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.strip().splitlines()
    return line


def test_an_empty_folder_is_refused(tmp_path, capsys):
    line = refusal(capsys, tmp_path)
    assert line.startswith(f"error: Expected at least 10 pictures in the folder {tmp_path}, got 0")


def test_too_few_images_are_refused(tmp_path, capsys):
    assert "Expected at least 10" in refusal(capsys, pictures(tmp_path / "nine", [(8, 8)] * 9))
    line = refusal(capsys, pictures(tmp_path / "some", [(8, 8)] * 40))
    assert "needs at least 100 images, some thousands are better, got 40" in line


def test_mixed_sizes_are_refused_unless_a_size_is_requested(tmp_path, capsys):
    folder = pictures(tmp_path / "mixed", [(8, 8)] * 60 + [(8, 9)] * 60)
    assert "060.png is 9 x 8, while" in (line := refusal(capsys, folder))
    assert "make all alike with" in line
    assert request.inspect_request(request.AutoRequest(str(folder), size=32), tmp_path / "run").images == 120


def test_labels_of_other_images_are_refused(good, tmp_path, capsys):
    for text, expected in {
        "image,x,y\n000.png,1,2\n001.png,1\n": "the line of '001.png' has 2 columns, the header 3",
        "image\n000.png\n001.png\n": "to have a header and lines 'image,factor,..'",
        "image,x\n000.png,1\nnowhere.png,2\n": "there is no image 'nowhere.png'",
    }.items():
        (tmp_path / "labels.csv").write_text(text)
        assert expected in refusal(capsys, good, f"--factors={tmp_path / 'labels.csv'}")
    assert "--factors missing.csv does not exist" in refusal(capsys, good, "--factors=missing.csv")


@pytest.mark.parametrize("minutes", ["0", "-3", "nan", "inf", "1e9"])
def test_invalid_minutes_are_refused(good, capsys, minutes):
    assert "--minutes must be a number above 0, such as 60" in refusal(capsys, good, f"--minutes={minutes}")


def test_invalid_flags_and_names_are_refused(good, tmp_path, capsys):
    assert "No data set is called 'nowhere'" in refusal(capsys, "nowhere")
    assert "minutes" in refusal(capsys, good, "--minutes=soon")
    assert "Expected one folder, file or name of images, got nothing" in refusal(capsys)
    assert "--size must be 16, 32 or 64, got 20" in refusal(capsys, good, "--size=20")
    assert "got 2" in refusal(capsys, good, "--channels=2")
    np.savez(tmp_path / "nan.npz", images=np.full((200, 16, 16), np.nan, np.float32))
    assert "NaN" in refusal(capsys, tmp_path / "nan.npz")
    assert "is not a run directory" in refusal(capsys, tmp_path, "--minutes=3", command="extend")


def test_arrays_are_checked_and_identified_by_their_content():
    with pytest.raises(UserError, match="NaN"):
        rdl.disentangle(np.full((200, 16, 16), np.nan))
    with pytest.raises(UserError, match="at least 10 images in the images, got 3"):
        rdl.disentangle(np.zeros((3, 16, 16), np.uint8))
    with pytest.raises(UserError, match="of shape"):
        rdl.disentangle(np.zeros(200, np.uint8))
    with pytest.raises(UserError, match="nothing to learn"):
        rdl.disentangle(np.zeros((200, 16), np.uint8))
    array = np.random.default_rng(0).integers(0, 256, (200, 16, 16), dtype=np.uint8)
    asked, kept = request.make_request(array, minutes=5)
    assert asked == request.make_request(array.copy(), minutes=5)[0]
    assert asked != request.make_request(array[::-1], minutes=5)[0]
    assert request.inspect_request(asked, Path("."), kept).shape == (16, 16, 1)


def test_what_loading_decided_on_an_array_stays_with_the_run(tmp_path):
    array = np.random.default_rng(0).integers(0, 4096, (200, 16, 16), dtype=np.uint16)
    asked, kept = request.make_request(array, minutes=5)
    request.save_images(kept, tmp_path)
    images = rdl.data.load(**request.AutoRequest.load_options(asked, tmp_path))
    assert images.shape == (16, 16, 1) and any("12-bit" in note for note in images.notes)
    stated, other = request.make_request(array, minutes=5, value_range=(0, 8190))
    assert other.pixels.max() == 128 and stated != asked
    with pytest.raises(UserError, match="images_key"):
        request.make_request(array, images_key="x")


def test_files_are_read_as_the_flags_say(tmp_path, capsys):
    values = np.random.default_rng(0).normal(size=(200, 16, 16)).clip(-2, 2)
    np.savez(tmp_path / "named.npz", first=values, second=values[::-1], angle=np.arange(200.0) / 7)
    assert "dataset.images_key" in refusal(capsys, tmp_path / "named.npz")
    assert "dataset.value_range" in refusal(capsys, tmp_path / "named.npz", "--images_key=first")
    assert "--value_range" in refusal(capsys, tmp_path / "named.npz", "--value_range=a,1")
    assert "dataset.value_range" in refusal(capsys, tmp_path / "named.npz", "--value_range=1")
    asked, _ = request.make_request(
        tmp_path / "named.npz", value_range=(-2, 2), images_key="first", factors_key="angle", continuous=["angle"]
    )
    images = rdl.data.load(**asked.load_options(tmp_path))
    np.testing.assert_array_equal(images.images(np.arange(9))[..., 0], np.rint((values[:9] + 2) * 63.75))
    assert images.factor_space.continuous == (True,)


def test_another_command_in_the_same_folder_is_refused_with_the_difference(good, tmp_path, capsys):
    asked = request.AutoRequest(str(good))
    paths = Layout(tmp_path / "run")
    files.write_json(paths.plan_record, {"request": {**vars(asked), "minutes": 30}})
    files.write_text(paths.plan, "")
    line = refusal(capsys, good, f"--output_dir={tmp_path / 'run'}")
    assert "holds the run of another command (minutes = 30 there, 60.0 here)" in line
    assert request.find_plan(request.AutoRequest(str(good), minutes=30), paths.root) == paths.plan


DISENTANGLE = """
import numpy as np, rdl
from rdl.auto import automatic_run, plan, gin_writer
from rdl.callbacks.callback import Callback
write, measure = gin_writer.format_gin_file, automatic_run.measure_speed

def pretend(*args):
    found = measure(*args)
    assert found.training > 0 and found.encoding > 0 and found.member >= 0 and found.starting > 0
    return plan.TrainingSpeed(found.size, training=100, encoding=1e6, member=0.0)

# A few thousand images are trained on, whatever the machine, and they are enough for a recursion.
plan.LEAST = plan.ENOUGH = 10
automatic_run.measure_speed = pretend
automatic_run.TimeBudget = lambda plan, seconds, speed: Callback()
# So few teach nothing: every latent counts as learned.
gin_writer.format_gin_file = lambda *args, **options: write(*args, **options) + "\\nlabel.kl_threshold = 1e-9\\n"
run = rdl.disentangle({images}, minutes={minutes}, output_dir={root!r})
print("SUMMARY", run.summary["elapsed_seconds"], run.model.encode(run.images.images([0, 1])).shape)
"""


def python(code: str) -> str:
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.slow
def test_an_array_becomes_a_model_and_the_gin_file_repeats_the_run(tmp_path):
    images = "np.random.default_rng(0).integers(0, 256, (300, 16, 16), dtype=np.uint8)"
    root = tmp_path / "run"
    said = python(DISENTANGLE.format(images=images, minutes=4, root=str(root)))
    assert "300 images of 16 x 16, grey" in said
    assert "Values from 0 to 255; all images differ." in said
    assert "SUMMARY" in said
    assert "(2, 10)" in said
    plan, summary = (root / "plan.gin").read_text(), (root / "results" / "summary.json").read_text()
    assert "2 cores" in said or "core" in said
    # The same command again measures and trains nothing.
    again = python(DISENTANGLE.format(images=images, minutes=4, root=str(root)))
    assert "training images per second" not in again
    assert (root / "plan.gin").read_text() == plan
    assert (root / "results" / "summary.json").read_text() == summary
    # The gin file repeats the run to the digit.
    other = tmp_path / "other"
    python(f"import rdl; rdl.train({str(root / 'plan.gin')!r}, output_dir={str(other)!r})")
    repeated = json.loads((other / "results" / "summary.json").read_text())
    assert repeated | {"elapsed_seconds": 0} == json.loads(summary) | {"elapsed_seconds": 0}


def write_deep_tiff_folder(folder: Path) -> Path:
    """100 pictures of 16 bits."""
    folder.mkdir()
    levels = np.random.default_rng(0).integers(0, 65_536, (100, 16, 16), dtype=np.uint16)
    for number, image in enumerate(levels):
        Image.fromarray(image).save(folder / f"{number:03d}.tiff")
    return folder


def write_five_channels(folder: Path) -> Path:
    """An HDF5 file of images with 5 channels."""
    folder.mkdir()
    with h5py.File(folder / "images.h5", "w") as file:
        file["images"] = np.random.default_rng(0).integers(0, 256, (100, 16, 16, 5), dtype=np.uint8)
    return folder / "images.h5"


def write_table(folder: Path) -> Path:
    """A CSV file of 64 columns."""
    folder.mkdir()
    header = ",".join(f"c{column}" for column in range(64))
    rows = np.random.default_rng(0).normal(size=(200, 64))
    np.savetxt(folder / "table.csv", rows, delimiter=",", header=header, comments="")
    return folder / "table.csv"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("write", "shown", "lines"),
    [
        (write_deep_tiff_folder, "100 images of 16 x 16, grey", ["@small_conv_encoder", "@continuous_bernoulli"]),
        (write_five_channels, "100 images of 16 x 16, 5 channels", ["@small_conv_encoder", "@continuous_bernoulli"]),
        (write_table, "200 rows of 64 columns", ["@small_fc_encoder", "@gaussian"]),
    ],
)
def test_other_forms_of_input_become_a_model(tmp_path, write, shown, lines):
    root, images = tmp_path / "run", str(write(tmp_path / "input"))
    said = python(DISENTANGLE.format(images=repr(images), minutes=2, root=str(root)))
    assert shown in said
    assert "(2, 10)" in said
    gin_file = (root / "plan.gin").read_text()
    assert all(line in gin_file for line in lines)
    python(f"import rdl; rdl.Run({str(root)!r}).report()")


def test_images_are_loaded_at_the_chosen_or_requested_size(good, tmp_path):
    from rdl.auto import automatic_run

    np.savez(tmp_path / "images.npz", images=np.arange(200, dtype=np.uint8).repeat(2880).reshape(120, 40, 40, 3))
    for images, asked, size, expected in (
        (tmp_path / "images.npz", None, (40, 40), 40),
        (tmp_path / "images.npz", None, (32, 32), 32),
        (tmp_path / "images.npz", 64, (64, 64), 64),
        (good, None, (32, 32), 32),
        (good, 16, (16, 16), 16),
    ):
        made = request.AutoRequest(str(images), size=asked)
        options = automatic_run._resized(made, tmp_path, request.inspect_request(made, tmp_path), size)
        assert rdl.data.load(**options).shape[:2] == (expected, expected)


def test_the_time_budget_of_a_resumed_run_subtracts_the_time_of_earlier_sessions(good, tmp_path):
    from rdl.auto import automatic_run
    from rdl.auto.plan import TrainingSpeed, make_plan
    from rdl.runs import RunDirectory
    from rdl.runs.keys import SessionKey

    asked, paths = request.AutoRequest(str(good), minutes=20), Layout(tmp_path / "run")
    speed = TrainingSpeed((32, 32), training=7_000.0, encoding=20_000.0)
    plan = make_plan(3_000, speed, 1200)
    assert plan.has_recursion
    record = {"plan": asdict(plan), "speed": asdict(speed), "planning": {"seconds": 30.0}}
    with RunDirectory(paths.root) as run:
        run.journal.append(str(SessionKey(0)), {"seconds": 500.0})
    files.write_json(paths.plan_record, record)
    earlier = automatic_run._read_planning_seconds(paths)
    budget = automatic_run._make_time_budget(paths, asked, time.perf_counter(), earlier)
    assert budget._plan == plan  # also after the round trip through JSON
    assert budget._deadline - time.perf_counter() == pytest.approx(1200 - 530, abs=60)
    files.write_json(paths.plan_record, record | {"plan": {"size": "large"}})
    assert automatic_run._make_time_budget(paths, asked, 0.0, earlier) is None


def test_the_pixel_summary_finds_range_and_repeated_images(tmp_path):
    images = np.random.default_rng(0).integers(10, 201, (120, 16, 16), dtype=np.uint8)
    images[0, 0, :2] = 10, 200
    images[100:] = images[:20]
    np.savez(tmp_path / "images.npz", images=images)
    found = summarize_pixels(rdl.data.load(str(tmp_path / "images.npz")))
    assert (found.images, found.low, found.high, found.repeated) == (120, 10, 200, 20)
    assert found.extreme < 0.1
    assert found.describe() == "Values from 10 to 200; 20 equal an earlier image."
