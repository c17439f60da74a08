"""Do the intervals hold what they say, in each class and each decile of the true value too?

python -m tests.benchmarks.coverage RUN [--coverage 0.9] [--others FAMILY_FILE]

Validation rows calibrate and test rows are predicted, so that what choosing a model on validation did to its
intervals shows. Beside them stand intervals that are alike for all true values: numbers by one quantile of the
residuals over their difficulty, classes too. With --others, a family file that also holds sites which that of the
run does not (`ingest filter=none`), their novelty is held against that of test rows: area under the ROC curve.
"""

import argparse
from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from rankaae_cli.analysis.encoded import encode_spectra, encode_split
from rankaae_cli.analysis.prediction.calibration import Calibration, calibrate_prediction
from rankaae_cli.analysis.prediction.predictor import Predictor
from rankaae_cli.core.statistics.coverage import coverage_by_group
from rankaae_cli.core.statistics.novelty import Novelty, StyleDistances, novelty_signs
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.splits import TEST
from rankaae_cli.models.rankaae.trained import TrainedModel
from rankaae_cli.runs.load import load_run


def coverages(model: TrainedModel, family: Family, coverage: float) -> pd.DataFrame:
    """Return a row a class, or decile of the true value, of each descriptor, and a row of all its values."""
    training, validation, test = (encode_split(model, family, one) for one in ("train", "validation", "test"))
    own = calibrate_prediction(model, training, validation)
    of_own, of_alike = (Predictor(model, one, coverage, 0).predict(test) for one in (own, alike(own)))
    rows = []
    for k, name in enumerate(model.descriptor_names):
        columns = [
            (test.descriptors_NK[:, k], one.low_NK[:, k], one.high_NK[:, k], test.material_N)
            for one in (of_own, of_alike)
        ]
        classes = model.descriptor_classes.get(name)
        by_group, by_group_alike = (coverage_by_group(*one, classes) for one in columns)
        all_own, all_alike = (coverage_by_group(*one, [0.0])[0] for one in columns)
        pairs = [*zip(by_group, by_group_alike, strict=True), (replace(all_own, group="all"), all_alike)]
        for one, other in pairs:
            interval = dict(zip(("coverage_low", "coverage_high"), one.interval, strict=True))
            beside = {"alike_coverage": other.coverage, "alike_width": other.width}
            rows.append({"descriptor": name, **vars(one), **interval, **beside})
    return pd.DataFrame(rows).drop(columns="interval")


def alike(calibration: Calibration) -> Calibration:
    """Return a calibration by which intervals are alike for all true values."""
    none, zero = np.zeros(1), np.zeros(1, dtype=int)
    belt_K = [
        None if belt is None else replace(belt, knot_M=none, rank_M=zero, shares=np.empty(0))
        for belt in calibration.belt_K
    ]
    return replace(calibration, belt_K=belt_K, class_belt_K=[None] * len(belt_K))


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
        distance_N = StyleDistances(calibrated.training_TMS).of(encoded.coordinates_TNS)
        score[name] = novelty.score(novelty_signs(encoded.error_N, encoded.spread_NK, distance_N))
    label_N = np.repeat([0, 1], [len(score["test"]), len(score["other"])])
    auroc = roc_auc_score(label_N, np.concatenate([score["test"], score["other"]]))
    return float(auroc), len(score["test"]), len(score["other"])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("--coverage", type=float, default=0.9)
    parser.add_argument("--others")
    given = parser.parse_args()
    _, model, family = load_run(given.run)
    table = coverages(model, family, given.coverage)
    print(table.to_string(index=False, float_format="{:.3f}".format))
    whole = table[table.group == "all"]
    share, share_alike = (np.average(whole[one], weights=whole.n) for one in ("coverage", "alike_coverage"))
    print(f"of all values {share:.3f}, with intervals alike for all {share_alike:.3f}")
    if given.others:
        auroc, n_test, n_other = novelty_of_others(model, family, read_family(given.others))
        print(
            f"novelty of {n_other} other spectra against {n_test} of test: area under the ROC curve {auroc:.3f}"
        )


if __name__ == "__main__":
    main()
