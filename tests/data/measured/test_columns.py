"""Columns that are known by what beamlines and control programs call them."""

import numpy as np
import pytest

from rankaae_cli.data.measured.columns import ColumnChoice, abscissa_index, canonical, labelled, labels_of


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("I1", "itrans"),
        ("It(V)", "itrans"),
        ("If (cps)", "ifluor"),
        ("Energy[keV]", "energy"),
        ("I0 {nA}", "i0"),
        ("Energy <eV>", "energy"),
        ("mu(E)", "mu"),
        ("mu (ref)", "mu_(ref)"),
        ("I0 (dark)", "i0_(dark)"),
        ("fluo(2)", "fluo(2)"),
    ],
)
def test_units_of_any_kind_are_no_part_of_a_name(name, label):
    assert canonical(name) == label


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        ("Energy|I0|I|Ir", "energy|i0|itrans|irefer"),
        ("Energy|I0_KEITHLEY1|I1_KEITHLEY2", "energy|i0|itrans"),
        ("Mono Energy|preset time|I0-32|It-32|Iref-32", "energy|preset_time|i0|itrans|irefer"),
        ("clock|Requested Energy|Achieved Energy|I0|I1", "clock|requested_energy|energy|i0|itrans"),
        ("mono:Energy:sp|mono:Energy|mono:Energy:fbk", "mono:energy:sp|mono:energy|energy"),
        ("Energia|Curta|Longa|Amostra|Fluorescencia", "energy|i0|itrans|mutrans|mufluor"),
        # What is called as XDI does counts before what is called alike.
        ("I0_EH1|energy|i0|mu", "i0_eh1|energy|i0|mu"),
        ("Energy_enc|energy|mu", "energy_enc|energy|mu"),
        # Other energies, and other things of a detector.
        ("ring energy|edge energy|E_und", "ring_energy|edge_energy|e_und"),
        ("energy|I0_gain|I0_dark|It_time", "energy|i0_gain|i0_dark|it_time"),
        ("energy|I0_a|If-1|If-2", "energy|i0|if_1|if_2"),
    ],
)
def test_likely_labels_stand_in_for_those_that_lack(names, labels):
    assert labels_of(names.split("|")) == labels.split("|")


def test_channels_are_summed_although_the_monitor_has_a_longer_name():
    values = [np.arange(3.0) * n for n in (1, 2, 3, 4)]
    columns, note = labelled(["energy", "I0_a", "If-1", "If-2"], values, ColumnChoice())
    np.testing.assert_array_equal(columns["ifluor"], values[2] + values[3])
    np.testing.assert_array_equal(columns["i0"], values[1])
    assert note == "2 channels of fluorescence, If-1 to If-2, were summed"


def test_the_time_of_day_is_no_energy():
    assert abscissa_index(["date", "time", "position", "mu"], ColumnChoice()) == 2
