import importlib.util
import re
from pathlib import Path

import pytest

from rdl.errors import UserError
from rdl.report import live, write_report
from rdl.report.study import models_of, write_study

_spec = importlib.util.spec_from_file_location("made_up", Path(__file__).with_name("made_up.py"))
assert _spec
assert _spec.loader
made_up = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made_up)


def test_models_are_found_in_the_order_of_their_numbers(tmp_path):
    study = made_up.make_study(tmp_path / "study")
    assert [model.name for model in models_of(study)] == ["2", "10", "300", "301", "302"]
    assert models_of(study / "2") == [] == models_of(tmp_path / "absent")


def test_the_page_of_a_study_answers_the_four_questions(tmp_path):
    page = write_study(made_up.make_study(tmp_path / "study")).read_text()
    assert re.findall(r"<h2>(.*?)</h2>", page) == ["What was found", "How well", "How it was found", "Can I trust it"]
    for text in ("5 models on dsprites_full, 4 finished", "not finished", "beta_vae, beta 4", "beta_tc_vae, beta 6"):
        assert text in page
    # The means of MIG 0.1 and 0.2, and of 0.3 and 0.4; the models with the higher of each are shown.
    assert "0.150 [" in page and "0.350 [" in page
    assert "model 10, MIG 0.200" in page and "model 301, MIG 0.400" in page and "model 300, MIG" not in page
    figures = {path.name for path in (tmp_path / "study" / "report" / "figures").iterdir()}
    assert {"traversals_10.png", "traversals_301.png", "scores_discrete_mig.svg"} <= figures


def test_text_of_a_study_is_shown_as_text(tmp_path):
    evil = "<script>alert(1)</script>"
    page = write_study(made_up.make_study(tmp_path / "study", word=evil)).read_text()
    assert page.count("<script>") == 1 and "alert(1)" in page


def test_bin_report_takes_a_study_where_it_takes_a_run(tmp_path, capsys):
    study = str(made_up.make_study(tmp_path / "study"))
    live.write([study], None, [], watch=False)
    assert "index.html" in capsys.readouterr().out
    with pytest.raises(UserError, match="leave it out for a study"):
        live.write([study], None, [], watch=True)


def test_a_folder_without_runs_is_no_study(tmp_path):
    with pytest.raises(UserError, match="holds no runs"):
        write_study(tmp_path)


def test_a_ladder_s_latents_stand_under_their_levels(tmp_path):
    page = write_report([made_up.make_ladder(tmp_path / "ladder")]).read_text()
    assert page.index("<h3>Level 2</h3>") < page.index("<h3>Level 1</h3>")
