"""Do the intervals hold what they say? Coverage and width over re-splits of validation and test by material.

python -m tests.benchmarks.coverage RUN [--splits 50] [--coverage 0.9] [--others FAMILY_FILE]

The networks stay as they are. In each re-split half of the materials of both sides calibrate, the other half are
predicted. Width is the mean of the intervals, beside that of intervals of one width (split-conformal). With
--others, a family file that also holds sites which the run's does not (`ingest filter=none`), the novelty of those
is held against that of test rows: area under the ROC curve.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

from rankaae_cli.analysis.encoded import encode_spectra, encode_split
from rankaae_cli.analysis.prediction.calibration import calibrate_prediction
from rankaae_cli.core.statistics.calibration import apply_calibration, fit_calibration
from rankaae_cli.core.statistics.conformal import Intervals, calibrate_intervals, difficulty_features
from rankaae_cli.core.statistics.novelty import Novelty, StyleDistances, novelty_signs, widening
from rankaae_cli.data.family.family_file import Family, read_family
from rankaae_cli.data.family.splits import TEST, VALIDATION
from rankaae_cli.models.rankaae.trained import TrainedModel
from rankaae_cli.runs.load import load_run


@dataclass(frozen=True)
class Coverage:
    """Of one descriptor, each value a mean over re-splits; `constant_` of intervals of one width."""

    share: float
    width: float
    constant_share: float
    constant_width: float


def coverages(
    model: TrainedModel, family: Family, splits: int, coverage: float, seed: int = 0
) -> dict[str, Coverage]:
    """Return coverage and width by descriptor over re-splits of validation and test rows."""
    held = family.with_rows((family.split_N == VALIDATION) | (family.split_N == TEST))
    encoded = encode_spectra(model, held.spectra_NE)
    styles_NK, spread_NK = encoded.ensemble_styles_NK, encoded.spread_NK
    features_KNF = difficulty_features(styles_NK, spread_NK, encoded.error_N)
    seen_by_all = encode_split(model, family, "train")
    distance_N = StyleDistances(seen_by_all.standardised_TNS).of(encoded.standardised_TNS)
    signs_N3 = novelty_signs(encoded.error_N, spread_NK, distance_N)
    materials, rng = np.unique(held.material_N.astype(str)), np.random.default_rng(seed)
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in model.descriptor_names}
    for _ in range(splits):
        chosen = rng.permutation(materials)[: len(materials) // 2]
        calibrates_N = np.isin(held.material_N.astype(str), chosen)
        wider_N = widening(Novelty.of(signs_N3[calibrates_N]).judge(signs_N3)[0])
        for k, name in enumerate(model.descriptor_names):
            true_N, known_N = held.descriptors_NK[:, k], np.isfinite(held.descriptors_NK[:, k])
            seen, new = calibrates_N & known_N, ~calibrates_N & known_N
            calibration = fit_calibration(styles_NK[seen, k], true_N[seen], held.material_N[seen])
            rows = calibrate_intervals(
                features_KNF[k][seen], styles_NK[seen, k], true_N[seen], held.material_N[seen]
            )
            assert calibration is not None and rows is not None, f"too few rows of {name}"
            off_N = np.abs(true_N[new] - apply_calibration(calibration, styles_NK[new, k]))
            half_N = Intervals(rows).half_width(features_KNF[k][new], coverage) * wider_N[new]
            constant = np.sort(np.abs(rows.residual_N))[
                min(int(np.ceil((len(rows.residual_N) + 1) * coverage)), len(rows.residual_N)) - 1
            ]
            found[name].append(
                ((off_N <= half_N).mean(), 2 * half_N.mean(), (off_N <= constant).mean(), 2 * constant)
            )
    return {name: Coverage(*map(float, np.mean(values, axis=0))) for name, values in found.items()}


def novelty_of_others(model: TrainedModel, family: Family, others: Family) -> tuple[float, int, int]:
    """Return the area under the ROC curve of novelty, test rows against those not in `family`; and the counts."""
    calibrated = calibrate_prediction(
        model, *(encode_split(model, family, split) for split in ("train", "validation"))
    )
    novelty = Novelty.of(calibrated.signs_N3)
    known = set(zip(family.material_N, family.site_N.tolist(), strict=True))
    rows = zip(others.material_N, others.site_N.tolist(), strict=True)
    other_NE = others.spectra_NE[[row not in known for row in rows]]
    score = {}
    for name, spectra_NE in (("test", family.spectra_NE[family.split_N == TEST]), ("other", other_NE)):
        encoded = encode_spectra(model, spectra_NE)
        distance_N = StyleDistances(calibrated.training_TMS).of(encoded.standardised_TNS)
        score[name] = novelty.score(novelty_signs(encoded.error_N, encoded.spread_NK, distance_N))
    label_N = np.repeat([0, 1], [len(score["test"]), len(score["other"])])
    auroc = roc_auc_score(label_N, np.concatenate([score["test"], score["other"]]))
    return float(auroc), len(score["test"]), len(score["other"])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("--splits", type=int, default=50)
    parser.add_argument("--coverage", type=float, default=0.9)
    parser.add_argument("--others")
    given = parser.parse_args()
    _, model, family = load_run(given.run)
    print(f"{given.splits} re-splits, coverage {given.coverage:g}")
    print(f"{'':<8}{'held':>8}{'width':>8}{'one width: held':>18}{'width':>8}")
    for name, one in coverages(model, family, given.splits, given.coverage).items():
        print(
            f"{name:<8}{one.share:>8.3f}{one.width:>8.3f}{one.constant_share:>18.3f}{one.constant_width:>8.3f}"
        )
    if given.others:
        auroc, n_test, n_other = novelty_of_others(model, family, read_family(given.others))
        print(
            f"novelty of {n_other} other spectra against {n_test} of test: area under the ROC curve {auroc:.3f}"
        )


if __name__ == "__main__":
    main()
