import h5py
import numpy as np
import pytest

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.detect import read_folder, read_measured
from tests.data.measured_scan import EDGES, chambers, mu, scan_energies

ENERGY = scan_energies(EDGES["Fe"])
MU = mu(ENERGY, EDGES["Fe"])
I0, ITRANS, IREFER = chambers(ENERGY, EDGES["Fe"])


def group(parent, name, kind):
    made = parent.create_group(name)
    made.attrs["NX_class"] = kind
    return made


def classic(file, mode="Transmission", name="entry1", unit="eV", absorbed=ITRANS, instrument="instrument"):
    """The application definition of 2010: NXxas.nxdl.xml in applications/."""
    entry = group(file, name, "NXentry")
    entry["definition"] = "NXxas"
    entry["title"], entry["start_time"] = "a scan", "2020-01-01T00:00:00"
    parts = group(entry, instrument, "NXinstrument")
    group(parts, "source", "NXsource")["name"] = "APS"
    parts["source"]["probe"] = "x-ray"
    energy = group(parts, "monochromator", "NXmonochromator").create_dataset(
        "energy", data=ENERGY / (1000 if unit == "keV" else 1)
    )
    energy.attrs["units"] = unit
    group(parts, "incoming_beam", "NXdetector")["data"] = I0
    group(parts, "absorbed_beam", "NXdetector")["data"] = absorbed
    group(entry, "sample", "NXsample")["name"] = "hematite"
    monitor = group(entry, "monitor", "NXmonitor")
    monitor["mode"], monitor["preset"], monitor["data"] = "timer", 1.0, np.full(len(ENERGY), 7.0)
    data = group(entry, "plot", "NXdata")
    if mode:
        data["mode"] = mode
    data["energy"], data["absorbed_beam"] = energy, parts["absorbed_beam/data"]
    return entry


def new(file, name="scan", intensity=MU, **flags):
    """The definition of 2024: NXxas.nxdl.xml in contributed_definitions/."""
    entry = group(file, name, "NXentry")
    entry["definition"] = "NXxas_trans"
    group(entry, "element", "NXelement")["symbol"] = "Fe"
    group(entry, "edge", "NXabsorption_edge")["name"] = "K"
    entry.create_dataset("energy", data=ENERGY).attrs["units"] = "eV"
    entry["intensity"] = intensity
    group(entry, "sample", "NXsample")["name"] = "hematite"
    for flag, value in flags.items():
        entry[flag] = value
    return entry


@pytest.fixture
def write(tmp_path):
    def call(*makers, **options):
        path = tmp_path / "file.nxs"
        with h5py.File(path, "w") as file:
            for maker in makers:
                maker(file, **options)
        return path

    return call


@pytest.mark.parametrize("unit", ["eV", "keV"])
@pytest.mark.parametrize("instrument", ["instrument", "beamline_20"])
def test_the_classic_definition_in_transmission(write, unit, instrument):
    (spectrum,) = read_measured(write(classic, unit=unit, instrument=instrument), element="Fe", edge="K")
    np.testing.assert_allclose(spectrum.energy_M, ENERGY)
    np.testing.assert_allclose(spectrum.mu_M, np.log(I0 / ITRANS))
    assert (spectrum.name, spectrum.element, spectrum.edge) == ("file", "Fe", "K")
    assert spectrum.columns_used == "log(i0/itrans)"
    assert spectrum.metadata["sample.name"] == "hematite"
    assert spectrum.metadata["facility.name"] == "APS"


@pytest.mark.parametrize("mode", ["Fluorescence", "Total Electron Yield"])
def test_the_classic_definition_in_a_yield(write, mode):
    (spectrum,) = read_measured(write(classic, mode=mode, absorbed=I0 * MU))
    np.testing.assert_allclose(spectrum.mu_M, MU)
    assert spectrum.columns_used == "ifluor/i0"


def test_a_mode_that_is_missing_or_unknown_is_asked_for(write):
    path = write(classic, mode=None)
    with pytest.raises(SpectrumError, match=r"data/mode is missing, .* choose, such as by .measured"):
        read_measured(path)
    (spectrum,) = read_measured(path, columns={"i0": "i0", "itrans": "absorbed"})
    np.testing.assert_allclose(spectrum.mu_M, np.log(I0 / ITRANS))
    with pytest.raises(SpectrumError, match="data/mode is 'sunshine', expected Transmission"):
        read_measured(write(classic, mode="Sunshine"))
    with pytest.raises(SpectrumError, match="there is no dataset 'nothing'; there are energy"):
        read_measured(write(classic), columns={"mu": "nothing"})


