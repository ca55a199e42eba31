"""Atomic writes: files are written completely or not at all, and problems are reported in one line."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest

from rdl.errors import UserError
from rdl.runs import files


def test_written_content_is_read_back(tmp_path):
    files.write_bytes(tmp_path / "new" / "a.bin", b"\x00\x01")
    files.write_text(tmp_path / "a.txt", "naïve\n")
    files.write_json(tmp_path / "a.json", {"n": np.int64(3), "x": np.float32(0.5), "v": np.arange(2), "p": tmp_path})
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    files.write_npy(tmp_path / "a.npy", array)
    files.write_npy(tmp_path / "empty.npy", np.zeros((0, 4), np.uint8))
    files.write_npz(tmp_path / "a.npz", {"a": array, "layer/kernel:0": np.float32(2)})
    assert (tmp_path / "new" / "a.bin").read_bytes() == b"\x00\x01"
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "naïve\n"
    assert json.loads((tmp_path / "a.json").read_text()) == {
        "n": 3,
        "x": 0.5,
        "v": [0, 1],
        "p": str(tmp_path),
    }
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy", allow_pickle=False), array)
    assert np.load(tmp_path / "empty.npy").shape == (0, 4)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as loaded:
        np.testing.assert_array_equal(loaded["a"], array)
        assert loaded["layer/kernel:0"].shape == () and loaded["layer/kernel:0"] == 2
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]


def test_equal_arrays_give_equal_bytes(tmp_path):
    for name in ("one", "two"):
        files.write_npz(tmp_path / name, {"a": np.arange(5)})
    assert files.sha256(tmp_path / "one") == files.sha256(tmp_path / "two")


def test_sha256_of_known_content(tmp_path):
    files.write_bytes(tmp_path / "abc", b"abc")
    assert files.sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("write", [files.write_npy, lambda path, array: files.write_npz(path, {"a": array})])
def test_arrays_of_objects_are_refused(tmp_path, write):
    with pytest.raises((TypeError, ValueError)):
        write(tmp_path / "a", np.array([{}, None]))
    assert not os.listdir(tmp_path)


def test_a_failed_write_keeps_the_old_content(tmp_path):
    files.write_text(tmp_path / "a", "old")
    with pytest.raises(RuntimeError), files.replacing(tmp_path / "a") as file:
        file.write(b"half of the new")
        raise RuntimeError
    assert (tmp_path / "a").read_text() == "old" and os.listdir(tmp_path) == ["a"]


def test_a_killed_write_keeps_the_old_content(tmp_path):
    files.write_text(tmp_path / "a", "old")
    code = f"""
import os, signal
from rdl.runs import files
with files.replacing({str(tmp_path / "a")!r}) as file:
    file.write(b"half of the new")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert (tmp_path / "a").read_text() == "old"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT])
