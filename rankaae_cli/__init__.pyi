from rankaae_cli.api.model import Model as Model
from rankaae_cli.api.model import load as load
from rankaae_cli.api.spectra import Family as Family
from rankaae_cli.api.spectra import Spectrum as Spectrum
from rankaae_cli.api.spectra import normalise as normalise
from rankaae_cli.api.spectra import read as read

__version__: str
