"""The rows of a family that are no sound spectra: left out of new files, and warned of in older ones."""

from collections.abc import Sequence

import numpy as np

from rankaae_cli.core.xas.soundness import Soundness, check_spectra
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.rejections import Rejection

EDGE_STEP = "edge_step"
_SHOWN, _DOUBTS_SHOWN = 3, 12


def sound_rows(family: Family) -> tuple[Family, tuple[Rejection, ...], list[tuple[str, str]]]:
    """Leave out the rows that `check_spectra` gives reasons against.

    Returns
    -------
    Family
        With the other rows.
    tuple of Rejection
        Those left out, and why.
    list of (str, str)
        The names of kept rows, and what is doubted of them.
    """
    soundness = _soundness(family)
    rejected = tuple(
        Rejection(str(family.material_N[n]), str(family.site_N[n]), reason)
        for n, reason in sorted(soundness.reasons.items())
    )
    doubts = [
        (f"{family.material_N[n]} {family.site_N[n]}", doubt) for n, doubt in sorted(soundness.doubts.items())
    ]
    if not rejected:
        return family, (), doubts
    kept = [n for n in range(len(family)) if n not in soundness.reasons]
    return family.with_rows(kept), rejected, doubts


def _soundness(family: Family) -> Soundness:
    """Check spectra; on a joint axis those of each edge by themselves, in the rows that have it."""
    normalised = family.normalisation == EDGE_STEP
    if not family.segments:
        return check_spectra(family.energy_E, family.spectra_NE, normalised)
    reasons: dict[int, str] = {}
    doubts: dict[int, str] = {}
    for segment in family.segments:
        part_NE = family.spectra_NE[:][:, segment.points]
        rows = np.flatnonzero(~np.isnan(part_NE).all(axis=1))
        checked = check_spectra(family.energy_E[segment.points], part_NE[rows], normalised)
        for into, of_part in ((reasons, checked.reasons), (doubts, checked.doubts)):
            for n, text in of_part.items():
                into.setdefault(int(rows[n]), f"{segment.name}: {text}")
    return Soundness(reasons, doubts)


def unsound_remark(family: Family) -> str:
    """Return what to say before a family is used that holds rows that are no sound spectra; nothing if none is.

    Files that this program writes hold none; those of older versions may.
    """
    if family.is_synthetic:
        return ""
    _, rejected, _ = sound_rows(family)
    if not rejected:
        return ""
    some = "; ".join(f"{one.material} {one.site}: {one.reason}" for one in rejected[:_SHOWN])
    more = f"; and {len(rejected) - _SHOWN} more" if len(rejected) > _SHOWN else ""
    return (
        f"{len(rejected)} of {len(family)} spectra are not sound ({some}{more}): write the file again without "
        "them by rankaae ingest source=family path=..."
    )


def doubt_lines(doubts: Sequence[tuple[str, str]], total: int, elsewhere: str = "") -> list[str]:
    """Return doubts about spectra that were kept, line by line.

    Parameters
    ----------
    doubts
        Name of the spectrum, and what is doubted of it.
    total
        How many spectra were kept.
    elsewhere
        Where the others are said.
    """
    if not doubts:
        return []
    lines = [f"doubts about {len(doubts)} of {total} spectra, which were taken:"]
    lines += [f"  {name}: {doubt}" for name, doubt in doubts[:_DOUBTS_SHOWN]]
    if len(doubts) > _DOUBTS_SHOWN:
        lines.append(f"  and {len(doubts) - _DOUBTS_SHOWN} more{elsewhere}")
    return lines
