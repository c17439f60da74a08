"""How a comparison was made, in paragraphs for papers, with citations."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from rankaae_cli import __version__
from rankaae_cli.core.comparison.fingerprints.clusterings import DENSITY, KMEANS, MIXTURE, WARD
from rankaae_cli.core.comparison.fingerprints.representations import (
    COMPONENTS,
    CUMULATIVE,
    FACTORS,
    STANDARDISED,
)
from rankaae_cli.data.files import write_text
from rankaae_cli.reports.paper.citations import bibtex
from rankaae_cli.reports.paper.prose import Text, as_plain, cited, parsed, rendered

ALIGNMENT = parsed(
    "Spectra were aligned by least squares: for each shift the scale and the offset of the absorption were "
    "fitted in closed form, so that what is left is 1 - r² over the energies that both then have. Shifts were "
    "sought within 3 eV of those at which the slopes of both spectra correlate; either spectrum could be "
    "broadened by a Lorentzian of up to 4 eV, where the noise that it takes away counts as left. The error of "
    "a shift is that of a jackknife over six blocks of energies, with the broadening fitted anew each time, by "
    "Student's t. Scores are those at each pair's own shift; 95 % intervals are of a bootstrap over "
    "materials<cite>davison1997bootstrap</cite>."
)
PUBLISHED = parsed(
    "By the published rule<cite>meng2024multicode</cite> 35 eV count of each spectrum from 2 % of its maximum "
    "on, and the shift is the one within 12 eV at which the cosine of the angle between both is largest."
)
CONVERGENCE = parsed(
    "Each setting of a calculation was aligned with the last one; it counts as converged from the first "
    "setting on after which 1 - Spearman's correlation with the last stays below 0.003, 10 to the power of "
    "-2.5."
)
SOUNDNESS = parsed(
    "Spectra of different materials count as nearly the same where their root mean square difference is below "
    "5 % of the spectra's deviation from their mean, or, once moved by up to 5 eV, scaled and smoothed, below "
    "3 %; as outliers where the logarithm of the distance to their fifth nearest is more than four robust "
    "deviations above the median."
)
_CLUSTERS = (
    "Clusters were sought without labels, by {clustering} in {representation}. Materials were halved at "
    "random, each half was clustered by itself, and the clusters of one were given to the spectra of the "
    "other<cite>lange2004stability</cite>. A partition is reliable where both agree at an adjusted mutual "
    "information of at least 0.8, nearer to 1 than to that of as many spectra drawn from one normal "
    "distribution, and no cluster dissolves (Jaccard similarity 0.5)<cite>hennig2007clusters</cite>. The "
    "number of clusters is the largest with a reliable partition. The ceiling beside what clusters share with "
    "labels is that of extremely randomised trees<cite>geurts2006extratrees</cite> that were told the labels "
    "of other materials, in five folds. The map is by t-SNE<cite>vandermaaten2008tsne</cite>."
)
_CHANGES = (
    "The shares of the clusters along {series} change where cutting the series raises its likelihood, each "
    "piece having shares of its own, by more than a modified Bayesian information criterion asks "
    "for<cite>zhang2007mbic</cite>."
)
_SOFTWARE = parsed(
    f"Comparisons were done with rankaae {escape(__version__)}, using NumPy<cite>harris2020numpy</cite>, SciPy"
    "<cite>virtanen2020scipy</cite> and scikit-learn<cite>pedregosa2011sklearn</cite>."
)
_REPRESENTATIONS = {
    CUMULATIVE: "principal components of the spectra's cumulative sums, each over its last value",
    COMPONENTS: "principal components of the spectra",
    STANDARDISED: "principal components of the spectra, each energy over its deviation",
    FACTORS: "the weights of eight non-negative factors",
}
_CLUSTERINGS = {
    WARD: "Ward's method",
    KMEANS: "k-means",
    MIXTURE: "mixtures of normal distributions",
    DENSITY: "HDBSCAN",
}
_TO_COMPLETE = (
    "which versions and settings of codes, or which beamline, the spectra are of, and their licence",
    "why these materials",
)


def clusters_text(clustering: str, representation: str) -> Text:
    """Return how clusters were sought, by one of `clusterings` in a representation or what is named instead."""
    named = _REPRESENTATIONS.get(representation, f"the {representation}")
    return parsed(_CLUSTERS.format(clustering=_CLUSTERINGS[clustering], representation=escape(named)))


def changes_text(series: str) -> Text:
    """Return how changes along a series were found."""
    return parsed(_CHANGES.format(series=escape(series)))


def plain(paragraphs: Sequence[Text]) -> list[str]:
    """Return paragraphs as a page shows them."""
    return [as_plain(one) for one in (*paragraphs, _SOFTWARE)]


def write_methods(folder: Path, paragraphs: Sequence[Text]) -> None:
    """Write ``methods.tex``, ``methods.md`` and ``references.bib``."""
    texts = [*paragraphs, _SOFTWARE]
    for name in ("methods.tex", "methods.md"):
        text = rendered(f"{name}.j2", paragraphs=texts, to_complete=_TO_COMPLETE)
        write_text(folder / name, text)
    write_text(folder / "references.bib", bibtex(cited(texts)))
