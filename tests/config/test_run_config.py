"""The resolved configuration: what gin binds becomes plain values, which JSON keeps."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import gin
import pytest

from rdl.config import Reference, RunConfig, keys_in
from rdl.errors import UserError


@gin.configurable("resolved_rule", module="tests.resolved")
def rule(factor: float = 0.5, limit: float = float("inf")) -> float:
    return factor


@gin.configurable("resolved_stage", module="tests.resolved")
@dataclass(frozen=True)
class Stage:
    size: int = 4
    rule: Callable[..., float] = rule
    names: Sequence[str] = ("a", "b")
    parts: dict = field(default_factory=dict)


@gin.configurable("resolved_job", module="tests.resolved", denylist=["folder"])
def job(folder: str = "", stage: Stage | None = None, seed: int = 3) -> None:
    pass


TEXT = """
resolved_job.stage = @small/resolved_stage()
small/resolved_stage.size = %size
resolved_stage.names = ('x', "y")
resolved_stage.parts = {'a': [@resolved_rule, 1.5], 'b': (None, True)}
size = 7
"""


@pytest.fixture
def config():
    gin.parse_config(TEXT)
    return RunConfig.from_gin()


def test_bindings_are_resolved(config):
    assert config.settings == {
        "resolved_job.stage": Reference("small/resolved_stage", called=True),
        "resolved_stage.names": ["x", "y"],
        "resolved_stage.parts": {"a": [Reference("resolved_rule"), 1.5], "b": [None, True]},
        "small/resolved_stage.size": 7,
    }
    assert "size = 7" in config.gin_text


def test_defaults_of_referenced_names_are_resolved(config):
    assert config.defaults["resolved_job.seed"] == 3
    assert config.defaults["resolved_stage.rule"] == Reference("resolved_rule")
    assert config.defaults["resolved_rule.factor"] == 0.5
    assert not {"resolved_job.folder", "resolved_rule.limit", "resolved_stage.parts"} & {*config.defaults}


def test_values_are_those_that_a_call_gets(config):
    assert config.value("resolved_stage.size") == 4
    assert config.value("small/resolved_stage.size") == config.value("small/inner/resolved_stage.size") == 7
    assert config.value("small/resolved_stage.names") == ["x", "y"]
    assert config.value("unknown.name") is None
    assert config.value("unknown.name", 5) == 5
    assert config.name("resolved_job.stage") == "resolved_stage"
    assert config.name("unknown.name") == ""
    assert config.section("resolved_stage") == {
        key: config.value(f"resolved_stage.{key}") for key in ("names", "parts")
    }


def test_json_keeps_everything(config):
    assert RunConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_texts_are_gins(config):
    texts = config.texts()
    assert texts["resolved_job.stage"] == "@small/resolved_stage()"
    assert texts["resolved_stage.parts"] == "{'a': [@resolved_rule, 1.5], 'b': [None, True]}"
    gin.clear_config()
    gin.parse_config("\n".join(f"{key} = {text}" for key, text in texts.items()))
    assert RunConfig.from_gin().settings == config.settings


def test_text_of_gin_resolves_to_the_same(config):
    gin.clear_config()
    gin.parse_config(config.gin_text)
    assert RunConfig.from_gin() == config


def test_strings_are_no_references():
    config = RunConfig({"a.b": "@name", "a.c": "%macro"})
    assert config.texts() == {"a.b": "'@name'", "a.c": "'%macro'"}
    assert RunConfig.from_json(config.to_json()) == config


def test_operative_configuration_has_defaults_of_calls(config):
    with gin.config_scope("small"):
        Stage()
    rule()
    operative = RunConfig.operative()
    assert operative.settings["small/resolved_stage.size"] == 7
    assert operative.settings["resolved_rule.factor"] == 0.5
    assert "resolved_job.seed" not in operative.settings


def test_reading_imports_and_calls_nothing(tmp_path):
    content = {
        "settings": {"a.b": {"@": "os.system()"}, "c.d": {"@": 1}},
        "defaults": {},
        "gin_text": "",
        "kernels": "",
    }
    config = RunConfig.from_json(content)
    assert config.settings == {"a.b": Reference("os.system", True), "c.d": {"@": 1}}


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "content",
    [None, [], {}, {"settings": [], "defaults": {}, "gin_text": "", "kernels": ""},
     {"settings": {"a.b": nested(5000)}, "defaults": {}, "gin_text": "", "kernels": ""}],
    ids=["nothing", "list", "empty", "list of settings", "nested"],
)  # fmt: skip
def test_other_content_is_refused(content):
    with pytest.raises(UserError) as error:
        RunConfig.from_json(content)
    assert len(str(error.value)) < 300


def test_keys_in_gins_text():
    text = """# dataset.size = 3
import no_such_module
include 'no_such_file.gin'
dataset.name = 'shapes3d'
a/b/vae.rate = \\
    0.0001
values = {
    'x': @no_such_name,
}
"""
    assert keys_in(text) == {"dataset.name", "a/b/vae.rate", "values"}
