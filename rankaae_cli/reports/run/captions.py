"""What is written beneath the figures of a report, and what they look like for who cannot see them."""

from rankaae_cli.analysis.evaluation.baselines import FIGURE
from rankaae_cli.analysis.traversal.maps import EDGE_MAP, MAIN_PEAK_MAP
from rankaae_cli.analysis.traversal.traverse import FREE_OVERVIEW, OVERVIEW, STABILITY
from rankaae_cli.core.labels import style_title
from rankaae_cli.models.rankaae.trained import TrainedModel

STYLES = {
    "style_vs_descriptor": "Each descriptor against its style. Points: test spectra, spread a little "
    "where values coincide. Line and band: calibration on validation and its 90 % interval.",
    "prediction_vs_truth": "Each descriptor as read from the spectrum against its true value. Dashed: equality; "
    "band: the 90 % interval.",
    "confusion": "Test spectra of each true class (rows) by the class read (columns), and their share of the "
    "true class. Classes are read by thresholds on the style, fitted on validation.",
}
COUPLING = {
    "coupling": "Spearman correlations between styles (below the diagonal) and between the descriptors they are "
    "named after (above it): what differs is not in the data.",
    "leakage": "One style is walked in the decoder, the spectra are encoded again, and each style's movement is "
    "counted in the walked one's. A faithful model has 1 on the diagonal and 0 elsewhere.",
    "normality": "Quantiles of each style against those of a standard normal distribution, which training wants.",
}
RECONSTRUCTION = {
    "reconstruction_examples": "The best, the median and the worst reconstruction of the test split.",
    "worst_spectra": "The worst reconstructions, of each material its worst.",
    "reconstruction_error": "Error of the reconstruction at each energy; above it the mean spectrum.",
}
CHOICE = {
    "trials": "Every trial's measures on validation, the best score first. Darker is better, by the spread over "
    "trials; the numbers are the measures themselves.",
}
ASSOCIATIONS = {
    "associations": "The strongest partial correlations of each free style. Bars: on validation, where they were "
    "searched; diamonds: on the test split; dashed: what is needed on validation, so that by chance none of all "
    "pairs would reach it in 95 of 100 cases, and a tenth of the variance is explained.",
}
OVERVIEWS = {
    OVERVIEW: "The response to each descriptor; all differences on one scale.",
    FREE_OVERVIEW: "The same for the free styles, which hold what the descriptors do not explain.",
}
OF_TRIALS = {STABILITY: "Each trial's response to each descriptor."}
MAPS = {
    MAIN_PEAK_MAP: "Height of the main peak as two styles are walked together. Axes are even in percentile of each "
    "style, ticks are the descriptor as calibrated.",
    EDGE_MAP: "Edge position as two styles are walked together, on the same axes.",
}
BASELINES = {FIGURE: "The model (diamonds) and the baselines on the test split."}
LEARNING = {
    "training_losses": "Losses on the training rows, one line a trial. Dotted: the epoch kept.",
    "validation_curves": "Measures on the validation rows, which chose epoch and trial. Dotted: the epoch kept.",
    "descriptor_learning": "Spearman correlation of each style with its descriptor on validation.",
}
WIDE = frozenset((*OVERVIEWS, *MAPS))

_ALTS = {
    "style_vs_descriptor": "Scatter plots, a panel a descriptor, with a rising calibration curve and its band.",
    "prediction_vs_truth": "Scatter plots, a panel a descriptor, along a dashed line of equality.",
    "confusion": "Tables of coloured cells with counts and shares; correct readings lie on the diagonal.",
    "coupling": "A square of coloured cells, red for positive and blue for negative correlation.",
    "leakage": "A square of coloured cells, dark on the diagonal where each style moves itself.",
    "normality": "Points near a dashed diagonal, a panel a style.",
    "reconstruction_examples": "Three panels, each a spectrum and its reconstruction, dashed.",
    "worst_spectra": "Six panels or fewer, each a spectrum and its reconstruction, dashed.",
    "reconstruction_error": "Two panels over energy: the mean spectrum; mean and mean absolute error and a band.",
    "trials": "A table of coloured cells, a column a trial, a row a measure.",
    "associations": "Horizontal bars of correlations, a panel a free style, with dashed limits.",
    "training_losses": "Falling curves against the epoch, a panel a loss.",
    "validation_curves": "Curves against the epoch, a panel a measure.",
    "descriptor_learning": "Rising curves against the epoch, one a descriptor.",
    FIGURE: "Dots, a row a method: Spearman correlation on the left, reconstruction error on the right.",
    OVERVIEW: "A column a descriptor: spectra in colours along its style, beneath them their difference.",
    FREE_OVERVIEW: "A column a free style: spectra in colours along it, beneath them their difference.",
    STABILITY: "A panel a descriptor, with one thin curve a trial and their dashed mean.",
    MAIN_PEAK_MAP: "A triangle of coloured maps, one a pair of styles.",
    EDGE_MAP: "A triangle of coloured maps, one a pair of styles.",
}
_ALTS_OF_STYLES = {
    "": "Spectra in colours from one end of the style to the other; beneath them the ends' difference.",
    "_check": "Mean spectra of two bins of the data; beneath them the differences of data and network.",
    "_sensitivity": "The mean spectrum; beneath it its slope with the descriptor, orange where significant.",
}


def walk_captions(model: TrainedModel, name: str) -> dict[str, str]:
    """Return what the figures of one style show, by name, in the order of the page."""
    captions = {name: f"The spectrum along {style_title(name)}."}
    if name in model.descriptor_names:
        captions[f"{name}_check"] = (
            f"The same response in the data: mean spectra of two bins of {name}, matched in the other "
            "descriptors; below, their difference (band: 5 % to 95 % of a bootstrap over materials) and the "
            "network's over the same change."
        )
        captions[f"{name}_sensitivity"] = f"How much the spectrum changes with {name} at each energy."
    return captions


def alternative(name: str) -> str:
    """Return what a figure looks like, for who cannot see it."""
    if name in _ALTS:
        return _ALTS[name]
    suffix = next((s for s in ("_check", "_sensitivity") if name.endswith(s)), "")
    return _ALTS_OF_STYLES[suffix]
