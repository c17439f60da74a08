"""Athena's project files (.prj): Perl arrays or JSON, compressed by gzip or not.

After Demeter's writer (Demeter::Data::Athena, Data::Dumper with Indent 0) and Larch's reader
(larch/io/athena_project.py). Nothing is evaluated: the Perl literals are read token by token.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.absorber import edge_name, element_name
from rankaae_cli.data.measured.columns import ColumnChoice
from rankaae_cli.data.readers.scans.raw_scan import Contents, Fault, RawScan

_MARK = "Athena project file"
_COMMENTS = re.compile(r"(?:\s*#.*\n?)*")
_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<single>'(?:[^'\\]|\\.)*')|(?P<double>"(?:[^"\\]|\\.)*")"""
    r"""|(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<word>[A-Za-z_]\w*)"""
    r"""|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<comma>,|=>)|(?P<end>;)""",
    re.DOTALL,
)
_STATEMENT = re.compile(r"^[$@%](\w+)\s*=\s*|^\[record\]", re.MULTILINE)
_ARRAYS = frozenset({"x", "y", "i0", "signal", "stddev"})
_DEEPEST = 50
# What a record may be that is no absorption over energy.
_OTHER_KINDS = {
    "is_chi": "chi(k)",
    "is_rsp": "chi(R)",
    "is_qsp": "chi(q)",
    "is_diff": "a difference of spectra",
    "is_bkg": "a background",
    "is_pixel": "a dispersive scan in pixels",
}
_NULL = "@&^^null^^&@"
# Athena's own name of the record that it makes of the reference channel: "Ref " and the sample's label.
_REFERENCE_LABEL = re.compile(r"\s*ref(erence)?\b", re.IGNORECASE)
_FOIL_LABEL = re.compile(r".*\bfoil\b", re.IGNORECASE)


def is_athena(contents: Contents) -> bool:
    """Tell whether a text is an Athena project, by the line that says so."""
    text = contents.text.lstrip()
    comments = _COMMENTS.match(text)
    # In JSON the line may be anywhere: its order is of no meaning.
    return _MARK in (text if text.startswith("{") or comments is None else comments[0])


def read_athena(contents: Contents, choice: ColumnChoice | None = None) -> Iterator[RawScan | Fault]:
    """Read the records of mu(E) of an Athena project file, named by their labels, and name those that are none.

    Energies have the record's energy shift added, as Athena shows them. The mu of the record that it names as its
    reference, if over the same energies, is that of the reference. Athena ties a scan and its reference both ways:
    of two records that name each other the one labelled "Ref ..." or as a foil is the reference; where the labels
    do not tell, neither is, which a note says.

    Raises
    ------
    SpectrumError
        If the project cannot be read at all.
    """
    text = contents.text
    records = _json_records(text) if text.lstrip().startswith("{") else _perl_records(text)
    if not records:
        raise SpectrumError("the Athena project holds no record")
    for key, record in records.items():
        label = _label(key, record)
        try:
            yield _raw_scan(key, label, contents.path, records)
        except SpectrumError as error:
            yield Fault(label, str(error))


def _label(key: str, record: Mapping[str, Any]) -> str:
    return str(record["args"].get("label") or key).strip()


def _raw_scan(key: str, label: str, path: Path, records: Mapping[str, Mapping[str, Any]]) -> RawScan:
    record, args = records[key], records[key]["args"]
    for flag, kind in _OTHER_KINDS.items():
        if _number(args.get(flag)):
            raise SpectrumError(f"the record is {kind}, not mu(E)")
    if args.get("datatype") == "chi":
        raise SpectrumError("the record is chi(k), not mu(E)")
    energy_M, mu_M = _array(record, "x"), _array(record, "y")
    if len(energy_M) != len(mu_M):
        raise SpectrumError(f"@x has {len(energy_M)} values, @y {len(mu_M)}")
    shift = _number(args.get("bkg_eshift"))
    notes = [f"Athena's energy shift of {shift:+.3f} eV was applied"] if shift else []
    foil, note = _foil(key, records)
    reference_M = None if foil is None else _tied(foil, energy_M, shift)
    if note:
        notes.append(note)
    metadata = _metadata(args) | ({} if reference_M is None or foil is None else _foil_metadata(foil))
    columns = [energy_M + shift, mu_M]
    return RawScan(
        name=label,
        path=path,
        columns=columns if reference_M is None else [*columns, reference_M],
        record=label,
        element=_element(args),
        edge=_edge(args),
        absorption="mu (Athena record)",
        is_normalised=bool(_number(args.get("is_nor"))) or args.get("datatype") == "norm",
        is_computed=bool(_number(args.get("is_xmudat"))),
        metadata=metadata,
        notes=tuple(notes),
    )


