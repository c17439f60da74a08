"""Contact sheets of how measured spectra were normalised, as files."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rankaae_cli.data.measured.prepared import Prepared


def write_sheets(prepared: "Sequence[Prepared]", title: str, stem: Path) -> list[Path]:
    """Write ``<stem>-<page>.pdf``, forty spectra a page; return the paths.

    Where they cannot be drawn, that is printed and nothing returned: what was read is worth more than its pictures.
    """
    from rankaae_cli.reports.figures.drawing import save_figure
    from rankaae_cli.reports.prediction.normalisation import contact_sheets

    paths: list[Path] = []
    try:
        for page, figure in enumerate(contact_sheets(prepared, title), 1):
            paths += save_figure(figure, stem.with_name(f"{stem.name}-{page}"), ("pdf",))
    except Exception as error:
        print(f"how they were normalised could not be drawn: {error}", file=sys.stderr, flush=True)
        return []
    return paths


def sheets_remark(paths: Sequence[Path]) -> str:
    """Return what to do with the sheets, as a sentence."""
    more = f" (and {len(paths) - 1} more pages)" if len(paths) > 1 else ""
    return f"{paths[0]}: look whether they were normalised well{more}"
