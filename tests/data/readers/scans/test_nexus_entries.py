"""Entries wherever they lie in a NeXus file, raw data of BLISS, and links."""

import tracemalloc

import h5py
import numpy as np
import pytest

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.detect import read_folder, read_measured
from tests.data.readers.scans.test_nexus_xas import ENERGY, I0, ITRANS, MU, SHARES, group, new


@pytest.fixture
def write(tmp_path):
    def call(maker):
        with h5py.File(tmp_path / "file.nxs", "w") as file:
            maker(file)
        return tmp_path / "file.nxs"

    return call


def raw(file, path="1.1", **datasets):
    """An entry of raw data as BLISS writes it, without a spectrum that is known by its names."""
    entry = group(file, path, "NXentry")
    entry["title"] = "fscan energy 7 8"
    group(entry, "sample", "NXsample")["name"] = "olivine"
    instrument = group(entry, "instrument", "NXinstrument")
    group(instrument, "source", "NXsource")["name"] = "ESRF"
    counted = group(entry, "measurement", "NXcollection")
    for name, values in {"energy_enc": ENERGY / 1000, "p201_1": I0, "p201_3": ITRANS, **datasets}.items():
        group(instrument, name, "NXdetector")["data"] = values
        counted[name] = h5py.SoftLink(f"{instrument.name}/{name}/data")
    return entry


def subentry(parent, name, kind="NXsubentry", factor=1.0, definition="NXxas"):
    entry = group(parent, name, kind)
    entry["definition"] = definition
    group(entry, "element", "NXelement")["symbol"] = "Fe"
    entry["absorption_edge"] = "K"
    entry["energy"], entry["intensity"] = ENERGY, factor * MU
    plot = group(entry, "plot", "NXdata")
    plot["energy"], plot["intensity"] = (h5py.SoftLink(f"{entry.name}/{k}") for k in ("energy", "intensity"))
    return entry


def test_subentries_beside_raw_data_are_read(write):
    def maker(file):
        for number in ("1.1", "2.1"):
            entry = raw(file, number)
            for i, name in enumerate(("fluo0", "fluo1", "itrans")):
                subentry(entry, name, factor=i + 1.0)
            subentry(entry, "saxs", definition="NXsas")
        raw(file, "3.1")

    spectra, faults = read_folder(write(maker))
    names = [f"{n}/{kind}" for n in ("1.1", "2.1") for kind in ("fluo0", "fluo1", "itrans")]
    assert [s.name for s in spectra] == [f"file/{name}" for name in names]
    np.testing.assert_allclose(spectra[2].mu_M, 3 * MU)
    assert {(s.element, s.edge, s.metadata["sample.name"]) for s in spectra} == {("Fe", "K", "olivine")}
    assert {(s.metadata["facility.name"], s.metadata["sample.title"]) for s in spectra} == {
        ("ESRF", "fscan energy 7 8")
    }
    # The raw scan that no subentry belongs to is named; what is of another technique is left out.
    assert [path.name for path, _ in faults] == ["3.1"]


@pytest.mark.parametrize("path", ["ap1/ap1", "a/b/c/d/e/f/scan", "session/2024/1.1/xas"])
@pytest.mark.parametrize("kind", ["NXentry", "NXsubentry", None])
def test_entries_lie_at_any_depth(write, path, kind):
    def maker(file):
        parent, _, name = path.rpartition("/")
        place = file.create_group(parent)
        if parent == "ap1":
            place.attrs["NX_class"] = "NXentry"
        subentry(place, name, kind or "")
        if kind is None:
            del place[name].attrs["NX_class"]

    (spectrum,) = read_measured(write(maker))
    np.testing.assert_allclose(spectrum.mu_M, MU)
    assert (spectrum.name, spectrum.element, spectrum.edge) == ("file", "Fe", "K")


