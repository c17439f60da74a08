"""The synthetic families that ship with the program: making them, and finding them.

``python -m rankaae_cli.data.family.samples [FOLDER]`` makes all of them, by default in the folder that ships.
"""

import sys
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.structure.synthetic_elements import ELEMENTS
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import write_family
from rankaae_cli.data.family.sites import family_spec
from rankaae_cli.data.family.synthetic import synthetic_family

SAMPLE_SPECTRA = 800
SAMPLE_SEED = 0


def sample_path(family_name: str) -> Path | None:
    """Return the shipped sample of a family, or None where there is none."""
    path = _folder() / f"{family_name}.h5"
    return path if path.is_file() else None


def sample_families() -> list[str]:
    """Return the names of the families that have a sample, in the order of their elements."""
    files = (resources.files("rankaae_cli.conf") / "family").iterdir()
    configurations = [_configuration(f.name.removesuffix(".yaml")) for f in files if f.name.endswith(".yaml")]
    elements = list(ELEMENTS)
    known = [c for c in configurations if c["element"] in elements]
    return [str(c["name"]) for c in sorted(known, key=lambda c: (elements.index(c["element"]), c["name"]))]


def sample_family(name: str) -> Family:
    """Make the sample of the family `name`, as its configuration describes it."""
    spec = family_spec(_configuration(name))
    return synthetic_family(
        name=spec.name,
        element=spec.element,
        edge=spec.edge,
        energy_E=spec.energy_E,
        descriptor_names=spec.descriptor_names,
        spectra=SAMPLE_SPECTRA,
        seed=SAMPLE_SEED,
    )


def write_samples(folder: str | Path) -> list[Path]:
    """Write the sample of every family to `folder`; the bytes are the same every time."""
    return [write_family(Path(folder) / f"{name}.h5", sample_family(name)) for name in sample_families()]


def _folder() -> Path:
    return Path(str(resources.files("rankaae_cli.data_samples")))


def _configuration(family_name: str) -> dict[str, Any]:
    file = resources.files("rankaae_cli.conf") / "family" / f"{family_name}.yaml"
    configuration: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return configuration


def main(arguments: list[str]) -> int:
    """Write the samples to the folder that `arguments` name, else to the one that ships; return 0 or 2."""
    if len(arguments) > 1:
        print("usage: python -m rankaae_cli.data.family.samples [FOLDER]", file=sys.stderr)
        return 2
    try:
        for path in write_samples(arguments[0] if arguments else _folder()):
            print(f"{path}  {path.stat().st_size:,} bytes")
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
