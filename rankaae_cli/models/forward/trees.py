"""Extremely randomised trees from features to spectra: what a forward model is measured against."""

import numpy as np

from rankaae_cli.models.forward.gaussian_process import moments, standardised

_COMPONENTS = 40  # which the spectra are fitted in; what is beyond is less than the trees' error


def simulate_by_trees(
    features_MF: np.ndarray,
    spectra_ME: np.ndarray,
    asked_NF: np.ndarray,
    *,
    trees: int,
    min_samples_leaf: int,
    max_features: float,
    seed: int,
    threads: int,
) -> np.ndarray:
    """Fit extremely randomised trees (Geurts et al., Mach. Learn. 63, 3 (2006)) and simulate other rows.

    Parameters
    ----------
    features_MF, spectra_ME
        Of the rows to fit to.
    asked_NF
        Of those to simulate.
    trees, min_samples_leaf, max_features, seed, threads
        Of the forest.

    Returns
    -------
    numpy.ndarray
        Spectra, shape (N, E).
    """
    # scikit-learn takes a second to load, which evaluations without trees need not wait for.
    from sklearn.ensemble import ExtraTreesRegressor

    of_rows = moments(features_MF)
    mean_E = spectra_ME.mean(axis=0, dtype=np.float64)
    basis_CE = np.linalg.svd(spectra_ME - mean_E, full_matrices=False)[2][:_COMPONENTS]
    forest = ExtraTreesRegressor(
        trees,
        min_samples_leaf=min_samples_leaf,
        max_features=max_features,
        random_state=seed,
        n_jobs=threads,
    )
    forest.fit(standardised(features_MF, *of_rows), (spectra_ME - mean_E) @ basis_CE.T)
    return np.asarray(mean_E + forest.predict(standardised(asked_NF, *of_rows)) @ basis_CE)
