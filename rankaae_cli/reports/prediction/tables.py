"""Tables of a prediction, as its page and the terminal show them."""

from collections.abc import Sequence

from rankaae_cli.analysis.prediction.predict import PredictionResult
from rankaae_cli.core.labels import with_unit
from rankaae_cli.core.mixtures.unmixing import Mixture
from rankaae_cli.reports.captions import table_caption
from rankaae_cli.reports.tables import Cell, Ranged, Table


def prediction_table(result: PredictionResult, rows: Sequence[int] | None = None) -> Table:
    """Return predicted descriptors with their intervals, one row a spectrum.

    Parameters
    ----------
    result
        Of the call.
    rows
        Which spectra; all by default.
    """
    prediction = result.prediction
    content: list[list[Cell]] = []
    for n in range(len(result.spectra)) if rows is None else rows:
        row: list[Cell] = [result.spectra[n].title, prediction.verdict_N[n], *descriptor_cells(result, n)]
        row += [_class_cell(prediction.likeliest(name, n)) for name in prediction.probabilities]
        row += [float(prediction.error_N[n]), float(prediction.novelty_N[n])]
        content.append(row)
    units = zip(result.model.descriptor_names, result.model.descriptor_units, strict=True)
    columns = {
        "spectrum": "Spectrum",
        "verdict": "Verdict",
        **{name: with_unit(name, unit) for name, unit in units},
        **{f"{name}_class": f"{name}, likeliest" for name in prediction.probabilities},
        "reconstruction_mae": "Reconstruction error",
        "novelty": "Novelty",
    }
    return Table(
        name="predictions",
        keys=list(columns),
        headings=list(columns.values()),
        rows=content,
        caption=table_caption("predictions", "", False, level=f"{100 * result.coverage:g}"),
    )


def shares_table(result: PredictionResult, name: str, rows: Sequence[int] | None = None) -> Table:
    """Return the shares of a descriptor's classes with their intervals, one row a spectrum.

    Parameters
    ----------
    result
        Of the call.
    name
        A descriptor that spectra were read as mixtures of.
    rows
        Which spectra; all by default.
    """
    mixtures = result.mixtures[name]
    classes = mixtures[0].classes
    return Table(
        name=f"shares_{name}",
        keys=["spectrum", *(f"{name}_share_{c:g}" for c in classes), "difference"],
        headings=["Spectrum", *(f"{name} {c:g}" for c in classes), "Difference"],
        rows=[
            [result.spectra[n].title, *share_cells(mixtures[n]), float(mixtures[n].error)]
            for n in (range(len(mixtures)) if rows is None else rows)
        ],
        caption=table_caption("shares", "", False, descriptor=name, level=f"{100 * result.coverage:g}"),
    )


def references_table(result: PredictionResult) -> Table:
    """Return what is known of references beside what is read of them, one row a known descriptor."""
    columns = {
        "reference": "Reference",
        "descriptor": "Descriptor",
        "known": "Known",
        "reading": "Reading",
        "inside": "Known value inside",
        "likeliest": "Likeliest",
        "verdict": "Verdict",
    }
    return Table(
        name="references",
        keys=list(columns),
        headings=list(columns.values()),
        rows=[
            [
                one.file,
                one.descriptor,
                f"{one.known:g}",
                Ranged(one.value, one.low, one.high),
                "yes" if one.is_inside else "no",
                _class_cell(one.likeliest),
                one.verdict,
            ]
            for one in result.references
        ],
        caption=table_caption("references", "", False, level=f"{100 * result.coverage:g}"),
    )


def descriptor_cells(result: PredictionResult, n: int) -> list[Ranged]:
    """Return the descriptors of the n-th spectrum with their intervals."""
    p = result.prediction
    return [Ranged(*map(float, ends)) for ends in zip(p.value_NK[n], p.low_NK[n], p.high_NK[n], strict=True)]


def share_cells(mixture: Mixture) -> list[Ranged]:
    """Return the shares of a mixture with their intervals."""
    return [Ranged(*map(float, ends)) for ends in zip(mixture.share, mixture.low, mixture.high, strict=True)]


def _class_cell(likeliest: tuple[float, float] | None) -> str | None:
    """Return a class and its probability as text."""
    return None if likeliest is None else f"{likeliest[0]:g} ({100 * likeliest[1]:.0f} %)"
