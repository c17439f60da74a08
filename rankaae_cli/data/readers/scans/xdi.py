"""XDI, the XAS Data Interchange format, versions 1.0 and 1.1.

After the specification (github.com/XraySpectroscopy/XAS-Data-Interchange, specification/spec.md and dictionary.md):
a version line, `# Namespace.tag: value` fields, `# ///`, comments, `# ---`, labels, rows of numbers.
"""

import re
from collections.abc import Iterator

from rankaae_cli.data.measured.absorber import edge_name, element_name, fluorescence_columns
from rankaae_cli.data.measured.columns import ColumnChoice, is_channel
from rankaae_cli.data.readers.scans.raw_scan import Contents, RawScan, leading_number, numeric_rows

_VERSION = re.compile(r"#\s*XDI/(\d+)\.(\d+)")
_FIELD = re.compile(r"#\s*([A-Za-z][\w-]*\.[\w-]+)\s*:\s*(.*)")
_END_OF_FIELDS, _END_OF_HEADER = re.compile(r"#\s*/{3,}"), re.compile(r"#\s*-{3,}")


def is_xdi(contents: Contents) -> bool:
    """Tell whether a text is XDI, by its first line."""
    return bool(_VERSION.match(contents.text.lstrip("\ufeff")))


def read_xdi(contents: Contents, choice: ColumnChoice | None = None) -> Iterator[RawScan]:
    """Read the scan of an XDI file.

    Files often stray from the specification: fields without a colon's space, units that EPICS names
    (``|| 13BMA:E``), no `# ---`. What can be understood is.

    Raises
    ------
    SpectrumError
        With the reason, if it holds no rows of numbers.
    """
    metadata, labels, rows = _sections(contents.text)
    table_MC = numeric_rows(rows)
    element = element_name(metadata.get("element.symbol", ""))
    edge = edge_name(metadata.get("element.edge", ""))
    names, units = _names(metadata, labels, table_MC.shape[1], element, edge)
    yield RawScan(
        name=contents.name,
        path=contents.path,
        columns=list(table_MC.T),
        names=names,
        units=units,
        element=element,
        edge=edge,
        d_spacing=leading_number(metadata.get("mono.d_spacing")),
        metadata=metadata,
    )


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


def _names(
    metadata: dict[str, str], labels: list[str], count: int, element: str | None, edge: str | None
) -> tuple[list[str], list[str]]:
    """Return names and units of columns, empty where unknown; fields Column.N go before the line of labels."""
    names, units = (list(labels) or [""] * count), [""] * count
    for key, value in metadata.items():
        number = key.removeprefix("column.")
        if key.startswith("column.") and number.isdigit() and 1 <= int(number) <= count:
            words = value.split("||")[0].split()
            pair = "_".join(words[:2])
            # Fe Ka counts; of FeKa counts the second word is the unit.
            is_line = fluorescence_columns([pair], element, edge) and not fluorescence_columns(
                words[:1], element, edge
            )
            if len(words) > 1 and (is_line or is_channel(pair)):
                words[:2] = [pair]
            names[int(number) - 1] = words[0] if words else ""
            units[int(number) - 1] = words[-1].strip("()[]") if len(words) > 1 else ""
    return names, units
