"""The oxidation states of a family's sites as a table with their reasons, and how they agree with bond lengths."""

import csv
import io
from collections import Counter
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from rankaae_cli.core.structure.oxidation_states import REASONS
from rankaae_cli.data.family.family import Family

_COLUMNS = ("material", "site", "descriptor", "label", "bond_valence_sum", "reason")
_LABEL, _SUM = "OS", "BVS"
_NEAR = 0.5  # valence units


def labels_csv(family: Family) -> str:
    """Return the text of the table of labels, a row a site; nothing where none were computed.

    Its columns are material, site, descriptor, label (empty where not known), bond_valence_sum (of
    `rankaae_cli.core.structure.quantities.bond_valence_sum`, empty likewise) and reason, of
    `rankaae_cli.core.structure.oxidation_states.REASONS`.
    """
    if not _has_reasons(family):
        return ""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(_COLUMNS)
    sites = zip(family.material_N, family.site_N.tolist(), strict=True)
    values = zip(_values(family, _LABEL), _values(family, _SUM), _reasons(family), strict=True)
    for (material, site), (label, valence_sum, reason) in zip(sites, values, strict=True):
        lines.writerow((material, site, _LABEL, _shown(label), _shown(valence_sum), reason))
    return text.getvalue()


def labels_path(data: Path) -> Path:
    """Return where `rankaae ingest` leaves the table of labels of a data file."""
    return data.with_name(f"{data.name}.labels.csv")


def reasons_listed(data: Path) -> list[str] | None:
    """Return the reasons in the table of labels beside a data file, a row a site; None where there is none."""
    try:
        with labels_path(data).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return [str(row["reason"]) for row in rows] or None
    except (OSError, ValueError, KeyError, csv.Error):
        return None


def label_lines(family: Family) -> list[str]:
    """Return, line by line, how many labels have which reason, and how they agree with bond-valence sums."""
    if not _has_reasons(family) or not len(family):
        return []
    label_N, sum_N = _values(family, _LABEL), _values(family, _SUM)
    reasons = np.array(_reasons(family), dtype=object)
    lines = [
        f"  {_LABEL} {what}  "
        + ", ".join(f"{reason} {count}" for reason, count in Counter(chosen).most_common())
        for what, chosen in (
            ("known by", reasons[np.isfinite(label_N)]),
            ("not known for", reasons[np.isnan(label_N)]),
        )
        if len(chosen)
    ]
    both = np.isfinite(label_N) & np.isfinite(sum_N)
    if both.any():
        near = (np.abs(label_N - sum_N)[both] < _NEAR).mean()
        varied = min(np.ptp(label_N[both]), np.ptp(sum_N[both])) > 0
        rho = f", Spearman {spearmanr(label_N[both], sum_N[both])[0]:.2f}" if varied else ""
        lines.append(
            f"  {_LABEL} and bond-valence sum  {near:.0%} of {both.sum()} differ by less than {_NEAR:g}{rho}"
        )
    return lines


def _has_reasons(family: Family) -> bool:
    """Tell whether oxidation states of the family's sites were just computed."""
    return family.oxidation_reason_N is not None and _LABEL in family.descriptor_names


def _values(family: Family, name: str) -> np.ndarray:
    """Return a descriptor or quantity of all N rows, NaN where there is none of this name."""
    if name in family.descriptor_names:
        return family.descriptors_NK[:, family.descriptor_names.index(name)]
    if name in family.quantity_names:
        return family.quantities_NQ[:, family.quantity_names.index(name)]
    return np.full(len(family), np.nan)


def _reasons(family: Family) -> list[str]:
    assert family.oxidation_reason_N is not None
    return [REASONS[i] for i in family.oxidation_reason_N]


def _shown(value: float) -> str:
    return "" if np.isnan(value) else f"{value:g}"
