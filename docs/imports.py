"""Draws the imports of rdl as a mermaid graph, which GitHub and most editors render.

    python docs/imports.py                       between packages; arrows point from the importing package
    python docs/imports.py jobs callbacks        between the files of these packages

Imports inside functions count. `tests/test_architecture.py` tests the same graph for cycles.
"""

import ast
import sys
from pathlib import Path

Graph = dict[str, set[str]]
"""Module -> the modules that it imports."""


def imports(package: Path) -> Graph:
    """Returns the imports between the modules of a package, by full names; ``__init__`` counts as a module."""
    paths = {_name(path, package.parent): path for path in sorted(package.rglob("*.py"))}
    return {name: _imported(path, set(paths)) - {name} for name, path in paths.items()}


def _name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(path: Path, known: set[str]) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in known else node.module)
    return found & known


def between_packages(graph: Graph, inside: tuple[str, ...] = ()) -> Graph:
    """Merges modules into their packages (``rdl.jobs``), except those of the packages named ``inside``."""

    def package_of(module: str) -> str:
        parts = module.split(".")
        return module if len(parts) > 1 and parts[1] in inside else ".".join(parts[:2])

    merged: Graph = {}
    for module, others in graph.items():
        merged.setdefault(package_of(module), set()).update(map(package_of, others))
    return {name: others - {name} for name, others in merged.items()}


def circles(graph: Graph) -> list[list[str]]:
    """Returns the cycles: sets of modules that import each other, directly or through others; sorted."""
    reached = {name: _reached(graph, name) for name in graph}
    found = {
        tuple(sorted(other for other in others if name in reached[other]))
        for name, others in reached.items()
        if name in others
    }
    return [list(circle) for circle in sorted(found)]


def _reached(graph: Graph, start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += graph.get(name, ())
    return seen


def drawing(graph: Graph, inside: tuple[str, ...] = ()) -> str:
    """Formats the graph as mermaid text, without arrows that follow from longer paths."""
    nodes = {name: others for name, others in between_packages(graph, inside).items() if name != "rdl"}
    if inside:
        nodes = {name: others for name, others in nodes.items() if name.split(".")[1] in inside}
    lines = ["flowchart TD"]
    for name, others in sorted(nodes.items()):
        indirect = set().union(*(_reached(nodes, other) for other in others if other in nodes)) if others else set()
        lines += [f"    {name} --> {other}" for other in sorted(others - indirect - {"rdl"})]
    return "\n".join(lines)


if __name__ == "__main__":
    print(drawing(imports(Path(__file__).resolve().parents[1] / "rdl"), tuple(sys.argv[1:])))
