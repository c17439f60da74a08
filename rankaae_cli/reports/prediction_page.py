"""The page of a prediction: one HTML file that holds its pictures and needs no network."""

from collections.abc import Sequence

from rankaae_cli import __version__
from rankaae_cli.reports.page import Picture, page_environment
from rankaae_cli.reports.prediction import Prediction, offset_sentence, prediction_table, verdict_counts


def render_prediction_page(prediction: Prediction, pictures: Sequence[Picture]) -> str:
    """Return the page as HTML; every value is escaped."""
    return (
        page_environment()
        .get_template("prediction.html.j2")
        .render(
            prediction=prediction,
            pictures=pictures,
            readings=prediction_table(prediction),
            counts=verdict_counts(prediction),
            offset=offset_sentence(prediction),
            version=__version__,
        )
    )
