import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.kernel_ridge import KernelRidge as ByScikitLearn

from rankaae_cli.models.supervised.inputs import DERIVATIVES, input_columns
from rankaae_cli.models.supervised.ridge import KernelRidge, fit_kernel_ridge
from rankaae_cli.models.supervised.settings import KernelRidgeSettings

RIDGE = KernelRidgeSettings(components=6, gamma=0.7, alpha=0.05)


def silent(done, total, standing):
    pass


def test_kernel_ridge_is_that_of_scikit_learn(rows, held_out):
    """Fitted to descriptors less their mean."""
    baseline = fit_kernel_ridge(rows, RIDGE, DERIVATIVES, 1, 0, 1, silent)
    features_NF, test_NF = (input_columns(s, DERIVATIVES) for s in (rows.train_NE, held_out[0]))
    mean, deviation = features_NF.mean(0), features_NF.std(0)
    pca = PCA(6, svd_solver="full").fit((features_NF - mean) / deviation)
    train_NC, test_NC = (pca.transform((f - mean) / deviation) for f in (features_NF, test_NF))
    gamma = 0.7 / (train_NC**2).sum(axis=1).mean()
    read_NK = baseline.read(held_out[0])[0]
    for k in (0, 1):
        known_N = np.isfinite(rows.train_NK[:, k])
        value_N = rows.train_NK[known_N, k]
        fit = ByScikitLearn(kernel="rbf", gamma=gamma, alpha=0.05).fit(
            train_NC[known_N], value_N - value_N.mean()
        )
        np.testing.assert_allclose(read_NK[:, k], fit.predict(test_NC) + value_N.mean(), atol=2e-5)
    assert np.isnan(read_NK[:, 2]).all()


def test_each_of_several_trials_leaves_other_rows_out(rows, held_out):
    fitted = fit_kernel_ridge(rows, RIDGE, ("spectrum",), 3, 0, 1, silent)
    used_TM = fitted.weights_TKM[:, 1] != 0
    assert (used_TM.sum(axis=1) == 240).all() and not (used_TM[0] == used_TM[1]).all()
    read_TNK = fitted.read(held_out[0])
    assert read_TNK.shape == (3, 120, 3) and (read_TNK[:, :, :2].std(axis=0) > 0).all()
    again = fit_kernel_ridge(rows, RIDGE, ("spectrum",), 3, 0, 1, silent)
    np.testing.assert_array_equal(again.read(held_out[0]), read_TNK)


def test_content_reads_as_what_was_fitted(rows, held_out):
    fitted = fit_kernel_ridge(rows, RIDGE, ("spectrum",), 2, 0, 1, silent)
    np.testing.assert_array_equal(
        KernelRidge.restored(fitted.content(), 30).read(held_out[0]), fitted.read(held_out[0])
    )


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("mean_F", lambda t: t[:-1], "does not fit spectra of 30 points"),
        ("axes_FC", lambda t: t.T, "does not fit spectra of 30 points"),
        ("weights_TKM", lambda t: t[..., 1:], "more or fewer weights"),
        ("train_MC", lambda t: t * float("nan"), "not finite"),
    ],
)
def test_content_tampered_with_is_refused(rows, name, change, message):
    content = fit_kernel_ridge(rows, RIDGE, ("spectrum",), 2, 0, 1, silent).content()
    with pytest.raises(ValueError, match=message):
        KernelRidge.restored({**content, name: change(content[name])}, 30)
