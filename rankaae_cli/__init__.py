"""Structure-spectrum relationships in X-ray absorption spectra by RankAAE."""

import sys
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path

__version__ = "0.2.0"

_CLONE = Path(__file__).resolve().parent.parent


class _DataOfClone:
    """Finds ``conf`` and ``data_samples`` where they lie in a clone: beside this package, not in it."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return where one of the two packages is; None for any other name."""
        package, _, folder = name.partition(".")
        if package != __name__ or folder not in ("conf", "data_samples"):
            return None
        return spec_from_file_location(name, _CLONE / folder / "__init__.py")


if (_CLONE / "pyproject.toml").is_file():
    sys.meta_path.append(_DataOfClone)
