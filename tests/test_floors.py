"""The house: imports point down only."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "rankaae_cli"
FLOOR = {
    "cli": 5,
    "commands": 4,
    "schema": 3,
    "reports": 3,
    "training": 2,
    "networks": 2,
    "data": 1,
    "core": 0,
}
# Pairs on one floor do not know each other, except that training stands on networks and the schema on nothing.
ALLOWED_BESIDE = {("training", "networks")}
ONLY_IN = {
    "hydra": {"cli", "commands", "schema"},
    "omegaconf": {"cli", "commands", "schema"},
    "pytorch_lightning": {"training"},
    "h5py": {"data"},
    "pymatgen": {"data"},
    "matplotlib": {"reports"},
    "jinja2": {"reports"},
}
FILES = sorted(p for p in PACKAGE.rglob("*.py") if p.parent != PACKAGE or p.stem in FLOOR)


def imports(path: Path) -> list[tuple[str, int]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            found += [(f"{node.module}.{alias.name}", node.lineno) for alias in node.names]
    return found


def room(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path):
    here = room(path)
    for name, line in imports(path):
        parts = name.split(".")
        if parts[0] == "rankaae_cli" and len(parts) > 1 and parts[1] in FLOOR:
            there = parts[1]
            down = FLOOR[there] < FLOOR[here] or there == here or (here, there) in ALLOWED_BESIDE
            assert down, f"{path}:{line}: {here} imports {name}"
        if parts[0] in ONLY_IN:
            assert here in ONLY_IN[parts[0]], f"{path}:{line}: {here} imports {parts[0]}"


def test_every_file_has_a_floor():
    rooms = {room(p) for p in PACKAGE.rglob("*.py") if "__pycache__" not in p.parts}
    assert rooms - {"__init__", "__main__"} == set(FLOOR)


def test_nothing_loads_a_pickle():
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text()
        for word in (
            "import pickle",
            "allow_pickle=True",
            "weights_only=False",
            "joblib.load",
            "read_pickle",
        ):
            assert word not in text, f"{path} has {word}"
