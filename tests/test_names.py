"""Names in rdl: each public name has one meaning, and none is of the vocabulary that the project has given up."""

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "rdl").rglob("*.py"))
ALIKE = {
    "main": "every command has one (rdl/cli/command_line.py calls it)",
    "parser": "of the commands that read positional arguments",
    "load": "rdl.load loads a model, rdl.data.load images: each is called by its package",
}
# Words of the old vocabulary, each with what replaced it. They are sought in the parts of names between underscores.
GIVEN_UP = {
    "watcher": "callback", "deaf": "callback", "told": "explained", "tells": "explains", "gathering": "discreteness",
    "dead": "inactive", "doubtful": "uncertain", "door": "automatic run", "redone": "archive", "aside": "archive",
    "stretch": "plateau", "settle": "resolve", "seen": "inspect", "spoken": "describe", "house": "architecture",
    "floor": "layer", "room": "package", "found_again": "replicated", "handed_over": "selected", "of_text": "from_text",
    "of_gin": "from_gin", "of_run": "from_run", "in_words": "describe", "asked_for": "requested", "asked": "requested",
    "free": "left to vary", "look": "inspect", "listen": "callback", "listens": "callback", "beside": "mixed_with",
    "said": "message", "says": "describe",
}  # fmt: skip
KEPT = {"floor": "rounding down, as in math.floor"}


def public_definitions():
    """(name, file) of every public class and function at the top of a module."""
    for path in FILES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                yield node.name, path.relative_to(ROOT)


def all_names(path):
    """Every name that a file defines: modules, classes, functions, parameters, variables and attributes."""
    yield from path.relative_to(ROOT).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def words(name):
    """The words of a snake_case or CamelCase name, joined by underscores and enclosed in them."""
    return "_" + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().strip("_") + "_"


def test_no_two_public_names_are_alike():
    places = defaultdict(list)
    for name, path in public_definitions():
        places[name].append(str(path))
    alike = {name: found for name, found in places.items() if len(found) > 1 and name not in ALIKE}
    assert alike == {}
    # A function of the public interface has no namesake either.
    assert {name for name in ALIKE if len(places[name]) < 2} == set(), "no longer alike"


def test_no_name_is_of_the_old_vocabulary():
    found = {
        f"{name} in {path.relative_to(ROOT)}: {GIVEN_UP[word]}"
        for path in FILES
        for name in all_names(path)
        for word in GIVEN_UP
        if word not in KEPT
        and (words(name).startswith(f"_{word}_") if word.startswith("of_") else f"_{word}_" in words(name))
    }
    assert found == set()


def test_words_are_found_in_both_styles():
    assert words("settleThreads") == "_settle_threads_" and words("_found_again") == "_found_again_"
