"""The page of a prediction: one HTML file that holds its pictures and needs no network."""

from collections.abc import Sequence

from rankaae_cli import __version__
from rankaae_cli.core.labels import descriptor_meaning, with_unit
from rankaae_cli.reports.prediction.sentences import (
    STEPS,
    offset_sentence,
    outside_warning,
    verdict_counts,
    warnings,
)
from rankaae_cli.reports.prediction.tables import Prediction, prediction_table, shares_table
from rankaae_cli.reports.run.page import Picture, page_environment


def render_prediction_page(
    prediction: Prediction, pictures: Sequence[Picture], sheets: Sequence[str] = ()
) -> str:
    """Return the page as HTML; every value is escaped.

    Parameters
    ----------
    prediction
        What was read.
    pictures
        Of spectra, the first.
    sheets
        Files of how measured ones were normalised, seen from the page.
    """
    units = zip(prediction.descriptor_names, prediction.descriptor_units, strict=True)
    outside = outside_warning(prediction)
    return (
        page_environment()
        .get_template("prediction.html.j2")
        .render(
            prediction=prediction,
            pictures=pictures,
            sheets=sheets,
            readings=prediction_table(prediction),
            shares={name: shares_table(prediction, name) for name in prediction.mixtures},
            descriptors=[(with_unit(name, unit), name, descriptor_meaning(name)) for name, unit in units],
            steps=STEPS,
            warnings=[*([outside] if outside else []), *warnings(prediction)],
            counts=verdict_counts(prediction),
            offset=offset_sentence(prediction),
            version=__version__,
        )
    )
