"""The direction of imports: a package imports only from the layers below it. Docs name only what exists."""

import ast
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "docs"))
import imports

ROOT = Path(__file__).resolve().parents[1]
# Each layer may import from those after it; packages of one layer do not import from each other.
LAYERS = (
    {"api"},
    {"run"},
    {"cli"},
    {"extending"},
    {"auto"},
    {"jobs"},
    {"callbacks"},
    {"report"},
    {"results"},
    {"verdict"},
    {"scoring", "population"},
    {"metrics"},
    {"recursion", "execution"},
    {"training"},
    {"models"},
    {"data"},
    {"runs"},
    {"config"},
    {"errors", "kernels", "posterior", "seeds", "quiet_start", "shipped", "time_left", "version"},
)
NO_TENSORFLOW = ("execution", "population", "recursion", "runs", "data", "scoring", "verdict")
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
FILES = sorted((ROOT / "rdl").rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Full names of all modules that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def package_of(path: Path) -> str:
    return path.relative_to(ROOT / "rdl").parts[0].removesuffix(".py")


def layer_of(name: str) -> int:
    return next(i for i, packages in enumerate(LAYERS) if name in packages)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down(path):
    here = package_of(path)
    if here == "__init__":
        return  # the public interface imports from everywhere
    packages = set().union(*LAYERS)
    for name in imported(path):
        parts = name.split(".")
        if parts[0] != "rdl" or len(parts) < 2 or parts[1] not in packages or parts[1] == here:
            continue
        assert layer_of(parts[1]) > layer_of(here), f"{here} imports {parts[1]}, which is not below it"


@pytest.mark.parametrize(
    "path", [path for path in FILES if package_of(path) in NO_TENSORFLOW], ids=lambda path: str(path.relative_to(ROOT))
)
def test_pure_packages_import_no_tensorflow(path):
    assert not {name.split(".")[0] for name in imported(path)} & {"tensorflow", "keras", "tensorflow_probability"}


def test_no_files_import_each_other_in_a_circle():
    assert imports.circles(imports.imports(ROOT / "rdl")) == []


def test_no_packages_import_each_other_in_a_circle():
    assert imports.circles(imports.between_packages(imports.imports(ROOT / "rdl"))) == []


def test_circles_are_found():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a", "e"}, "e": set()}
    assert imports.circles(graph) == [["a", "b", "c"]]


@pytest.mark.parametrize(
    "folder",
    sorted({path.parent for path in FILES}),
    ids=lambda folder: str(folder.relative_to(ROOT)),
)
def test_a_folder_has_few_files(folder):
    files = [path for path in folder.iterdir() if path.suffix == ".py" and path.name != "__init__.py"]
    assert len(files) <= 15, f"{len(files)} files: move some of them to a subpackage"


def test_third_party_imports_nothing_of_rdl():
    for path in (ROOT / "third_party").rglob("*.py"):
        assert not {name for name in imported(path) if name.split(".")[0] in ("rdl", "tensorflow", "keras")}, path


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_docs_name_tests_and_files_that_exist(path):
    text = path.read_text()
    here = ""
    for file, test in re.findall(r"`(tests/[\w/]+\.py)?(?:::(\w+))?`", text):
        here = file or here  # `::test_name` alone is in the file named last
        if here and (file or test):
            assert f"def {test}" in (ROOT / here).read_text(), f"{here}::{test}"
    for named in re.findall(r"`((?:rdl|tests|bin|docs|benchmarks|gin_configs|third_party)/[\w./-]*\w)`", text):
        assert (ROOT / named).exists(), named
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (path.parent / link).exists(), link


def test_binaries_are_short():
    for path in (ROOT / "bin").iterdir():
        if path.is_file():
            assert len(path.read_text().splitlines()) <= 60, f"{path.name} does more than flags -> gin -> one call"