def test_links_and_loops_of_links_do_no_harm(write, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        subentry(other, "far", factor=2.0)
        other["back"] = h5py.ExternalLink("file.nxs", "/")

    def maker(file):
        entry = raw(file, "1.1")
        scan = subentry(entry, "fluo")
        file["an_alias"] = h5py.SoftLink("/1.1/fluo")
        file["again"] = entry  # a second name of the same group
        scan["up"], scan["hard_up"], scan["itself"] = h5py.SoftLink("/1.1"), entry, scan
        scan["plot/whole"] = h5py.SoftLink("/")
        file["nothing"], file["nowhere"] = h5py.SoftLink("/none"), h5py.ExternalLink("none.h5", "/")
        entry["measurement/gone"] = h5py.ExternalLink("none.h5", "/x")
        file["z_other"] = h5py.ExternalLink("other.h5", "/far")
        file["z_all"] = h5py.ExternalLink("other.h5", "/")

    spectra, faults = read_folder(write(maker))
    own = [s for s in spectra if s.path.name == "file.nxs"]
    assert [s.name.removeprefix("file.nxs/").removeprefix("file/") for s in own] == ["1.1/fluo", "z_all/far"]
    np.testing.assert_allclose(own[1].mu_M, 2 * MU)
    assert faults == []


def test_a_scan_of_bliss_is_read_by_names_that_are_known(write):
    """The encoder rather than the motor, and the counters, in whichever of the scans they are."""

    def maker(file):
        moved = {"mon": I0, "mu_trans": MU, "mca": np.ones((len(ENERGY), 9))}
        entry = raw(file, "1.1", **moved)
        group(entry["instrument"], "energy", "NXpositioner")["value"] = ENERGY / 1000 + 1e-4
        entry["measurement/energy"] = h5py.SoftLink("/1.1/instrument/energy/value")
        raw(file, "2.1", I0=I0, I1=ITRANS)
        raw(file, "3.1", energy_enc=np.full(len(ENERGY), 7.1), I0=I0)["measurement/samy"] = ENERGY
        file["1.1/instrument/energy_enc/data"].attrs["units"] = "keV"
        ascan = raw(file, "4.1")
        del ascan["measurement/energy_enc"], ascan["instrument/energy_enc"]

    spectra, faults = read_folder(write(maker), element="Fe", edge="K")
    assert [(s.name, s.columns_used) for s in spectra] == [
        ("file/1.1", "mutrans"),
        ("file/2.1", "log(i0/itrans)"),
    ]
    for spectrum in spectra:
        np.testing.assert_allclose(spectrum.energy_M, ENERGY)
        assert "the energies are those of energy_enc" in spectrum.notes
    np.testing.assert_allclose(spectra[1].mu_M, np.log(I0 / ITRANS))
    assert {path.name: reason.split(":")[0] for path, reason in faults} == {
        "3.1": "the entry has no energies",
        "4.1": "the entry has no energies",
    }


def test_the_channels_of_a_detector_beside_the_encoder_are_summed(write):
    channels = {f"fluor_{i:02d}": share * MU * I0 for i, share in enumerate(SHARES[:, 0])}
    (spectrum,) = read_measured(write(lambda file: raw(file, I0=I0, **channels)), element="Fe")
    np.testing.assert_allclose(spectrum.mu_M, 0.75 * MU)


def test_the_regions_of_the_absorbers_line_are_its_fluorescence(write):
    """As BLISS names them: the detector, its element, the region of interest."""
    regions = {f"fx1_det{i}FeKa": share * MU * I0 for i, share in enumerate(SHARES[:, 0])}
    regions["fx1_det0CuKa"] = np.ones_like(I0)
    (spectrum,) = read_measured(write(lambda file: raw(file, I0=I0, **regions)), element="Fe", edge="K")
    np.testing.assert_allclose(spectrum.mu_M, 0.75 * MU)


def test_the_advice_for_unknown_names_can_be_followed(write):
    path = write(raw)
    with pytest.raises(SpectrumError, match="no absorption among") as error:
        read_measured(path, element="Fe", edge="K")
    assert "'measured.columns={i0:p201_1,itrans:p201_3}'" in str(error.value)
    (spectrum,) = read_measured(path, {"i0": "p201_1", "itrans": "p201_3"}, element="Fe", edge="K")
    np.testing.assert_allclose(spectrum.mu_M, np.log(I0 / ITRANS))


def test_names_choose_among_raw_data_beside_subentries(write):
    def maker(file):
        subentry(raw(file), "fluo")

    names = {"energy": "energy_enc", "i0": "p201_1", "itrans": "p201_3"}
    (spectrum,) = read_measured(write(maker), columns=names, element="Fe", edge="K")
    np.testing.assert_allclose(spectrum.mu_M, np.log(I0 / ITRANS))


def test_groups_of_no_class_are_read_where_they_have_energies(write):
    def maker(file):
        for path, factor in (("a/scan", 1.0), ("a/data", 2.0), ("b/scan/data", 3.0)):
            file[f"{path}/energy"], file[f"{path}/mu"] = ENERGY, factor * MU

    spectra = read_measured(write(maker))
    assert [s.name for s in spectra] == ["file/a", "file/a/scan", "file/b/scan"]

    def at_the_top(file):
        file["energy"], file["mu"] = ENERGY, MU

    np.testing.assert_allclose(read_measured(write(at_the_top))[0].mu_M, MU)


def test_arrays_that_are_no_columns_stay_in_the_file(write):
    """As many values as a detector of images writes: they would not fit into memory."""

    def maker(file):
        entry = subentry(raw(file), "fluo")
        for place in (entry, file["1.1/measurement"], file["1.1/instrument"]):
            shape = (2**16, len(ENERGY))
            place.create_dataset("ifluor", shape=shape, dtype=np.float64, chunks=(256, len(ENERGY)))

    path = write(maker)
    assert path.stat().st_size < 2**20
    tracemalloc.start()
    (spectrum,) = read_measured(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_allclose(spectrum.mu_M, MU)
    assert peak < 20 * 2**20
    with pytest.raises(SpectrumError, match="the dataset 'ifluor' is no array of numbers"):
        read_measured(path, columns={"energy": "energy", "i0": "intensity", "ifluor": "ifluor"})


def test_a_damaged_entry_costs_no_other(write):
    def maker(file):
        new(file, "a")
        entry = new(file, "b")
        del entry["intensity"]
        entry.create_dataset("intensity", data=MU, chunks=(len(MU),), compression="gzip")
        new(file, "c")

    path = write(maker)
    with h5py.File(path, "r") as file:
        chunk = file["b/intensity"].id.get_chunk_info(0)
    data = bytearray(path.read_bytes())
    data[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    path.write_bytes(data)
    spectra, faults = read_folder(path)
    assert [s.name for s in spectra] == ["file/a", "file/c"]
    assert [(p.name, reason) for p, reason in faults] == [("b", "HDF5 that is damaged or cut short")]


def test_a_damaged_heap_of_texts_is_refused(write):
    """HDF5 would go round in it for ever: free space of no size, behind a text whose place is shifted."""
    path = write(raw)
    data = path.read_bytes()
    heap = data.index(b"GCOL")
    path.write_bytes(data[: heap + 16] + bytes(16) + data[heap + 32 :])
    with pytest.raises(SpectrumError, match="an HDF5 file that is damaged"):
        read_measured(path)
    path.write_bytes(data)  # and what is whole is not taken for it
    assert read_measured(path, {"i0": "p201_1", "itrans": "p201_3"}, element="Fe", edge="K")
