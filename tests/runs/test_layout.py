from rdl.runs import Layout, files
from rdl.runs.folders import find_finished_runs


def test_checkpoints_behind_links_belong_to_other_runs(tmp_path):
    own, others = tmp_path / "run", tmp_path / "others"
    for folder in (others / "generation_000", own / "a" / "members" / "generation_001", own / "b"):
        folder.mkdir(parents=True)
    (own / "a" / "members" / "generation_000").symlink_to(others / "generation_000")
    (own / "a" / "members" / "generation_x").mkdir()
    (own / "a" / "members" / "generation_002").write_text("")
    (own / "b" / "members").symlink_to(others)
    assert list(Layout(own).checkpoints("a")) == [1]
    assert not Layout(own).checkpoints("b")


def test_label_files_are_found_by_the_numbers_of_their_leaf_runs(tmp_path):
    for name in ("leaf_0", "leaf_12", "leaf_x"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "labels.npz").touch()
    paths = Layout(tmp_path)
    assert paths.all_labels() == {0: paths.labels("leaf_0"), 12: paths.labels("leaf_12")}


def test_finished_runs_are_found_in_a_folder_and_its_subfolders(tmp_path):
    for name in ("b", "a"):
        files.write_json(Layout(tmp_path / name).summary, {})
    (tmp_path / "c").mkdir()
    assert find_finished_runs(tmp_path) == [Layout(tmp_path / "a"), Layout(tmp_path / "b")]
    assert find_finished_runs(tmp_path / "a") == [Layout(tmp_path / "a")]
