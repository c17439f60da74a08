"""Which responses of several runs stand side by side in one figure."""

from collections.abc import Iterator

from matplotlib.figure import Figure

from rankaae_cli.core.labels import descriptor_meaning
from rankaae_cli.reports.batch.batch import Batch, BatchRun, Response, shortened
from rankaae_cli.reports.batch.figures import ResponsePanel, responses


def response_figures(batch: Batch) -> Iterator[tuple[str, Figure, str]]:
    """Give name, figure and caption: one a descriptor with all families, or one of all descriptors of a family."""
    thin = (
        " Thin lines: the family's other runs, cut where they leave the panel."
        if len(batch.runs) > len(batch.best)
        else ""
    )
    if len(batch.best) == 1:
        run = batch.best[0]
        panels = [_panel(batch, run, name, name) for name in run.responses]
        if panels:
            text = f"Responses of run {run.label}, the best on validation.{thin}"
            yield "responses", responses(batch, [run], panels, "95th − 5th percentile"), text
        return
    for number, name in enumerate(batch.descriptors, 1):
        runs = [run for run in batch.best if name in run.responses]
        panels = [_panel(batch, run, name, shortened(batch.name(run))) for run in runs]
        if panels:
            meaning = descriptor_meaning(name)
            about = f"{name}, {meaning}" if meaning != name else name
            text = f"Response of the spectrum to {about}, best run of each family on validation.{thin}"
            # Numbered, since a descriptor's name may hold what a file's name may not.
            yield (
                f"responses_{number}_{_file_part(name)}",
                responses(batch, runs, panels, f"response to {name}"),
                text,
            )


def _panel(batch: Batch, run: BatchRun, name: str, title: str) -> ResponsePanel:
    shown = run.responses[name]
    others: list[Response] = [
        other.responses[name]
        for other in batch.runs
        if other is not run
        and other.family == run.family
        and name in other.responses
        and other.responses[name].origin == shown.origin
    ]
    return ResponsePanel(title, shown, others, run.subject.energy_unit)


def _file_part(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in name)[:40]
