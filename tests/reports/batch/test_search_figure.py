import numpy as np

from rankaae_cli.reports.batch.search_figure import SearchedJob, search_figure


def jobs(n=12):
    rng = np.random.default_rng(0)
    settings = [
        {"optimiser.rate": float(10 ** rng.uniform(-4, -2)), "model.hidden": str(rng.choice([64, 128]))}
        for _ in range(n)
    ]
    return [SearchedJob(i, 0.5 + 0.01 * i, i % 4 == 3, s) for i, s in enumerate(settings)]


def test_history_never_falls_and_leaves_out_what_was_pruned():
    figure = search_figure(
        jobs(), {"optimiser.rate": 0.8, "model.hidden": 0.2}, ["optimiser.rate"], "s", True
    )
    history, bars, *slices = [ax for ax in figure.axes if ax.axison]
    (line,) = history.lines
    assert list(line.get_xdata()) == [job.number for job in jobs() if not job.pruned]
    assert (np.diff(line.get_ydata()) >= 0).all()
    assert [label.get_text() for label in bars.get_yticklabels()] == ["hidden width", "learning rate"]
    assert [ax.get_xlabel() for ax in slices] == ["learning rate", "hidden width"]
    assert slices[0].get_xscale() == "log" and slices[1].get_xscale() == "linear"
    assert figure.get_suptitle() == "SYNTHETIC DATA · s · 12 jobs, 3 of them pruned"


def test_choices_stand_in_the_order_of_their_numbers():
    figure = search_figure(jobs(), {}, [], "s", False)
    (hidden,) = [ax for ax in figure.axes if ax.get_xlabel() == "hidden width"]
    assert [label.get_text() for label in hidden.get_xticklabels()] == ["64", "128"]


def test_a_job_far_below_the_rest_does_not_set_the_scale():
    outlier = SearchedJob(12, -1000.0, False, {"optimiser.rate": 1e-3})
    figure = search_figure([*jobs(), outlier], {}, [], "s", False)
    assert figure.axes[0].get_ylim()[0] > -1


def test_every_job_is_drawn_and_pruned_ones_do_not_set_the_scale():
    low = [SearchedJob(12 + i, -2.0 - i, True, {"optimiser.rate": 1e-3}) for i in range(3)]
    figure = search_figure([*jobs(), *low], {}, [], "s", False)
    history = figure.axes[0]
    drawn = {points.get_label(): points.get_offsets() for points in history.collections}
    assert {label: len(points) for label, points in drawn.items()} == {
        "completed": 9,
        "pruned": 3,
        "pruned, below the axis": 3,
    }
    assert history.get_ylim()[0] > 0.4
    assert history.get_ylim()[1] > max(job.score for job in jobs())  # which was pruned
    np.testing.assert_allclose(drawn["pruned, below the axis"][:, 1], history.get_ylim()[0])
