from types import SimpleNamespace

import pytest

from rankaae_cli.data.family.rejections import Rejection, rejected_csv
from rankaae_cli.reports.run.origin import facts, reasons_left_out, rejected_lists, rejected_sites

FEW = "coordination number 2, expected 4 to 6"


@pytest.fixture
def data(tmp_path):
    """Two data files with their lists; only the lists are there, which is all that is read."""
    files = [tmp_path / name for name in ("a.h5", "b.h5")]
    rejected = [
        [Rejection("mp-1", "0", FEW), Rejection("mp-1", "1", FEW)],
        [Rejection("mp-2", "3", 'said "no", twice')],
    ]
    for path, some in zip(rejected_lists(files), rejected, strict=True):
        path.write_text(rejected_csv(some))
    return files


def told(data):
    """What the page and what the texts for papers are made from."""
    return rejected_sites(data), reasons_left_out(rejected_lists(data))


def test_page_and_papers_count_the_same_sites(data):
    page, reasons = told(data)
    assert reasons == [FEW, FEW, 'said "no", twice']
    assert page["file"] == "a.h5.rejected.csv, b.h5.rejected.csv" and page["sites"] == 3
    assert page["reasons"][0] == (FEW, 2)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "material,site\nmp-1,0\n",
        "material,site,reason\nmp-1,0\n",
        "material,site,reason\nmp-1,0,few\nmp-1",
        "material,site,reason\nmp-1,0,few,more\n",
    ],
)
def test_a_list_that_is_gone_or_damaged_leaves_the_number_unknown(data, text):
    (path,) = rejected_lists(data[1:])
    path.unlink()
    if text is not None:
        path.write_text(text)
    page, reasons = told(data)
    assert page["sites"] is None and reasons is None


def test_the_page_counts_sites_by_the_reason_of_their_label(data):
    model = SimpleNamespace(
        energy_unit="eV",
        energy_E=[0.0, 1.0],
        is_synthetic=False,
        source="feff",
        fidelity="FEFF",
        normalisation="",
    )
    family = SimpleNamespace(rankaae_version="", created="", split_by="material")
    provenance = {"data": [{"path": str(path), "sha256": ""} for path in data]}
    table = data[0].with_name("a.h5.labels.csv")
    table.write_text(
        "material,site,descriptor,label,bond_valence_sum,reason\n" + "m,0,OS,2,2.1,charge balance\n" * 3
    )
    shown = [
        value for name, value in facts(model, family, provenance, {}) if name.startswith("Sites by reason")
    ]
    assert shown == ["charge balance 3"]
    table.write_text("damaged")
    assert not any(name.startswith("Sites by") for name, _ in facts(model, family, provenance, {}))
