"""What is written of the yes/no classes of new molecules: tables, and a page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from rankaae_cli.analysis.classes.evaluate import prediction_table
from rankaae_cli.analysis.classes.predict import ClassPrediction
from rankaae_cli.analysis.evaluation.tables import write_tables
from rankaae_cli.core.statistics.binary.decisions import NO, UNDECIDED, YES
from rankaae_cli.core.statistics.calibration import IN_RANGE, OUTSIDE, UNUSUAL
from rankaae_cli.data.files import strict_json, write_text
from rankaae_cli.models.base import Classifies
from rankaae_cli.reports.run.page import render
from rankaae_cli.reports.tables import Table, print_table

PAGE = "page.html"
_MOST_ROWS = 500


def write_class_prediction(
    output: Path, model: Classifies, prediction: ClassPrediction, about: Mapping[str, Any]
) -> Path:
    """Write predictions.csv and predictions.json, rejected.csv where a molecule could not be read, and the page.

    Parameters
    ----------
    output
        A folder.
    model, prediction
        What read, and what was read.
    about
        Where it comes from: plain values, `run` among them.

    Returns
    -------
    page
        Its path.
    """
    answers, names = prediction.answers, model.descriptor_names
    table = prediction_table(prediction.material_N, prediction.site_N, names, answers)
    tables = {"predictions.csv": table}
    if prediction.faults:
        tables["rejected.csv"] = pd.DataFrame(prediction.faults, columns=["material", "reason"])
    write_tables(output, tables)
    molecules = [
        {
            "material": str(material),
            "novelty": float(answers.novelty_N[n]),
            "verdict": str(answers.verdict_N[n]),
            "classes": {
                name: {
                    "verdict": str(answers.verdict_NK[n, k]),
                    "probability": float(answers.probability_NK[n, k]),
                }
                for k, name in enumerate(names)
                if answers.verdict_NK[n, k]
            },
        }
        for n, material in enumerate(prediction.material_N)
    ]
    write_text(output / "predictions.json", strict_json({**about, "molecules": molecules}))
    page = render(
        "class_prediction.html.j2",
        subject=model.subject,
        run_name=f"run {Path(about['run']).name}",
        command=about["command"],
        lines=_lines(prediction),
        counts=_counts(names, prediction),
        molecules=_molecules(names, prediction),
        faults=prediction.faults,
    )
    return write_text(output / PAGE, page)


def print_class_prediction(names: Sequence[str], prediction: ClassPrediction) -> None:
    """Print how many molecules are of each class, and how many are unlike those of training."""
    print_table(f"{len(prediction.material_N)} molecules", _counts(names, prediction), False)
    print("\n".join(_lines(prediction)))


def _lines(prediction: ClassPrediction) -> list[str]:
    """Return how many spectra are like those of training."""
    verdict_N = prediction.answers.verdict_N
    each = ", ".join(f"{int((verdict_N == one).sum())} {one}" for one in (IN_RANGE, UNUSUAL, OUTSIDE))
    return [f"spectra: {each}"]


def _counts(names: Sequence[str], prediction: ClassPrediction) -> Table:
    """Return how many molecules are of each class."""
    verdict_NK = prediction.answers.verdict_NK
    rows: list[list[Any]] = [
        [name, *(int((verdict_NK[:, k] == verdict).sum()) for verdict in (YES, NO, UNDECIDED))]
        for k, name in enumerate(names)
    ]
    return Table("classes", ("class", YES, NO, UNDECIDED), ("Class", "Yes", "No", "Undecided"), rows, "")


def _molecules(names: Sequence[str], prediction: ClassPrediction) -> Table:
    """Return the classes of each of the first molecules, the most probable first."""
    answers = prediction.answers
    count = len(prediction.material_N)

    def listed(n: int, verdict: str) -> str:
        of_verdict = [k for k in range(len(names)) if answers.verdict_NK[n, k] == verdict]
        of_verdict.sort(key=lambda k: -answers.probability_NK[n, k])
        return ", ".join(f"{names[k]} ({answers.probability_NK[n, k]:.0%})" for k in of_verdict) or "–"

    rows: list[list[Any]] = [
        [
            str(prediction.material_N[n]),
            str(answers.verdict_N[n]),
            float(answers.novelty_N[n]),
            listed(n, YES),
            listed(n, UNDECIDED),
        ]
        for n in range(min(count, _MOST_ROWS))
    ]
    return Table(
        "predictions",
        ("molecule", "verdict", "novelty", YES, UNDECIDED),
        ("Molecule", "Spectrum", "Novelty", "Yes", "Undecided"),
        rows,
        f"The first {_MOST_ROWS} of {count} molecules." if count > _MOST_ROWS else "",
    )
