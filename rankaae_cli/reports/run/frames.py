"""Tables behind figures of a report that no other command writes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from rankaae_cli.analysis.encoded import EncodedSplit
    from rankaae_cli.models.rankaae.trained import TrainedModel

_WORST = 6  # as the still picture shows


def styles_table(model: "TrainedModel", reading: "EncodedSplit") -> "pd.DataFrame":
    """Return material, site, and of each descriptor the ensemble's style and the true value."""
    import pandas as pd

    columns: dict[str, Any] = {"material": reading.material_N, "site": reading.site_N}
    for k, name in enumerate(model.descriptor_names):
        columns[f"{name}_style"] = reading.ensemble_styles_NK[:, k]
        columns[f"{name}_true"] = reading.descriptors_NK[:, k]
    return pd.DataFrame(columns)


def examples_table(model: "TrainedModel", reading: "EncodedSplit", worst: bool) -> "pd.DataFrame":
    """Return spectra and their reconstructions, a row an energy.

    The best, the median and the worst one, or, where `worst`, the worst of each of the worst materials.
    """
    import numpy as np
    import pandas as pd

    order = np.argsort(reading.error_N, kind="stable")
    chosen = [("Best: ", order[0]), ("Median: ", order[len(order) // 2]), ("Worst: ", order[-1])]
    if worst:
        _, first = np.unique(reading.material_N[order[::-1]].astype(str), return_index=True)
        chosen = [("", row) for row in order[::-1][np.sort(first)[:_WORST]]]
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "example": f"{title}{reading.material_N[row]}, site {reading.site_N[row]}",
                    "material": reading.material_N[row],
                    "site": reading.site_N[row],
                    "mae": reading.error_N[row],
                    "energy": model.energy_E,
                    "given": reading.spectra_NE[row],
                    "reconstructed": reading.ensemble_spectra_NE[row],
                }
            )
            for title, row in chosen
        ]
    )


def quantiles_table(model: "TrainedModel", reading: "EncodedSplit") -> "pd.DataFrame":
    """Return the selected trial's styles against normal quantiles: ``style``, ``normal_quantile``, ``value``."""
    import pandas as pd

    from rankaae_cli.core.statistics.metrics import normal_quantiles

    parts = []
    for name, style_N in zip(model.style_names, reading.styles_TNS[model.selected_trial].T, strict=True):
        normal_N, value_N = normal_quantiles(style_N)
        parts.append(pd.DataFrame({"style": name, "normal_quantile": normal_N, "value": value_N}))
    return pd.concat(parts)


def coupling_table(coupling: Mapping[str, Any]) -> "pd.DataFrame":
    """Return correlations of styles below the diagonal, of descriptors above it; NaN where neither."""
    import numpy as np
    import pandas as pd

    names = list(coupling["styles"])
    between_SS = np.array(coupling["between_styles"], dtype=float)
    between_KK = np.array(coupling["between_descriptors"], dtype=float)
    value_SS = np.where(np.tri(len(names), k=-1, dtype=bool), between_SS, np.nan)
    upper = np.triu_indices(len(between_KK), 1)
    value_SS[upper] = between_KK[upper]
    table = pd.DataFrame(value_SS, columns=names)
    table.insert(0, "style", names)
    return table


def confusion_table(scores: Mapping[str, Mapping[str, Any]]) -> "pd.DataFrame":
    """Return counts of spectra: ``descriptor``, ``true``, ``read``, ``spectra``."""
    import pandas as pd

    rows = [
        {"descriptor": name, "true": true, "read": read, "spectra": count}
        for name, score in scores.items()
        if score["confusion"] is not None
        for true, counts in zip(score["classes"], score["confusion"], strict=True)
        for read, count in zip(score["classes"], counts, strict=True)
    ]
    return pd.DataFrame(rows, columns=["descriptor", "true", "read", "spectra"])


def differences_table(walks: Mapping[str, "pd.DataFrame"], trials: bool = False) -> "pd.DataFrame":
    """Return the differences of several walks side by side: the mean, or every trial's."""
    import pandas as pd

    energy = next(iter(walks.values()))["energy"]
    columns = {"energy": energy}
    for name, table in walks.items():
        for column in table.columns:
            if column.startswith("difference_trial_") if trials else column == "difference":
                columns[f"{name}_{column}"] = table[column]
    return pd.DataFrame(columns)
