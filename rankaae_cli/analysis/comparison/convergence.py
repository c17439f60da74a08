"""Whether a calculation at growing settings has converged: each setting against the last."""

from pathlib import Path

import pandas as pd

from rankaae_cli.analysis.comparison.collection import Collection, Spectra
from rankaae_cli.analysis.comparison.pairs import ComparisonOptions, compare
from rankaae_cli.core.errors import UserError
from rankaae_cli.data.readers.computed.codes.folder import by_setting

# 10^-2.5 of 1 - Spearman's rank correlation: spectra that differ by more can be told apart by eye.
THRESHOLD = 0.003
_FEWEST = 2


def compare_settings(folder: Path, options: ComparisonOptions) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Compare the spectra of each setting of a calculation with those of its last setting.

    Returns
    -------
    table
        A row a code and setting, in order: ``code``, ``order``, ``setting``, ``shift`` (eV), ``distance``
        (1 - Spearman), ``mae``, ``verdict`` (``converged`` from the first setting on after which none is further
        from the last than `THRESHOLD`; ``not converged``; ``reference``, the last).
    faults
        Files that could not be read, and why.

    Raises
    ------
    UserError
        If no code has two settings.
    """
    settings, faults = by_setting(folder)
    rows = []
    for code, spectra in settings.items():
        if len(spectra) < _FEWEST:
            continue
        collections = [
            Collection(setting, [Spectra(one.energy_M, one.absorption_M[None], [""], [0])])
            for setting, one in spectra.items()
        ]
        distances = []
        for order, own in enumerate(collections[:-1]):
            row = compare(own, collections[-1], options).table.iloc[0]
            distances.append(1 - row["spearman"])
            rows.append((code, order, own.name, row["shift"], distances[-1], row["mae"], ""))
        rows.append((code, len(distances), collections[-1].name, 0.0, 0.0, 0.0, "reference"))
        converged = len(distances)
        while converged and distances[converged - 1] <= THRESHOLD:
            converged -= 1
        for order in range(len(distances)):
            verdict = "converged" if order >= converged else "not converged"
            rows[-1 - len(distances) + order] = (*rows[-1 - len(distances) + order][:-1], verdict)
    if not rows:
        raise UserError(
            f"{folder} holds no code at two settings\nexpected a folder for each, such as Spectra-4-4-3 and "
            "Spectra-8-8-6"
        )
    columns = ["code", "order", "setting", "shift", "distance", "mae", "verdict"]
    return pd.DataFrame(rows, columns=columns), faults