def test_the_newer_definition_with_a_reference(write):
    def maker(file):
        reference = group(new(file), "reference", "NXsubentry")
        reference["energy"], reference["intensity"] = ENERGY, 2 * MU

    (spectrum,) = read_measured(write(maker))
    np.testing.assert_allclose(spectrum.mu_M, MU)
    np.testing.assert_allclose(spectrum.reference_M, 2 * MU)
    assert (spectrum.element, spectrum.edge, spectrum.is_computed) == ("Fe", "K", False)


@pytest.mark.parametrize(("spelt", "edge"), [("K-edge", "K"), ("k", "K"), ("LIII", "L3"), ("L2 edge", "L2")])
def test_the_edge_may_be_spelt_in_any_way(write, spelt, edge):
    def maker(file):
        entry = new(file)
        del entry["edge/name"], entry["element/symbol"]
        entry["edge/name"], entry["element/symbol"] = spelt, "fe"

    (spectrum,) = read_measured(write(maker))
    assert (spectrum.element, spectrum.edge) == ("Fe", edge)


def test_kev_are_known_by_their_size_where_no_unit_is_given(write):
    def maker(file):
        entry = new(file)
        del entry["energy"]
        entry["energy"] = ENERGY / 1000

    (spectrum,) = read_measured(write(maker))
    np.testing.assert_allclose(spectrum.energy_M, ENERGY)
    assert spectrum.notes == ("energies in keV were multiplied by 1000",)


@pytest.mark.parametrize("flags", [{"is_experimental": False}, {"calculated": True}])
def test_calculated_spectra_are_flagged(write, flags):
    assert read_measured(write(new, **flags))[0].is_computed


def test_a_stack_and_several_entries_are_named_apart(write):
    path = write(new, lambda file: new(file, "stack", np.stack([MU, 2 * MU])))
    spectra = read_measured(path)
    assert [s.name for s in spectra] == ["file/scan", "file/stack/0", "file/stack/1"]
    np.testing.assert_allclose(spectra[2].mu_M, 2 * MU)


def test_a_bad_row_of_a_stack_costs_no_other(write):
    holed = np.where(ENERGY[40] < ENERGY, np.nan, MU)
    path = write(lambda file: new(file, "stack", np.stack([MU, holed, np.ones_like(MU), 2 * MU])))
    spectra, faults = read_folder(path)
    assert [s.name for s in spectra] == ["file/0", "file/3"]
    np.testing.assert_allclose(spectra[1].mu_M, 2 * MU)
    reasons = {p.name: reason for p, reason in faults}
    assert reasons.keys() == {"1", "2"}
    assert "NaN" in reasons["1"] and "constant" in reasons["2"]


def detectors(**columns):
    def maker(file):
        entry = group(file, "fe_foil", "NXentry")
        entry["definition"] = "NXxas"
        data = group(entry, "data", "NXdata")
        for name, values in columns.items():
            data[name] = values

    return maker


def test_stacks_of_other_lengths_are_refused(write):
    path = write(detectors(energy=ENERGY, i0=np.stack([I0, I0, I0]), itrans=np.stack([ITRANS, ITRANS])))
    with pytest.raises(SpectrumError, match=r"do not belong together \(i0 3, itrans 2\)"):
        read_measured(path)
    path = write(detectors(energy=np.stack([ENERGY, ENERGY + 1]), i0=I0, itrans=ITRANS))
    with pytest.raises(SpectrumError, match=r"do not belong together \(energy 2\)"):
        read_measured(path)