def _array(record: Mapping[str, Any], name: str) -> np.ndarray:
    if name not in record:
        raise SpectrumError(f"the record has no @{name}")
    try:
        return np.array(record[name], dtype=np.float64).reshape(-1)
    except (ValueError, TypeError, OverflowError):
        raise SpectrumError(f"@{name} holds something else than numbers") from None


def _element(args: Mapping[str, Any]) -> str | None:
    # Hydrogen is what Athena writes while it knows no element.
    element = element_name(_text(args, "bkg_z") or _text(args, "atsym"))
    return None if element == "H" else element


def _edge(args: Mapping[str, Any]) -> str | None:
    return edge_name(_text(args, "fft_edge") or _text(args, "edge"))


def _foil(key: str, records: Mapping[str, Mapping[str, Any]]) -> tuple[Mapping[str, Any] | None, str]:
    """Return the record that is the energy reference of another, and a note where that cannot be told."""
    other = _named_reference(key, records)
    if other is None or other == key:
        return None, ""
    labels = [_label(k, records[k]) for k in (key, other)]
    is_foil, other_is_foil = (bool(_REFERENCE_LABEL.match(label)) for label in labels)
    if is_foil == other_is_foil:
        is_foil, other_is_foil = (bool(_FOIL_LABEL.match(label)) for label in labels)
    if is_foil and not other_is_foil:
        return None, ""
    if _named_reference(other, records) == key and is_foil == other_is_foil:
        return None, (
            f"not calibrated: this record and {_label(other, records[other])!r} are each the other's reference, "
            'and no label, such as "Ref ...", says which is the foil'
        )
    return {**records[other], "label": _label(other, records[other])}, ""


def _named_reference(key: str, records: Mapping[str, Mapping[str, Any]]) -> str | None:
    args = records[key]["args"]
    other = _text(args, "referencegroup") or _text(args, "reference")
    return other if other in records else None


def _tied(foil: Mapping[str, Any], energy_M: np.ndarray, shift: float) -> np.ndarray | None:
    """Return the absorption of a reference if it is of the scan over these energies."""
    if "x" not in foil or "y" not in foil:
        return None
    try:
        x, y = _array(foil, "x"), _array(foil, "y")
    except SpectrumError:  # said of the reference's own record
        return None
    # Athena ties the shifts of a scan and its reference, so equal energies in the file are of one scan.
    same = len(x) == len(energy_M) == len(y) and np.allclose(x, energy_M, atol=1e-3)
    return y if same and abs(_number(foil["args"].get("bkg_eshift")) - shift) < 1e-3 else None


def _foil_metadata(foil: Mapping[str, Any]) -> dict[str, str]:
    fields = {
        "athena.reference": foil["label"],
        "element.reference": _element(foil["args"]),
        "element.ref_edge": _edge(foil["args"]),
    }
    return {key: value for key, value in fields.items() if value}


def _metadata(args: Mapping[str, Any]) -> dict[str, str]:
    names = {
        "source": "athena.source",
        "beamline": "beamline.name",
        "annotation": "sample.notes",
        "valence": "sample.valence",
        "bkg_e0": "athena.e0",
        "bkg_pre1": "athena.pre1",
        "bkg_pre2": "athena.pre2",
        "bkg_nor1": "athena.nor1",
        "bkg_nor2": "athena.nor2",
        "bkg_step": "athena.edge_step",
        "bkg_eshift": "athena.energy_shift",
    }
    metadata = {ours: _text(args, theirs) for theirs, ours in names.items() if _text(args, theirs)}
    titles = args.get("titles")
    if isinstance(titles, list) and titles:
        metadata["sample.titles"] = "; ".join(str(t) for t in titles)
    return metadata


