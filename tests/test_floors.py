"""The house: imports point down only, no circle of files, no crowded folder."""

import ast
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "rankaae_cli"
HOUSE = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["rankaae"]["house"]
FLOORS = HOUSE["floors"]
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for folder in (PACKAGE, ROOT / "hydra_plugins")
    for path in sorted(folder.rglob("*.py"))
}


def imports(path: Path) -> Iterator[str]:
    """Give the names that a file imports anywhere in it, those for types alone too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_of(name: str) -> str | None:
    """Return the file's module that an imported name is, or lies in."""
    return next((m for m in (name, name.rpartition(".")[0]) if m in FILES), None)


GRAPH = {
    module: {there for name in imports(path) if (there := module_of(name)) and there != module}
    for module, path in FILES.items()
}


def floor_of(module: str) -> int | None:
    """Return how far down a module lives; None for the package itself and for hydra_plugins."""
    parts = module.split(".")
    return FLOORS.index(parts[1]) if parts[0] == "rankaae_cli" and parts[1:] and parts[1] in FLOORS else None


@pytest.mark.parametrize("module", GRAPH)
def test_imports_point_down(module):
    here = floor_of(module)
    if here is None:
        return
    for there in GRAPH[module]:
        floor = floor_of(there)
        above = floor is not None and floor < here
        assert not above, f"{module} imports {there}, which is above it"


@pytest.mark.parametrize("library", HOUSE["only_in"])
def test_libraries_stay_in_their_rooms(library):
    rooms = HOUSE["only_in"][library]
    for module, path in FILES.items():
        if floor_of(module) is None or module.split(".")[1] in rooms:
            continue
        taken = any(name == library or name.startswith(f"{library}.") for name in imports(path))
        assert not taken, f"{module} imports {library}, which is for {rooms}"


def test_no_kind_of_model_imports_another():
    for module, imported in GRAPH.items():
        here = module.split(".")
        for there in (name.split(".") for name in imported):
            of_kinds = here[1:2] == there[1:2] == ["models"] and len(here) > 3 and len(there) > 3
            assert not of_kinds or here[2] == there[2], f"{module} imports {'.'.join(there)}"


def test_no_circle_of_files():
    order: list[str] = []
    begun: list[str] = []

    def walk(module: str) -> None:
        if module in order:
            return
        assert module not in begun, f"a circle: {' > '.join([*begun[begun.index(module) :], module])}"
        begun.append(module)
        for there in GRAPH[module]:
            walk(there)
        begun.pop()
        order.append(module)

    for module in GRAPH:
        walk(module)


def test_no_folder_is_crowded():
    counts = Counter(path.parent for path in FILES.values() if path.name != "__init__.py")
    crowded = {str(f.relative_to(ROOT)): n for f, n in counts.items() if n > HOUSE["files_a_folder"]}
    assert not crowded


def test_every_room_is_a_floor():
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in PACKAGE.rglob("*.py")}
    assert rooms - {"__init__", "__main__"} == set(FLOORS)


def test_every_package_is_installed():
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {m for m, path in FILES.items() if path.name == "__init__.py"}
    assert set(tools["packages"]) == folders | set(tools["package-dir"])


def test_nothing_loads_a_pickle():
    words: Sequence[str] = (
        "import pickle",
        "allow_pickle=True",
        "weights_only=False",
        "joblib.load",
        "read_pickle",
    )
    for path in FILES.values():
        text = path.read_text()
        for word in words:
            assert word not in text, f"{path} has {word}"
