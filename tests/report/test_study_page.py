"""The page of a study."""

import re

import pytest

from rdl.errors import UserError
from rdl.report import watch
from rdl.report.page import write_report
from rdl.report.study_page import find_models, write_study
from tests.report import made_up


def test_models_are_in_the_order_of_their_numbers(tmp_path):
    study = made_up.make_study(tmp_path / "study")
    assert [model.name for model in find_models(study)] == ["2", "10", "300", "301", "302"]
    assert find_models(study / "2") == [] == find_models(tmp_path / "absent")


def test_the_page_of_a_study_has_its_methods(tmp_path):
    page = write_study(made_up.make_study(tmp_path / "study")).read_text()
    assert re.findall(r"<h2>(.*?)</h2>", page) == ["Latents", "Scores", "Runs", "Provenance"]
    for text in ("5 models on dsprites_full, 4 finished", "not finished", "beta_vae, beta 4", "beta_tc_vae, beta 6"):
        assert text in page
    # The means of MIG 0.1 and 0.2, and of 0.3 and 0.4; the model with the higher one of each method is shown.
    assert "0.150 (" in page and "0.350 (" in page
    assert "model 10, MIG 0.200" in page and "model 301, MIG 0.400" in page and "model 300, MIG" not in page
    figures = {path.name for path in (tmp_path / "study" / "report" / "figures").iterdir()}
    assert {"traversals_10.png", "traversals_301.png", "mig.discrete_mig.svg"} <= figures


def test_text_of_a_study_is_escaped(tmp_path):
    evil = "<script>alert(1)</script>"
    page = write_study(made_up.make_study(tmp_path / "study", word=evil)).read_text()
    assert page.count("<script>") == 1 and "alert(1)" in page


def test_bin_report_accepts_a_study(tmp_path, capsys):
    study = str(made_up.make_study(tmp_path / "study"))
    watch.write_pages([study], None, [], watch=False)
    assert "index.html" in capsys.readouterr().out
    with pytest.raises(UserError, match="received a study"):
        watch.write_pages([study], None, [], watch=True)


def test_a_folder_without_runs_is_refused(tmp_path):
    with pytest.raises(UserError, match="found no run"):
        write_study(tmp_path)


def test_latents_of_a_ladder_are_grouped_by_level(tmp_path):
    page = write_report([made_up.make_ladder(tmp_path / "ladder")]).read_text()
    assert page.index("<h3>Level 2</h3>") < page.index("<h3>Level 1</h3>")
