"""Draws who imports whom, as a mermaid graph, which GitHub and most editors show as a picture.

    python docs/imports.py                the packages of rdl, each arrow from who imports to who is imported
    python docs/imports.py jobs watch     the files of these packages, and the packages that they import from

Imports inside functions count too. `tests/test_architecture.py` holds the same graph to have no circle.
"""

import ast
import sys
from pathlib import Path

Graph = dict[str, set[str]]
"""Module -> the modules that it imports."""


def imports(package: Path) -> Graph:
    """The imports between the files of a package, by their full names; a package's own face is a module too."""
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
    """The same between whole packages (``rdl.jobs``), the files of those named ``inside`` left as they are."""

    def room(module: str) -> str:
        parts = module.split(".")
        return module if len(parts) > 1 and parts[1] in inside else ".".join(parts[:2])

    rooms: Graph = {}
    for module, others in graph.items():
        rooms.setdefault(room(module), set()).update(map(room, others))
    return {name: others - {name} for name, others in rooms.items()}


def circles(graph: Graph) -> list[list[str]]:
    """Sets of modules each of which imports all others of its set, directly or through others; sorted."""
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
    """The graph as mermaid text; arrows that follow from longer ways are left out, so that floors show."""
    rooms = {name: others for name, others in between_packages(graph, inside).items() if name != "rdl"}
    if inside:
        rooms = {name: others for name, others in rooms.items() if name.split(".")[1] in inside}
    lines = ["flowchart TD"]
    for name, others in sorted(rooms.items()):
        indirect = set().union(*(_reached(rooms, other) for other in others if other in rooms)) if others else set()
        lines += [f"    {name} --> {other}" for other in sorted(others - indirect - {"rdl"})]
    return "\n".join(lines)


if __name__ == "__main__":
    print(drawing(imports(Path(__file__).resolve().parents[1] / "rdl"), tuple(sys.argv[1:])))
