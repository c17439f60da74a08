"""A scan of a compound that a shipped model knows: what its own decoder says of average styles."""

import numpy as np

from rankaae_cli.analysis.encoded import encode_spectra
from rankaae_cli.analysis.prediction.offset import read_offset
from rankaae_cli.models.registry import load_model
from rankaae_cli.runs.directory import BEST
from rankaae_cli.runs.shipped import OFFSET, find_shipped
from tests.data.measured_scan import xdi_text

NAME = "Cu_oxides"


def shipped_scan():
    """Return XDI text of the scan, on measured energies, and the descriptors that its spectrum is read as."""
    directory = find_shipped(NAME)
    model = load_model(directory / BEST)
    (spectrum_E,) = model.decode(model.style_mean_TS[:, None]).mean(axis=0).astype(float)
    values_K = encode_spectra(model, spectrum_E[None]).ensemble_values_NK[0]
    energy_E = model.energy_E - read_offset(directory / OFFSET).offset
    first, last = energy_E[0], energy_E[-1]
    energy = np.concatenate([np.arange(8830, first, 2.0), energy_E, np.arange(last + 0.5, 9600, 3)])
    mu = np.interp(energy, energy_E, spectrum_E)
    mu = np.where(energy < first, spectrum_E[0] * np.exp((energy - first) / 2), mu)
    mu = np.where(energy > last, 1 + (spectrum_E[-1] - 1) * np.exp((last - energy) / 10), mu)
    fields = ("# Element.symbol: Cu", "# Element.edge: K")
    counts = {"i0": np.full(len(energy), 1e5), "itrans": 1e5 * np.exp(-0.2 - 0.9 * mu)}
    return xdi_text({"energy eV": energy, **counts}, fields), dict(
        zip(model.descriptor_names, values_K, strict=True)
    )
