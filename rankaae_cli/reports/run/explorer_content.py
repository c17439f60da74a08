"""The explorer of a run's page, gathered from the trained model and the spectra it was not trained on."""

from typing import TYPE_CHECKING, Any

import numpy as np

from rankaae_cli.data.family.splits import SPLITS

if TYPE_CHECKING:
    from rankaae_cli.data.family.family_file import Family
    from rankaae_cli.models.rankaae.trained import TrainedModel
    from rankaae_cli.reports.run.explorer import Explorer, RealSpectra, Style

_RANGE = (0.01, 0.99)  # quantiles of a style over the training rows, between which its slider runs
_SPLIT = "test"


def explorer_of(model: "TrainedModel", family: "Family") -> "Explorer":
    """Return the explorer of the selected trial, with spectra of the test split to start from."""
    from rankaae_cli.models.rankaae.export import decoder_layers, encoder_layers
    from rankaae_cli.reports.run.explorer import Explorer, most_spectra
    from rankaae_cli.schema.ingest import IngestConfig

    t = model.selected_trial
    calibration = _calibration(model)
    encoder, decoder = encoder_layers(model.autoencoder, t), decoder_layers(model.autoencoder, t)
    return Explorer(
        subject=model.subject,
        trial=t,
        energy_E=model.energy_E,
        styles=_styles(model, family, calibration.get("descriptors") or {}),
        encoder=encoder,
        decoder=decoder,
        novelty=calibration.get("novelty"),
        real=_real_spectra(family, most_spectra([*encoder, *decoder], len(model.energy_E))),
        # What `rankaae ingest` allows by default; the family file does not keep what it was made with.
        max_tail=IngestConfig().max_tail,
    )


def _calibration(model: "TrainedModel") -> dict[str, Any]:
    """Return the selected trial's calibration; empty where the model was saved before it was fitted."""
    trials = model.calibration.get("trials") or []
    return trials[model.selected_trial] or {} if trials else {}


def _styles(model: "TrainedModel", family: "Family", calibrations: dict[str, Any]) -> list["Style"]:
    from rankaae_cli.core.labels import descriptor_meaning, style_title
    from rankaae_cli.reports.run.explorer import Style

    t = model.selected_trial
    styles_NS = model.encode(family.spectra_NE[family.split_N == SPLITS.index("train")])[t]
    low_S, high_S = np.quantile(styles_NS.astype(np.float64), _RANGE, axis=0)
    units = dict(zip(model.descriptor_names, model.descriptor_units, strict=True))
    return [
        Style(
            name=name,
            title=name if name in units else style_title(name),
            meaning=descriptor_meaning(name) if name in units else "tied to no descriptor",
            unit=units.get(name, ""),
            low=float(low_S[s]),
            high=float(high_S[s]),
            mean=float(model.style_mean_TS[t, s]),
            std=float(model.style_std_TS[t, s]),
            named=name in units,
            calibration=calibrations.get(name),
        )
        for s, name in enumerate(model.style_names)
    ]


def _real_spectra(family: "Family", most: int) -> "RealSpectra":
    from rankaae_cli.reports.run.explorer import RealSpectra, evenly_chosen

    of_split = np.flatnonzero(family.split_N == SPLITS.index(_SPLIT))
    rows = of_split[evenly_chosen(len(of_split), most)]
    return RealSpectra(
        split=_SPLIT,
        available=len(of_split),
        spectra_NE=family.spectra_NE[rows],
        descriptors_NK=family.descriptors_NK[rows],
        material_N=family.material_N[rows],
        site_N=family.site_N[rows],
    )