def test_an_operating_system_error_is_reported_in_one_line(tmp_path, monkeypatch, code):
    def refuse(descriptor):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(UserError, match=r"^Cannot write .*a\.npz: [^\n]+\.$"):
        files.write_npz(tmp_path / "a.npz", {"a": np.zeros(3)})
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("write", [files.write_npy, lambda path, array: files.write_npz(path, {"a": array})])
def test_a_limit_on_file_sizes_is_reported(tmp_path, write):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(UserError, match="ulimit -f"):
            write(tmp_path / "a", np.zeros(1_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert not os.listdir(tmp_path)


def test_files_and_folders_do_not_replace_each_other(tmp_path):
    files.write_text(tmp_path / "file", "")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="not a folder"):
        files.write_text(tmp_path / "file" / "a", "")
    with pytest.raises(UserError, match="a folder has this name"):
        files.write_text(tmp_path / "folder", "")
    with pytest.raises(UserError, match="not a folder"):
        files.make_folder(tmp_path / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_reported(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="no permission"):
        files.write_text(tmp_path / "a", "")


def test_an_error_about_another_file_is_not_replaced(tmp_path):
    def read_a_source():
        try:
            raise PermissionError(errno.EACCES, "Permission denied")
        except OSError as error:
            raise UserError("Cannot read a.png") from error

    with pytest.raises(UserError, match=r"^Cannot read a\.png$"), files.replacing(tmp_path / "cache"):
        read_a_source()
    assert not os.listdir(tmp_path)


def test_a_folder_is_replaced_completely_or_not_at_all(tmp_path):
    for content in ("old", "new"):
        with files.replacing_folder(tmp_path / "model") as folder:
            (folder / content).write_text(content)
    assert os.listdir(tmp_path) == ["model"] and os.listdir(tmp_path / "model") == ["new"]
    with pytest.raises(RuntimeError), files.replacing_folder(tmp_path / "model") as folder:
        (folder / "half").write_text("")
        raise RuntimeError
    assert os.listdir(tmp_path) == ["model"] and os.listdir(tmp_path / "model") == ["new"]
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="Cannot write .*file"), files.replacing_folder(tmp_path / "file"):
        pass
    assert (tmp_path / "file").read_text() == "mine" and sorted(os.listdir(tmp_path)) == ["file", "model"]


def test_a_folder_is_flushed_before_its_rename_and_has_default_permissions(tmp_path, monkeypatch):
    synced, sync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(os.readlink(f"/proc/self/fd/{fd}")), sync(fd)))
    (tmp_path / "plain").mkdir()
    with files.replacing_folder(tmp_path / "model") as folder:
        (folder / "part").mkdir()
        (folder / "part" / "weights").write_text("")
    assert {str(folder), str(folder / "part"), str(folder / "part" / "weights")} <= set(synced)
    assert (tmp_path / "model").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.fixture
def steps(monkeypatch):
    """The system calls in order: ("flush", path) and ("rename", old, new)."""
    taken, flush, rename = [], os.fsync, os.replace

    def fsync(descriptor):
        taken.append(("flush", os.readlink(f"/proc/self/fd/{descriptor}")))
        flush(descriptor)

    def replace(old, new):
        taken.append(("rename", str(old), str(new)))
        rename(old, new)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    return taken


def test_a_file_is_flushed_then_renamed_then_its_folder_is_flushed(tmp_path, steps):
    files.write_text(tmp_path / "a", "new")
    (_, temporary), *_ = steps
    assert os.path.dirname(temporary) == str(tmp_path)
    expected = [("flush", temporary), ("rename", temporary, str(tmp_path / "a")), ("flush", str(tmp_path))]
    assert steps == expected


def test_the_parent_of_a_new_folder_is_flushed_after_the_rename(tmp_path, steps):
    with files.replacing_folder(tmp_path / "model") as folder:
        (folder / "weights").write_text("new")
    rename = steps.index(("rename", str(folder), str(tmp_path / "model")))
    assert {step[1] for step in steps[:rename]} == {str(folder), str(folder / "weights")}
    assert steps[rename + 1 :] == [("flush", str(tmp_path))]


def test_other_errors_are_not_converted(tmp_path):
    with pytest.raises(TypeError, match="cannot be represented in JSON"):
        files.write_json(tmp_path / "a", {"a": object()})


@pytest.mark.parametrize("content", [b"[" * 100_000, b"{", b"", b"\xff", b"[1,]"])
def test_content_that_is_not_json_raises_value_error(content):
    with pytest.raises(ValueError):
        files.parse_json(content)


def test_json_numbers_out_of_range_become_none():
    content = b"[NaN, Infinity, -Infinity, 1e999, " + b"9" * 400 + b", 1.5, 18446744073709551615, -3]"
    assert files.parse_json(content) == [None, None, None, None, None, 1.5, 2**64 - 1, -3]


def test_lone_surrogates_in_json_are_escaped():
    content = b'{"\\ud800": ["a\\udcffb", "\\u00e9", "\\ud83d\\ude00"]}'
    assert files.parse_json(content) == {"\\ud800": ["a\\udcffb", "é", "\U0001f600"]}


def test_non_finite_numbers_are_written_as_null(tmp_path):
    files.write_json(tmp_path / "a.json", {"a": [float("nan"), np.float32("inf"), 1.5], "b": "\udcff"})
    assert json.loads((tmp_path / "a.json").read_text(), parse_constant=pytest.fail) == {
        "a": [None, None, 1.5], "b": "\udcff"
    }  # fmt: skip
