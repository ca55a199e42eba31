import gin
import pytest

from rdl import kernels
from rdl.config import RunConfig
from rdl.errors import UserError
from rdl.jobs import resume
from rdl.models import precision
from rdl.runs import RunDirectory


def configure(text):
    gin.clear_config()
    gin.parse_config(text)


@pytest.fixture
def native(monkeypatch):
    """Sets the precision that "auto" stands for on this machine."""
    return lambda name: monkeypatch.setattr(precision, "native", lambda: name)


def test_a_run_records_its_precision_and_keeps_it_when_resumed(native, tmp_path):
    root, text = tmp_path / "run", "model.precision = 'auto'\nfinal/model.precision = %wide\nwide = 'float32'"
    configure(text)
    native("mixed_bfloat16")
    resume.resolve_precision(root)
    assert gin.query_parameter("model.precision") == "mixed_bfloat16"
    with RunDirectory(root, RunConfig.from_gin()) as run:
        run.journal.append("unit", {})
    assert "final/model.precision = %wide" in (root / "config.gin").read_text()

    configure(text)
    resume.resolve_precision(root)
    RunDirectory(root, RunConfig.from_gin()).close()  # the same configuration resumes

    native("float32")
    configure(text)
    with pytest.raises(UserError, match=r"model\.precision = 'mixed_bfloat16'.*'auto' means 'float32'"):
        resume.resolve_precision(root)
    configure(text.replace("auto", "mixed_bfloat16"))
    resume.resolve_precision(root)
    RunDirectory(root, RunConfig.from_gin()).close()


def test_auto_behind_a_macro_is_resolved(native, tmp_path):
    configure("model.precision = %narrow\nnarrow = 'auto'")
    native("mixed_bfloat16")
    resume.resolve_precision(tmp_path)
    assert "model.precision = 'mixed_bfloat16'" in gin.config_str()


def test_a_resumed_run_warns_of_other_kernels(tmp_path, monkeypatch):
    monkeypatch.setattr(kernels, "selected", lambda: kernels.ONEDNN)
    assert resume.describe_other_kernels(tmp_path) == []
    with RunDirectory(tmp_path) as run:
        run.write_config(RunConfig(kernels=kernels.EIGEN))
        assert resume.describe_other_kernels(tmp_path) == []  # the run has no finished unit
        run.journal.append("unit", {})
    (warning,) = resume.describe_other_kernels(tmp_path)
    assert kernels.EIGEN in warning
    assert f"{kernels.VARIABLE}=0" in warning
    monkeypatch.setattr(kernels, "selected", lambda: kernels.EIGEN)
    assert resume.describe_other_kernels(tmp_path) == []
