"""XDI, the XAS Data Interchange format, versions 1.0 and 1.1.

After the specification (github.com/XraySpectroscopy/XAS-Data-Interchange, specification/spec.md and dictionary.md):
a version line, `# Namespace.tag: value` fields, `# ///`, comments, `# ---`, labels, rows of numbers.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.absorber import edge_name, element_name, is_said, tabulated_edge
from rankaae_cli.data.measured.absorption import absorption
from rankaae_cli.data.measured.columns import (
    ColumnChoice,
    abscissa_index,
    canonical,
    choosing,
    is_channel,
    labelled,
)
from rankaae_cli.data.measured.energy import energies, settled_unit
from rankaae_cli.data.measured.spectrum import MeasuredSpectrum, ordered

_VERSION = re.compile(r"#\s*XDI/(\d+)\.(\d+)")
_FIELD = re.compile(r"#\s*([A-Za-z][\w-]*\.[\w-]+)\s*:\s*(.*)")
_END_OF_FIELDS, _END_OF_HEADER = re.compile(r"#\s*/{3,}"), re.compile(r"#\s*-{3,}")
# Steps of a motor need constants that no field defines; pixels need a dispersion.
_NO_ENERGY = ("step", "pixel")


def is_xdi(text: str) -> bool:
    """Tell whether a text is XDI, by its first line."""
    return bool(_VERSION.match(text.lstrip("\ufeff")))


def parse_xdi(text: str, path: Path, choice: ColumnChoice | None = None) -> MeasuredSpectrum:
    """Parse the text of an XDI file.

    Files often stray from the specification: fields without a colon's space, units that EPICS names
    (``|| 13BMA:E``), no `# ---`. What can be understood is.

    Parameters
    ----------
    text
        The whole file.
    path
        Where it comes from; its name without the ending names the spectrum.
    choice
        Columns to take instead of those the labels tell.

    Raises
    ------
    SpectrumError
        With the reason, if it holds no usable spectrum.
    """
    choice = choice or ColumnChoice()
    metadata, labels, rows = _sections(text)
    table_MC = numeric_rows(rows)
    names, units = _names(metadata, labels, table_MC.shape[1])
    columns, summed = labelled(names, table_MC, choice)
    used = abscissa_index(names, choice)
    element = element_name(metadata.get("element.symbol", ""))
    edge = edge_name(metadata.get("element.edge", ""))
    unit = units[used] or ("degrees" if canonical(names[used]) == "angle" else "")
    if not choice.unit and unit.lower().startswith(_NO_ENERGY):
        raise SpectrumError(
            f"the scan is in {unit}, which no field turns into energies; expected eV, keV or degrees"
        )
    unit = choice.unit or settled_unit(unit, table_MC[:, used], element, edge)
    energy_M, note = energies(
        table_MC[:, used], unit, choice.d_spacing or _number(metadata.get("mono.d_spacing"))
    )
    made = absorption(columns, choice, energy_M, tabulated_edge(element, edge))
    says_none = any(
        value and not is_said(value)
        for value in (metadata.get("sample.reference"), metadata.get("element.reference"))
    )
    return ordered(
        MeasuredSpectrum(
            name=path.name.removesuffix(path.suffix),
            path=path,
            element=element,
            edge=edge,
            energy_M=energy_M[made.kept],
            mu_M=made.mu_M,
            # Some files fill the column although there was no reference, and say so.
            reference_M=None if says_none else made.reference_M,
            is_normalised=made.is_normalised,
            metadata=metadata,
            columns_used=made.columns_used,
            notes=tuple(n for n in (note, summed, *made.notes) if n),
            doubts=made.doubts,
        )
    )


def numeric_rows(rows: Sequence[tuple[int, Sequence[str]]]) -> np.ndarray:
    """Return rows of text fields as numbers, shape (M, C).

    Parameters
    ----------
    rows
        Line number and fields of each.

    Raises
    ------
    SpectrumError
        If there are none, they are of different lengths, or a field is no number. Words after the last row are
        passed over.
    """
    while len(rows) > 1 and not _begins_like_number(rows[-1][1][0]):
        rows = rows[:-1]  # words after the last row
    if not rows:
        raise SpectrumError("there are no rows of numbers")
    count = len(rows[0][1])
    for line, fields in rows:
        if len(fields) != count:
            raise SpectrumError(
                f"line {line} has {len(fields)} columns, the first row has {count}: was it cut short? take the "
                "line out, or save the file again"
            )
    try:
        return np.array([fields for _, fields in rows], dtype=np.float64)
    except ValueError:
        return np.array([[_float(field, line) for field in fields] for line, fields in rows])


def _begins_like_number(field: str) -> bool:
    return bool(re.match(r"[+-]?(\d|\.\d|nan|inf)", field, re.IGNORECASE))


def _float(field: str, line: int) -> float:
    try:
        return float(re.sub(r"(?<=[\d.])[dD](?=[+-]?\d)", "e", field))
    except ValueError:
        raise SpectrumError(f"line {line} holds {field[:20]!r} where a number is expected") from None


def _sections(text: str) -> tuple[dict[str, str], list[str], list[tuple[int, list[str]]]]:
    """Return the fields by lower-case name, the labels of the columns, and the rows of numbers."""
    metadata: dict[str, str] = {}
    labels: list[str] = []
    rows = []
    in_fields, last_comment = True, ""
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        line = line.strip()
        if not line:
            continue
        if not line.startswith("#"):
            rows.append((number, line.replace(",", " ").split()))
            continue
        if _END_OF_FIELDS.match(line) or _END_OF_HEADER.match(line):
            in_fields = False
        elif in_fields and (field := _FIELD.match(line)):
            metadata[field[1].lower()] = field[2].strip()
        if not rows and not _END_OF_HEADER.match(line):
            last_comment = line.lstrip("#")
    if rows:
        words = last_comment.split()
        labels = words if len(words) == len(rows[0][1]) else []
    return metadata, labels, rows


def _names(metadata: dict[str, str], labels: list[str], count: int) -> tuple[list[str], list[str]]:
    """Return names and units of columns, empty where unknown; fields Column.N go before the line of labels."""
    names, units = (list(labels) or [""] * count), [""] * count
    for key, value in metadata.items():
        number = key.removeprefix("column.")
        if key.startswith("column.") and number.isdigit() and 1 <= int(number) <= count:
            words = value.split("||")[0].split()
            if len(words) > 1 and is_channel(f"{words[0]}_{words[1]}"):
                words[:2] = [f"{words[0]}_{words[1]}"]
            names[int(number) - 1] = words[0] if words else ""
            units[int(number) - 1] = words[-1].strip("()[]") if len(words) > 1 else ""
    if not any(names):
        raise SpectrumError(
            "no Column.N field and no line of labels names the columns: choose them, such as by "
            f"{choosing(energy=1, i0=2, itrans=3)}"
        )
    return names, units


def _number(text: str | None) -> float | None:
    match = re.match(r"\s*([\d.]+)", text or "")
    try:
        return float(match[1]) if match else None
    except ValueError:
        return None