def test_each_row_of_a_stack_may_have_its_own_energies(write):
    image = np.ones((7, len(ENERGY)))  # of no use for an absorption, and no part of the stack
    stacks = {"energy": [ENERGY, ENERGY + 1], "itrans": [ITRANS, ITRANS**2]}
    spectra = read_measured(
        write(detectors(**{k: np.stack(v) for k, v in stacks.items()}, i0=I0, image=image))
    )
    np.testing.assert_allclose(spectra[0].energy_M, ENERGY)
    np.testing.assert_allclose(spectra[1].energy_M, ENERGY + 1)
    np.testing.assert_allclose(spectra[1].mu_M, np.log(I0 / ITRANS**2))
    (one,) = read_measured(write(detectors(energy=ENERGY[None], i0=I0[None], itrans=ITRANS)))
    np.testing.assert_allclose(one.mu_M, np.log(I0 / ITRANS))
    assert one.name == "file"


SHARES = np.array([[0.1], [0.2], [0.3], [0.15]])


@pytest.mark.parametrize("orientation", [np.asarray, np.transpose])
def test_channels_of_fluorescence_beside_one_i0_are_summed(write, orientation):
    channels = orientation(SHARES * MU * I0)
    (spectrum,) = read_measured(write(detectors(energy=ENERGY, i0=I0, ifluor=channels)))
    np.testing.assert_allclose(spectrum.mu_M, 0.75 * MU)
    assert (spectrum.name, spectrum.notes) == ("file", ("4 channels of fluorescence were summed",))
    (classical,) = read_measured(write(classic, mode="Fluorescence", absorbed=channels))
    np.testing.assert_allclose(classical.mu_M, 0.75 * MU)


def test_numbered_channels_are_summed_and_lists_may_choose(write):
    columns = {f"fluor_{i}": s * MU * I0 for i, s in enumerate(SHARES[:, 0], 1)}
    path = write(detectors(energy=ENERGY, i0=I0, **columns))
    (spectrum,) = read_measured(path)
    np.testing.assert_allclose(spectrum.mu_M, 0.75 * MU)
    assert spectrum.notes == ("4 channels of fluorescence, fluor_1 to fluor_4, were summed",)
    np.testing.assert_allclose(read_measured(path, columns={"ifluor": "ifluor"})[0].mu_M, 0.75 * MU)
    two = read_measured(path, columns={"ifluor": ["fluor_2", "fluor_3"]})[0]
    np.testing.assert_allclose(two.mu_M, 0.5 * MU)


def test_stacks_of_fluorescence_with_their_own_i0_stay_apart(write):
    spectra = read_measured(
        write(detectors(energy=ENERGY, i0=np.stack([I0, 2 * I0]), ifluor=np.stack([MU * I0, MU * I0])))
    )
    np.testing.assert_allclose(spectra[1].mu_M, 0.5 * MU)


def bliss(file):
    """As BLISS writes at the ESRF: entries by number, all that was counted in a collection."""
    for number in ("1.1", "2.1"):
        entry = group(file, number, "NXentry")
        entry["title"] = "fscan energy"
        measured = group(entry, "measurement", "NXcollection")
        measured.create_dataset("energy_enc", data=ENERGY / 1000).attrs["units"] = "keV"
        measured["mon"], measured["det_a"], measured["short"] = I0, ITRANS, ITRANS[:-1]
        for i, share in enumerate(SHARES[:2, 0]):
            measured[f"roi_{i}"] = share * MU * I0
        group(entry, "instrument", "NXinstrument")["energy"] = 7.1


def test_collections_are_searched_for_the_names_that_are_given(write):
    path = write(bliss)
    with pytest.raises(
        SpectrumError, match=r"1.1: no absorption among the columns energy, det_a, i0, roi_0, .*\{mu:roi_1\}"
    ):
        read_measured(path)
    names = {"energy": "energy_enc", "i0": "mon"}
    spectra = read_measured(path, columns={**names, "itrans": "det_a"}, element="Fe", edge="K")
    assert [s.name for s in spectra] == ["file/1.1", "file/2.1"]
    np.testing.assert_allclose(spectra[0].energy_M, ENERGY)
    np.testing.assert_allclose(spectra[1].mu_M, np.log(I0 / ITRANS))
    summed = read_measured(path, columns={**names, "ifluor": ["roi_0", "measurement/roi_1"]})
    np.testing.assert_allclose(summed[0].mu_M, 0.3 * MU)
    with pytest.raises(
        SpectrumError, match="there is no dataset 'energie'; there are energy, title, det_a, energy_enc"
    ):
        read_measured(path, columns={**names, "energy": "energie"})
    with pytest.raises(SpectrumError, match=r"'short' is of the shape \(\d+,\), expected \d+ points"):
        read_measured(path, columns={**names, "itrans": "short"})
    with pytest.raises(SpectrumError, match="'title' is no array of numbers"):
        read_measured(path, columns={**names, "energy": "title"})