def _text(args: Mapping[str, Any], name: str) -> str:
    value = args.get(name)
    return "" if value is None or isinstance(value, (list, dict)) or value == _NULL else str(value).strip()


def _number(value: Any) -> float:
    """Return a parameter as a number; 0 where it is empty or none."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return number if np.isfinite(number) else 0.0


def _json_records(text: str) -> dict[str, dict[str, Any]]:
    try:
        project = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise SpectrumError(f"the Athena project is damaged JSON, from {where} on: save it again") from None
    except (ValueError, RecursionError):
        raise SpectrumError("the Athena project is damaged JSON: save it again") from None
    keys = [key for key in project if not key.startswith("_____")]
    order = project.get("_____order")
    # An order that is no list of the records' names is of no use.
    named = isinstance(order, list) and order and all(isinstance(key, str) for key in order)
    records = {}
    for key in order if named else keys:
        record = project.get(key)
        if isinstance(record, dict) and isinstance(record.get("args", {}), dict):
            records[key] = {**record, "args": record.get("args", {})}
    return records


def _perl_records(text: str) -> dict[str, dict[str, Any]]:
    """Return the records of a project of Perl arrays, by Athena's group names."""
    records: dict[str, dict[str, Any]] = {}
    record: dict[str, Any] = {"args": {}}
    name, position = "", 0
    while match := _STATEMENT.search(text, position):
        position = match.end()
        if match[1] is None:  # [record]
            records[name or f"record {len(records) + 1}"] = record
            record, name = {"args": {}}, ""
            continue
        if match[1] not in ("old_group", "args") and match[1] not in _ARRAYS:
            continue
        value, position = _value(text, position)
        if match[1] == "old_group":
            name = str(value)
        elif match[1] == "args":
            if not isinstance(value, list) or len(value) % 2:
                raise SpectrumError("the Athena project is damaged: @args has no even number of entries")
            record["args"] = dict(zip(map(str, value[::2]), value[1::2], strict=True))
        else:
            record[match[1]] = value
    if name or len(record) > 1:  # cut off before its end, which is to be said
        records[name or f"record {len(records) + 1}"] = record
    return records


def _value(text: str, position: int) -> tuple[Any, int]:
    """Read one Perl literal up to the end of its statement; return it and the position behind."""
    tokens = _tokens(text, position)
    kind, token, _ = next(tokens)
    value = _list_of(tokens, 0) if kind == "open" else _scalar(kind, token)
    kind, _, end = next(tokens)
    if kind != "end":
        raise SpectrumError(f"the Athena project is damaged near character {end}: a statement does not end")
    return value, end


def _list_of(tokens: Iterator[tuple[str, str, int]], depth: int) -> list[Any]:
    """Return what a bracket holds, a Perl hash as a list of keys and values."""
    if depth > _DEEPEST:
        raise SpectrumError(f"the Athena project nests lists more than {_DEEPEST} deep")
    values: list[Any] = []
    for kind, token, _ in tokens:
        if kind == "close":
            return values
        if kind == "open":
            values.append(_list_of(tokens, depth + 1))
        elif kind == "end":
            break
        elif kind != "comma":
            values.append(_scalar(kind, token))
    raise SpectrumError("the Athena project is cut short: a list does not end")


def _tokens(text: str, position: int) -> Iterator[tuple[str, str, int]]:
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise SpectrumError(
                f"the Athena project is damaged near character {position}: {text[position:][:20]!r}"
            )
        position = match.end()
        if match.lastgroup:
            yield match.lastgroup, match[0], position
    raise SpectrumError("the Athena project is cut short")


def _scalar(kind: str, token: str) -> Any:
    if kind == "single":
        return re.sub(r"\\(['\\])", r"\1", token[1:-1])
    if kind == "double":
        return re.sub(r"\\x\{([0-9a-fA-F]{1,6})\}|\\(.)", _unescaped, token[1:-1], flags=re.DOTALL)
    if kind == "word":
        return None if token == "undef" else token
    return token


def _unescaped(match: re.Match[str]) -> str:
    if match[1]:
        code = int(match[1], 16)
        return chr(code) if code < 0x110000 else "\ufffd"
    return {"n": "\n", "t": "\t", "r": "\r"}.get(match[2], match[2])
