"""Structure-spectrum relationships in X-ray absorption spectra by RankAAE."""

from pathlib import Path

__version__ = "0.1.0"

# In a clone that is not installed, conf/ and data_samples/ lie beside this package, not in it.
_clone = Path(__file__).resolve().parent.parent
if (_clone / "conf" / "__init__.py").exists() and (_clone / "pyproject.toml").exists():
    __path__.append(str(_clone))
