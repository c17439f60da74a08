"""Structure-spectrum relationships in X-ray absorption spectra by RankAAE."""

import os
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import Any

__version__ = "0.2.0"

# What Python is offered, and where it is: loaded when it is asked for, as what it needs takes seconds.
_OFFERED = {
    **dict.fromkeys(("Model", "load"), "rankaae_cli.api.model"),
    **dict.fromkeys(("Family", "Spectrum", "normalise", "read"), "rankaae_cli.api.spectra"),
}

# Unless MKL is told so before its first product, products depend on where in memory their arrays lie, and a trial
# that is trained by itself ends a little differently from one among others. It takes no longer.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")

_CLONE = Path(__file__).resolve().parent.parent


def __getattr__(name: str) -> Any:
    """Return what of the program's interface for Python has this name; `__init__.pyi` tells type checkers."""
    if name not in _OFFERED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_OFFERED[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_OFFERED})


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
