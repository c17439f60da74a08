"""The figures of a report: still pictures made earlier, interactive ones, and the files of both for papers."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rankaae_cli.analysis.evaluation.tables import table_of
from rankaae_cli.data.files import replacing
from rankaae_cli.reports.run import captions as report_captions
from rankaae_cli.reports.run.interactive_figures import Drawn, Maker

if TYPE_CHECKING:
    import pandas as pd

    from rankaae_cli.models.rankaae.trained import TrainedModel
    from rankaae_cli.reports.run.page import Picture

_PANEL_HEIGHT, _FURNITURE, _LEAST_HEIGHT = 200, 90, 400  # px on a narrow page


@dataclass(frozen=True)
class PictureBook:
    """Makes the pictures of a page.

    Attributes
    ----------
    folder
        ``report/figures`` of the run, where files for papers go.
    makers
        Of interactive figures, by name.
    """

    folder: Path
    makers: Mapping[str, Maker]

    def from_files(self, source: Path, captions: Mapping[str, str], prefix: str = "") -> list["Picture"]:
        """Return figures that lie in `source` as png and pdf, and copy their files for papers."""
        pictures = []
        for name, caption in captions.items():
            stem = f"{prefix}{name}"
            with replacing(self.folder / f"{stem}.pdf") as temporary:
                shutil.copyfile(source / f"{name}.pdf", temporary)
            png = (source / f"{name}.png").read_bytes()
            pictures.append(self._picture(name, stem, png, caption, source / table_of(name)))
        return pictures

    def from_figure(self, name: str, figure: Any, caption: str) -> "Picture":
        """Return a matplotlib figure as a picture, and write its file for papers."""
        from rankaae_cli.reports.figures.drawing import png_bytes, save_figure

        save_figure(figure, self.folder / name, formats=["pdf"])
        return self._picture(name, name, png_bytes(figure), caption, None)

    def _picture(self, name: str, stem: str, png: bytes, caption: str, csv: Path | None) -> "Picture":
        from rankaae_cli.reports.figures.plotly import figure_json, pack
        from rankaae_cli.reports.run.page import Picture
        from rankaae_cli.reports.run.stills import still_picture

        source, width, height = still_picture(png)
        drawn = self.makers[name]() if name in self.makers else Drawn(None, None)
        return Picture(
            source,
            caption,
            f"figures/{stem}.pdf",
            wide=name in report_captions.WIDE,
            name=stem,
            alt=report_captions.alternative(name),
            csv=self._table(stem, csv, drawn.table),
            size=(width, height),
            interactive="" if drawn.figure is None else pack(figure_json(drawn.figure)),
            narrow_height=_LEAST_HEIGHT if drawn.figure is None else _narrow_height(drawn.figure),
        )

    def _table(self, stem: str, made: Path | None, table: "pd.DataFrame | None") -> str:
        """Put the table behind a figure beside its pdf; return its path seen from the page, empty where none."""
        target = self.folder / f"{stem}.csv"
        there = made is not None and made.is_file()
        if not there and table is None:
            return ""
        with replacing(target) as temporary:
            if made is not None and there:
                shutil.copyfile(made, temporary)
            elif table is not None:
                table.to_csv(temporary, index=False, float_format="%.6g")
        return f"figures/{target.name}"


def learning_pictures(book: PictureBook, run_directory: Path, model: "TrainedModel") -> list["Picture"]:
    """Return the curves of metrics.csv; none where there is no such file."""
    import pandas as pd

    from rankaae_cli.reports.figures import evaluation as figures

    path = run_directory / "metrics.csv"
    if not path.is_file():
        return []
    table, subject, t = pd.read_csv(path), model.subject, model.selected_trial
    epoch = int(model.best_epoch_T[t])
    drawn = {
        "training_losses": figures.training_losses(subject, table, t, epoch),
        "validation_curves": figures.validation_curves(subject, table, t, epoch),
        "descriptor_learning": figures.descriptor_learning(subject, table, model.descriptor_names, t, epoch),
    }
    return [
        book.from_figure(name, figure, report_captions.LEARNING[name])
        for name, figure in drawn.items()
        if figure is not None
    ]


def _narrow_height(figure: Any) -> int:
    """Return how many px high a figure is on a narrow page, where its panels stand beneath one another."""
    panels = (figure.layout.meta or {}).get("panels", 1)
    return max(_LEAST_HEIGHT, _PANEL_HEIGHT * panels + _FURNITURE)
