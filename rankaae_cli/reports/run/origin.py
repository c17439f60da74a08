"""Where a run's numbers come from: its data, what was left out of them, and the commands that repeat it."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rankaae_cli.core.calls import setting
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.rejections import rejected_reasons
from rankaae_cli.data.structures.label_list import reasons_listed
from rankaae_cli.models.base import Trained

_REASONS_AT_MOST = 12


def rejected_sites(data: Sequence[Path]) -> dict[str, Any]:
    """Return which sites are not in data files and why, by the lists that `rankaae ingest` left.

    Returns
    -------
    dict
        ``file``, the names of the lists; ``sites``, how many, None where there is no such list; ``reasons``, pairs
        of a reason and how many sites it left out, the commonest first, perhaps not all.
    """
    paths = rejected_lists(data)
    names = ", ".join(path.name for path in paths)
    reasons = reasons_left_out(paths)
    if reasons is None:
        return {"file": names, "sites": None, "reasons": []}
    kinds = Counter(map(_kind, reasons))
    return {"file": names, "sites": kinds.total(), "reasons": kinds.most_common(_REASONS_AT_MOST)}


def rejected_lists(data: Sequence[Path]) -> list[Path]:
    """Return where `rankaae ingest` leaves the lists of rejected sites of data files."""
    return [path.with_name(f"{path.name}.rejected.csv") for path in data]


def reasons_left_out(lists: Sequence[Path]) -> list[str] | None:
    """Return why each site was rejected, over some lists; None where one is gone or damaged: no total is known."""
    try:
        return [reason for path in lists for reason in rejected_reasons(path)]
    except (OSError, ValueError):
        return None


def facts(
    model: Trained, family: Family, provenance: Mapping[str, Any], config: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Return pairs of a name and its value: data, grid, seeds, times, machine and program."""
    unit = "" if model.energy_unit == "index" else f" {model.energy_unit}"
    start, end = model.energy_E[0], model.energy_E[-1]
    git = provenance.get("git") or {}
    commit = (
        f"{git['commit']}{', with uncommitted changes' if git.get('dirty') else ''}"
        if git.get("commit")
        else ""
    )
    source = "synthetic, from a generator with known rules" if model.is_synthetic else model.source
    made = f"made by rankaae ingest {family.rankaae_version}" if family.rankaae_version else ""
    if made and family.created:
        made += f", {family.created[:19].replace('T', ' ')}"
    listed = [("Source", f"{source}; {made}" if made else source), ("Fidelity", model.fidelity)]
    if begun := provenance.get("start"):
        listed += [("Began from", f"{text(begun.get('run'))}, of fidelity {text(begun.get('fidelity'))}")]
    for entry in provenance.get("data") or []:
        listed += [("Data file", text(entry.get("path"))), ("SHA-256", text(entry.get("sha256")))]
        if reasons := reasons_listed(Path(text(entry.get("path")))):
            counts = Counter(reasons).most_common()
            listed += [("Sites by reason of the OS label", ", ".join(f"{why} {n}" for why, n in counts))]
    return [
        *listed,
        ("Energy grid", f"{len(model.energy_E)} points, {start:g} to {end:g}{unit}"),
        ("Normalisation", model.normalisation.replace("_", " ")),
        ("Split by", family.split_by.replace("_", " ")),
        ("Split seed, training seed", f"{config.get('split_seed', '–')}, {config.get('seed', '–')}"),
        ("Started, finished", f"{_time(provenance, 'started')}, {_time(provenance, 'finished')}"),
        ("Training time", f"{float(provenance.get('wall_s') or 0):,.0f} s"),
        ("Device, host", f"{text(provenance.get('device'))}, {text(provenance.get('host'))}"),
        ("rankaae", f"{text(provenance.get('rankaae_version'))}{f', commit {commit}' if commit else ''}"),
    ]


def commands(
    run_directory: Path,
    metrics: Mapping[str, Any],
    traversal: Mapping[str, Any] | None,
    compared: Mapping[str, Any] | None,
) -> list[tuple[str, str]]:
    """Return pairs of what is repeated and the command that does it, with the settings it was run with."""
    run = setting("run", _shown(run_directory))
    evaluate = f"rankaae evaluate {run}"
    evaluate += "".join(f" {key}={metrics[key]}" for key in ("split", "resamples", "seed") if key in metrics)
    if compared is not None:
        names = [row["name"] for row in compared["rows"] if row["kind"] == "baseline"]
        evaluate += " " + setting("baselines", names)
    lines = [("The numbers of the test split", evaluate)]
    if traversal is not None:
        keys = ("levels", "draws", "seed", "others", "check_rows")
        traverse = f"rankaae traverse {run}" + "".join(f" {k}={traversal[k]}" for k in keys if k in traversal)
        lines.append(("The responses to the styles", traverse))
    return [*lines, ("This page", f"rankaae report {run}")]


def text(value: Any) -> str:
    """Return a value of provenance.json as text; nothing where it is not there."""
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return "" if value is None else str(value)


def _shown(run_directory: Path) -> str:
    """Return a run's path from its ``runs`` or ``multirun`` folder on, as users write it; else the whole."""
    parts = run_directory.parts
    for root in ("runs", "multirun"):
        if root in parts:
            last = len(parts) - 1 - parts[::-1].index(root)
            return str(Path(*parts[last:]))
    return str(run_directory)


def _kind(reason: str) -> str:
    """Return a reason without what differs from site to site, so that equal ones can be counted."""
    plain = re.sub(r"^first shell is (?!empty).*?, not", "first shell is not", reason)
    plain = re.sub(r"(?<!\w)(['\"]).*?\1(?!\w)", "…", plain)
    if plain.startswith("coordination number"):
        return plain
    return re.sub(r"(?<![\w.])-?\d+(\.\d+)?(e[+-]?\d+)?(?![\w])", "…", plain)


def _time(provenance: Mapping[str, Any], key: str) -> str:
    """Return a time of ISO 8601 to the second."""
    written = text(provenance.get(key))
    return written[:19].replace("T", " ") + (" UTC" if written.endswith("+00:00") else "")
