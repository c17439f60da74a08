"""What browser tests share: a model whose page Chromium opens from disk."""

from dataclasses import replace

import pytest

from rankaae_cli.analysis.evaluation.styles import style_ranges
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.samples import sample_path
from rankaae_cli.data.family.splits import TRAIN
from rankaae_cli.models.rankaae.fit import fit
from rankaae_cli.reports.run.explorer import explorer_data
from rankaae_cli.reports.run.page import render_page
from tests.configuration import train_settings
from tests.reports.run.test_page import content
from tests.tasks import task_with

SIZES = {
    "mlp": ("model.hidden=16", "model.encoder_layers=2", "model.decoder_layers=2"),
    "swish": (
        "model.hidden=16",
        "model.norm=batch",
        "model.activation=swish",
        "model.norm_before_styles=false",
    ),
    "cnn": ("model=cnn", "model.hidden=16", "model.channels=2"),
}


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Return a function from a name in `SIZES` to a model trained for a moment, and its family."""
    family, models = read_family(sample_path("Fe_oxides")), {}

    def of(network):
        if network not in models:
            config, folder = (
                train_settings(*SIZES[network], "model.free_styles=2"),
                tmp_path_factory.mktemp(network),
            )
            task = task_with(config, family, folder, trials=2, max_epochs=8, batch_size=256, seed=5)
            models[network] = fit(task, lambda done, total, standing: None)
        return models[network], family

    return of


@pytest.fixture(scope="session")
def page_of(trained, tmp_path_factory):
    """Return a function that writes the page of a network, its explorer changed by `change`; its address."""
    pages = {}

    def of(network="mlp", change=lambda explorer: explorer):
        if (network, change) not in pages:
            model, family = trained(network)
            training_TNS = model.encode(family.spectra_NE[family.split_N == TRAIN])
            ranges = style_ranges(model.style_names, training_TNS[model.selected_trial])
            explorer = change(explorer_data(model, family, ranges))
            path = tmp_path_factory.mktemp("page") / "report.html"
            about = content()
            about.traversal["styles"]["OS"].pop("check")  # other tests' matter
            path.write_text(render_page(replace(about, explorer=explorer)), encoding="utf-8")
            pages[network, change] = path.as_uri()
        return pages[network, change]

    return of
