"""Configurations of made-up run directories, from gin's text, without anything registered in gin."""

from pathlib import Path

from gin import config_parser

from rdl.config import Reference, RunConfig
from rdl.runs import Layout, files


class _References(config_parser.ParserDelegate):
    def configurable_reference(self, scoped_configurable_name, evaluate):
        return Reference(scoped_configurable_name, evaluate)

    def macro(self, macro_name):
        raise NotImplementedError


def plain(value):
    """Tuples as lists, as in JSON."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, (list, tuple)) else value


def parse_config(text: str) -> RunConfig:
    """The configuration that gin's text without macros describes; nothing is imported or called."""
    settings = {
        f"{one.scope}/{one.selector}.{one.arg_name}".lstrip("/"): plain(one.value)
        for one in config_parser.ConfigParser(text, _References())
        if isinstance(one, config_parser.BindingStatement)
    }
    return RunConfig(settings, gin_text=text)


def write_config(root: Path, text: str = "") -> None:
    """Writes the configuration into a folder as a run directory has it."""
    files.write_json(Layout(root).config, parse_config(text).to_json())
    files.write_text(Layout(root).config_text, text)
