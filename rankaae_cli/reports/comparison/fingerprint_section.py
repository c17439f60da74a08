"""The section of a comparison's page on clusters of spectra that were found without labels."""

from rankaae_cli.analysis.comparison.fingerprints import (
    COMPONENT_SPECTRA,
    FINGERPRINTS,
    NUMBERS,
    SERIES,
    SPECTRA,
    Fingerprints,
)
from rankaae_cli.core.labels import Cell
from rankaae_cli.reports.comparison.fingerprint_figures import (
    fingerprint_components,
    fingerprint_map,
    fingerprint_numbers,
    fingerprint_series,
    fingerprint_spectra,
)
from rankaae_cli.reports.comparison.methods import changes_text, clusters_text
from rankaae_cli.reports.comparison.page import ComparisonPage, Section
from rankaae_cli.reports.run.page import Picture
from rankaae_cli.reports.tables import Table


def add_fingerprints(page: ComparisonPage, found: Fingerprints, series: str | None = None) -> None:
    """Add the clusters of a family, or that there are none, with what they share with its labels.

    `series` is what their shares are shown along, with its unit, where that is asked for.
    """
    metrics = found.metrics
    if metrics["reliable"]:
        verdict = f"{metrics['clusters']} reliable clusters of spectra"
    else:
        verdict = (
            "no reliable clusters: the spectra go over into each other, and any partition is one of many"
        )
    section = Section(
        "fingerprints",
        "Fingerprints",
        f"{verdict[0].upper()}{verdict[1:]}.",
        [_stability(found), *_shared(found)],
    )
    if metrics["reliable"]:
        section.tables.append(_groups(found))
    page.add(section, found.tables, _pictures(page, found, series))
    page.lines.append(verdict)
    page.methods.append(clusters_text(metrics["clustering"], metrics["representation"]))
    if series is not None:
        places = ", ".join(f"{value:.6g}" for value in metrics["changes"])
        changes = (
            f"the shares of the clusters change at {places}" if places else "no share of a cluster changes"
        )
        page.lines.append(f"along {series}: {changes}")
        page.methods.append(changes_text(series))
    page.results["fingerprints"] = metrics


def _pictures(page: ComparisonPage, found: Fingerprints, series: str | None) -> dict[str, Picture]:
    """Draw the figures of the section; return their pictures by name."""
    metrics, tables = found.metrics, found.tables
    shown = {
        "fingerprint_map": page.picture(
            fingerprint_map(page.subject, tables[FINGERPRINTS]),
            "fingerprint_map",
            "The spectra on a map by t-SNE, on which near ones are near and far distances say nothing.",
            FINGERPRINTS,
        ),
        "fingerprint_numbers": page.picture(
            fingerprint_numbers(page.subject, tables[NUMBERS]),
            "fingerprint_numbers",
            "How alike the clusters of two halves of the materials are, against their number, beside as many "
            "spectra without clusters.",
            NUMBERS,
        ),
        "fingerprint_components": page.picture(
            fingerprint_components(page.subject, tables[COMPONENT_SPECTRA], metrics["components"]),
            "fingerprint_components",
            "The mean spectrum and the principal components about it.",
            COMPONENT_SPECTRA,
        ),
    }
    if metrics["reliable"]:
        shown["fingerprint_spectra"] = page.picture(
            fingerprint_spectra(page.subject, tables[SPECTRA]),
            "fingerprint_spectra",
            "Mean spectrum of each cluster, the band of nine in ten of its spectra, and the mean of the others.",
            SPECTRA,
        )
    if series is not None:
        shown["fingerprint_series"] = page.picture(
            fingerprint_series(page.subject, tables[SERIES], metrics["changes"], series),
            "fingerprint_series",
            "Shares of the clusters in consecutive parts of the series; dashed, where they change.",
            SERIES,
        )
    return shown


def _stability(found: Fingerprints) -> Table:
    m = found.metrics
    number = m["clusters"] or f"{m['most_stable']} (not reliable)"
    return Table(
        "fingerprint_stability",
        ("clusters", "stability", "without", "recovery"),
        ("Clusters", "Stability", "Without clusters", "Recovery"),
        [[str(number), m["stability"], m["without"], m["recovery"]]],
        "Stability: adjusted mutual information of the clusters of two halves; without clusters: that of as many "
        "spectra drawn from one normal distribution; recovery: of the cluster that is found again worst (Jaccard).",
    )


def _shared(found: Fingerprints) -> list[Table]:
    """Return what the clusters share with labels, none where there are none."""
    labels = found.metrics["labels"]
    if not labels:
        return []
    rows: list[list[Cell]] = [[name, one["n"], one["shared"], one["ceiling"]] for name, one in labels.items()]
    return [
        Table(
            "fingerprint_labels",
            ("label", "spectra", "shared", "ceiling"),
            ("Label", "Spectra", "Shared", "Ceiling"),
            rows,
            "Shared: adjusted mutual information of the clusters, which saw no label, with the label (where none "
            "is reliable, of the most stable partition). Ceiling: that of trees that were told the labels of other "
            "materials.",
        )
    ]


def _groups(found: Fingerprints) -> Table:
    rows: list[list[Cell]] = [
        [
            f"cluster {one['cluster']}",
            one["size"],
            ", ".join(one["typical"]),
            one.get("differs_at"),
            one.get("differs_by"),
        ]
        for one in found.metrics["groups"]
    ]
    return Table(
        "fingerprint_groups",
        ("cluster", "spectra", "typical", "differs_at", "differs_by"),
        ("Cluster", "Spectra", "Most typical", "Differs at", "by"),
        rows,
        "Differs: the energy at which its mean spectrum is furthest from that of the others, in deviations within, "
        "and by how much absorption.",
    )
