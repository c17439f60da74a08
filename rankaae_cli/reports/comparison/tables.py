"""Tables of a comparison of codes, and of the soundness of a family."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from rankaae_cli.core.labels import Cell, Ranged
from rankaae_cli.reports.tables import Table

_MOST_ROWS = 50  # of a table on the page
_SCORES = {
    "pearson": "Pearson",
    "spearman": "Spearman",
    "cosine": "Cosine",
    "wasserstein": "Wasserstein",
    "mae": "MAE",
    "spearman_broadened": "Spearman, broadened",
    "published_spearman": "Spearman, published rule",
}


def agreement_table(summaries: Sequence[Mapping[str, Any]], unit: str) -> Table:
    """Return the shifts and scores of each two codes, a row each; `unit` is that of the energies."""
    scores = [key for key in _SCORES if all(key in one for one in summaries)]
    headings = (f"{_SCORES[key]} ({unit})" if key == "wasserstein" else _SCORES[key] for key in scores)
    rows: list[list[Cell]] = []
    for one in summaries:
        error, spread = one["shift_error"], one["shift_spread"]
        shift = (
            "–"
            if one["shift"] is None
            else f"{round(one['shift'], 2) + 0.0:+.2f} ± {error:.2f}".replace("-", "−")
        )
        row: list[Cell] = [
            f"{one['first']} → {one['second']}",
            one["pairs"],
            shift,
            None if spread is None else float(spread),
            one["width"],
        ]
        for key in scores:
            mean, interval = one[key]["mean"], one[key]["interval"]
            row.append(mean if mean is None or interval is None else Ranged(mean, *interval))
        rows.append(row)
    return Table(
        "agreement",
        ("pair", "pairs", "shift", "spread", "width", *scores),
        ("Codes", "Pairs", *(f"{name} ({unit})" for name in ("Shift", "Spread", "Width")), *headings),
        rows,
        "Shift: what is to be added to the first's energies, the median over materials with its standard error (of "
        "one material the jackknife's over blocks of energies); spread: the robust standard deviation among "
        "materials. Width: of the Lorentzian that broadens the first, or where negative the second, until both fit "
        "best. Scores are those of each pair at its own shift, as it is or with the sharper one broadened; MAE is "
        "over the mean absorption, scale and offset fitted. In brackets: 95 % bootstrap intervals over materials.",
    )


def convergence_table(rows: Sequence[Mapping[str, Any]], threshold: float) -> Table:
    """Return how far each setting of a calculation is from the last, a row each."""
    return Table(
        "convergence",
        ("code", "setting", "shift", "distance", "mae", "verdict"),
        ("Code", "Setting", "Shift (eV)", "1 − Spearman", "MAE", "Verdict"),
        [
            [one["code"], one["setting"], one["shift"], one["distance"], one["mae"], one["verdict"]]
            for one in rows
        ],
        f"Each setting against the last of its code, aligned. Converged: from there on 1 − Spearman stays below "
        f"{threshold:g}.",
    )


def soundness_table(about: Mapping[str, Any]) -> Table:
    """Return what a family holds and what was found in it, a row each."""
    points, first, last = about["energies"]
    sides = ", ".join(f"{count} {side}" for side, count in about["split"].items())
    rows: list[list[Cell]] = [
        ["spectra, materials", f"{about['spectra']}, {about['materials']}"],
        ["sides of the split", sides],
        ["energies", f"{points} from {first:g} to {last:g} {about['energy_unit']}"],
        ["fidelity, normalisation", f"{about['fidelity']}, {about['normalisation']}"],
        ["pairs of nearly the same spectra, of different materials", str(about["near_duplicates"])],
        ["of these, with one side training and the other not", str(about["across"])],
        [
            "further pairs once moved and scaled, and of these across",
            f"{about['moved']}, {about['moved_across']}",
        ],
        ["outliers", str(about["outliers"])],
        ["spectra that are not sound, that are doubted", f"{about['unsound']}, {about['doubtful']}"],
        ["materials without any label", str(about["without_labels"])],
    ]
    return Table(
        "soundness",
        ("what", "value"),
        ("What", "Value"),
        rows,
        f"Nearly the same: a root mean square difference below {about['threshold']:.0%} of the spectra's deviation "
        "from their mean, of different materials; once moved by up to 5 eV, scaled and smoothed, below "
        f"{about['moved_threshold']:.0%}. Outliers: further from their fifth nearest spectrum than four "
        "robust deviations of the logarithm of that distance.",
    )


def frame_table(name: str, frame: pd.DataFrame, caption: str) -> Table:
    """Return the first rows of a table as it is shown on a page."""
    shown = frame.head(_MOST_ROWS)
    rows = [[_cell(value) for value in row] for row in shown.itertuples(index=False)]
    more = ""
    if len(frame) > _MOST_ROWS:
        more = f" The first {_MOST_ROWS} of {len(frame)} rows; the file has them all."
    headings = [str(column).replace("_", " ").capitalize() for column in frame]
    return Table(name, [str(column) for column in frame], headings, rows, caption + more)


def _cell(value: Any) -> Cell:
    if isinstance(value, str | bool) or type(value).__name__ in ("bool", "bool_"):
        return {"True": "yes", "False": "no"}.get(str(value), str(value))
    return None if pd.isna(value) else (int(value) if float(value).is_integer() else float(value))