def test_a_chosen_dataset_is_taken_before_another_of_the_same_meaning(write):
    def both(file):
        entry = new(file)
        entry["i0"], entry["mon"], entry["itrans"] = np.full(len(ENERGY), 3.0), I0, ITRANS

    path = write(both)
    (spectrum,) = read_measured(path, {"energy": "energy", "i0": "mon", "itrans": "itrans"})
    np.testing.assert_allclose(spectrum.mu_M, np.log(I0 / ITRANS), atol=1e-9)


def test_the_energies_are_those_that_are_chosen(write):
    def maker(file):
        new(file)["encoder"] = ENERGY + 3.0

    np.testing.assert_allclose(read_measured(write(maker))[0].energy_M, ENERGY)
    np.testing.assert_allclose(read_measured(write(maker), columns=["encoder", "mu"])[0].energy_M, ENERGY + 3)

    def unmarked(file):
        file["scan/encoder"], file["scan/signal"] = ENERGY, MU

    with pytest.raises(SpectrumError, match="HDF5 without an NXentry"):
        read_measured(write(unmarked))
    np.testing.assert_allclose(read_measured(write(unmarked), columns=["encoder", "signal"])[0].mu_M, MU)


@pytest.mark.parametrize("said", ["False", b"no", 0, np.array([False]), np.array([]), h5py.Empty("f8")])
def test_a_flag_may_be_a_word_or_empty(write, said):
    assert not read_measured(write(new, calculated=said))[0].is_computed


@pytest.mark.parametrize("said", ["True", "yes", 1])
def test_a_flag_may_be_any_word_for_true(write, said):
    assert read_measured(write(new, calculated=said))[0].is_computed


def test_the_layout_after_xdi(write):
    def maker(file):
        entry = group(file, "fe_foil", "NXentry")
        entry["definition"] = "NXxas"
        data = group(entry, "data", "NXdata")
        data["energy"], data["i0"], data["itrans"], data["irefer"] = ENERGY, I0, ITRANS, IREFER
        data["element"], data["edge"] = "Fe", "K"

    (spectrum,) = read_measured(write(maker))
    assert (spectrum.element, spectrum.edge, spectrum.columns_used) == ("Fe", "K", "log(i0/itrans)")
    np.testing.assert_allclose(spectrum.reference_M, np.log(ITRANS / IREFER))


def test_processed_spectra(write):
    def maker(file):
        entry = group(file, "entry1", "NXentry")
        entry["definition"] = "NXxasproc"
        data = group(entry, "data", "NXdata")
        data["energy"], data["data"] = ENERGY, MU

    np.testing.assert_allclose(read_measured(write(maker))[0].mu_M, MU)


def test_entries_that_hold_none_are_named_and_stop_no_other(write):
    def other(file):
        group(file, "other", "NXentry")["definition"] = "NXsas"

    def empty(file):
        group(file, "empty", "NXentry")["definition"] = "NXxas"

    spectra, faults = read_folder(write(new, other, empty))
    assert len(spectra) == 1
    assert {p.name: reason for p, reason in faults} == {
        "other": "the entry is of the definition NXsas, expected NXxas",
        "empty": "the entry has no energies: expected monochromator/energy, data/energy or energy, or names, "
        "such as by 'measured.columns={energy:energy_enc,mu:mu}'",
    }


def test_hdf5_of_another_kind_is_named(tmp_path, write):
    with pytest.raises(SpectrumError, match="HDF5 without an NXentry"):
        read_measured(write(lambda file: file.create_dataset("x", data=[1, 2])))
    data = write(new).read_bytes()
    path = tmp_path / "half.nxs"
    # Cut short; and with bytes put in, so that the addresses are wrong.
    for damaged in (data[:3000], data[:66] + data[2:]):
        path.write_bytes(damaged)
        with pytest.raises(SpectrumError, match="HDF5"):
            read_measured(path)
