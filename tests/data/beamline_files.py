"""Files as beamlines and control programs write them, of an iron compound made by hand."""

import numpy as np

from tests.data.measured_scan import chambers, mu, scan_energies

EDGE = 7112.0
ENERGY = scan_energies(EDGE)
MU = mu(ENERGY, EDGE)
I0, IT, IR = (np.round(counts) for counts in chambers(ENERGY, EDGE))
IF = np.round(0.02 * I0 * MU)
D_111 = 3.13551
DEGREES = np.degrees(np.arcsin(12398.41984 / (2 * D_111 * ENERGY)))
ONE = np.ones_like(ENERGY)


def rows(*columns, form="{:.10g}", separator=" "):
    return "".join(separator.join(form.format(v) for v in row) + "\n" for row in zip(*columns, strict=True))


def photon_factory(modes="0         0         1         2", signals=(I0, IT)):
    head = f"""  9809     KEK-PF   BL00
made-up          01.01.20 10:00 - 01.01.20 10:20 Serial#X
 oxide on tape
 Ring :   2.5 GeV   425.1 mA -  449.9 mA
 Mono :   Si(111)       D=  {D_111} A    Initial angle= 16.47380 deg
 BL00      Transmission( 2)   Repetition=  1     Points=  {len(ENERGY)}
 Param file : made-up      energy axis(2)     Block =    3

 Block      Init-Eng  Final-Eng      Step/eV     Time/s       Num
     1        6962.00   7092.00         5.00       1.00        26
     2        7092.00   7157.00         0.40       2.00       163
     3        7157.00   7712.00         2.00       3.00       278
 Ortec(-1)     NDCH = {len(signals) + 1}
  Angle(c)  Angle(o)    time/s         2         3
      Mode         {modes}
    Offset         0         0  7753.700  7157.100
"""
    return head + rows(DEGREES + 0.02, DEGREES, ONE, *signals)


def ssrl():
    head = """SSRL   EXAFS Data Collector 1.3
Sun Jan 01 00:13:57 2006
PTS:        467 COLS:          6
TRANS.DET
2-3 unfocused  0.000 -2 Si(220) 1.920156   100000
4 2000 25 RST 0 0
made up, an oxide


Weights:
 1.000  1.000  1.000  1.000  1.000  1.000
Offsets:
 0.000  0.000  0.000  144.200  133.500  238.300
Data:
Real time clock
Requested Energy
Achieved Energy
I0
I1
I2

"""
    return head + rows(ONE, ENERGY + 5, ENERGY, I0, IT, IR)


def srs(elements=9, end=""):
    head = """ &SRS
 SRSRUN=12345,SRSDAT=080713,SRSTIM=024850,
 SRSSTN='D26 ',SRSPRJ='made up ',SRSEXP='exafs   ',
 SRSTLE='oxide                                                       '
 SRSCN1='one     ',SRSCN2='two     ',SRSCN3='three   ',
 &END
"""
    millidegrees = 1000 * np.degrees(np.arcsin(12398.41984 / (2 * 3.13543 * ENERGY)))
    lines = []
    for row in zip(
        millidegrees, 1000 * ONE, I0, IT, IF, IR, *[IF / max(elements, 1)] * elements, strict=True
    ):
        lines.append("".join(f"{v:14.4f}" for v in row[:6]))
        for start in range(6, len(row), 4):
            lines.append("".join(f"{v:14.4f}" for v in row[start : start + 4]) + " ")
    return head + "\n".join(lines) + "\n" + end


def lnls():
    names = (
        "Data",
        "Hora",
        "Energia",
        "Curta",
        "Longa",
        "Media",
        "Ge15",
        "Amostra",
        "Referencia",
        "Fluorescencia",
    )
    lines = ["\t".join(f'"{name}"' for name in names)]
    for i, (e, i0, it, f) in enumerate(zip(ENERGY, I0, IT, IF, strict=True)):
        time = f"{13 + i // 3600}:{i // 60 % 60:02}:{i % 60:02}"
        values = (e, i0, it, 1, f, np.log(i0 / it), 0, f / i0)
        lines.append("\t".join(["04/07/12", time, *(f"{v:.8g}" for v in values)]))
    return "\n".join(lines) + "\n"


def xdac():
    head = """XDAC V1.4 Datafile V1
"made_up.002" created on 6/27/11 at 2:22:40 PM on X-00A
Diffraction element= Si (311).  Ring energy= 2.80 GeV
E0= 7112.00
NUM_REGIONS= 4
SRB= -200 -20 30 60 13k
SRSS= 10 0.25 0.05k 0.05k
SPP= 1 1 1 0.25k
Settling time= 0.20


Offsets= 103.00 58.00 0.00 0.00 0.00
Gains= 8.00 9.00 0.00 0.00 8.00
Fe edge, made up

--------------------------------------------------------------------------------
        Energy            I0            It         Ifch1         Ifch2          Iref       IntTime
"""
    return head + rows(ENERGY, I0, IT, IF / 2, IF / 2, IR, ONE, form="{:14.4f}")


def labview(labels, *columns):
    names = "".join(f"{name:21}" for name in labels)
    head = f"""# 1-D Scan File created by LabVIEW Control Panel  7/9/2019  1:00:29 PM; Scan time 0 hrs 9 min 56 sec.
#
# Beamline 9 BM
#
# Scan config:
#                 E0: 7112.00 eV   467 points
#        Scan bounds:  -250.00 -15.00 30.00 855.51 (14.98 (k))
#
# Slit Info:
# C Slits:  Center is at 802.5 (H), 1550.2 (V)   Size is 1000.1 wide x 1000.1 high
#
# Column Headings:
#{names}
"""
    return head + rows(*columns, form="{:20.8f} ")


def epics_scan():
    head = """; Epics Scan 1 dimensional scan
;  current scan  = 1
;  scan dimension= 1
; PV list:
; FOE Mono angle readback (13BMA:m17.RBV)\t = 12.0005
; Scan Regions: EXAFS scan with        3 regions
;   E0 =       7112.00
;       Start       Stop       Step       Npts       Time   Kspace?
;     -150.00    -10.000     5.0000     29.000     1.0000   0
; scan began at time: Thu Apr 10 16:50:32 2008
;=====================================================
; n_points      =      467
; column labels:
; P1 = {Energy} --> 13BMA:E:Energy.VAL
; P2 = {Scaler Count Time} --> 13BMD:scaler1.TP
; D1 = {I0}  --> 13BMD:scaler1_calc2.VAL
; D2 = {I1}  --> 13BMD:scaler1_calc3.VAL
;--------------------------------------------
;  P1 P2 D1 D2
"""
    return head + rows(ENERGY, ONE, I0, IT)


def exafs_scan():
    head = """#D Tue Jul 09 14:44:45 2019
#S Scan 29; exafsscan
#C exafs_edge_energy 7.112
#C exafs_region -200 -20 36 1 0 0 0
#C exafs_region 275 744.711 130 1 0 1 0.5
#C 1_Energy (keV) 2_sec 3_mononrg 4_i0 5_i1 6_i2
"""
    return head + rows(ENERGY / 1000, ONE, ENERGY / 1000, I0, IT, IR)


def hxma():
    channels = (
        "Event-ID",
        "X-1:Energy",
        "MONO:Energy:fbk",
        "MONO:Energy:sp",
        *(f"X:mcs0{n}:fbk" for n in (3, 4, 5, 6)),
    )
    macros = ("Event-ID", "$(AbsEnergyName)", "$(EnergyFeedback)", "$(EnergyAchieved)")
    macros = (*macros, *(f"$(Detector{n})" for n in (1, 2, 3, 4)))
    head = "# CLS Data Acquisition\n"
    for names in (channels, macros):
        head += "#(1)\t" + "\t".join(f'"{name}"' for name in names) + "\n"
    head += '#(2)\t"X:mcs:background"\t"X-1:Energy:0"\t"PSL:gap:mm"\n'
    head += "# Background counts time=0(x .1 microseconds), 0, 0, 0, 0, 7112.000, 5.0000, 5.0000\n"
    return head + rows(ONE, ENERGY + 0.4, ENERGY, ENERGY, IF, I0, IT, IR, separator=", ")


def phoenix():
    names = ("Energy", "FeKa_sum_cps", "I0_KEITHLEY1", "KEITHLEY1_GAIN", "I1_KEITHLEY2", "D1_FeKa")
    head = "#    " + "    ".join(f"{name}_c{i}" for i, name in enumerate(names, 1)) + "\n"
    return head + rows(ENERGY, IF, I0, 7 * ONE, IT, IF / 4, form="{:18.9E}")


def p65():
    head = """# PETRA III Extension Beamline P65
# XAS STEP SCAN
# M1 Theta(p64/motor/oh.01) = 2.0 mrad
# DCM Crystal: Si111
# Energy_enc Energy_step Bragg_enc Bragg_step E_und Gap_und timePP I0 I1 I2 I_pips
"""
    return head + rows(ENERGY, ENERGY + 0.3, DEGREES, DEGREES, ENERGY - 100, 12 * ONE, ONE, I0, IT, IR, IF)


def fio(names=("ENERGY_ENC", "ENERGY_SET", "I0_VFC", "IT_VFC", "IREF")):
    head = """!
! Comments
!
%c
 exafs scan of an oxide
user somebody Acquisition started at Sun Jan  1 10:00:00 2023
!
! Parameter
!
%p
 ATTENUATOR = 0.0
 MONO_X = 12.5
!
! Data
!
%d
"""
    head += "".join(f" Col {i} {name} DOUBLE\n" for i, name in enumerate(names, 1))
    return head + rows(ENERGY, ENERGY + 0.3, I0, IT, IR) + "! Acquisition ended at Sun Jan  1 10:20:00 2023\n"


def elettra():
    head = "# Project Name:  made up\n# Energy and edge:  Fe K\n#\n# E (eV), t (s), I0, I1, I2\n"
    return head + rows(ENERGY, ONE, I0, IT, IR, separator=", ")


def lisa():
    return "#eBraggEnergy I0_EH1 I1_EH1 I1_EH2 IR_EH2\n" + rows(ENERGY, I0, IT, IT, IR)


def bm23():
    head = """#F /data/bm23/inhouse/made_up.dat  BM23 E.S.R.F.
#D Mon Feb 11 10:00:00 2013
#-----------------------------------------------
#S 1  escan
#N 5
#L E(keV)  time  I0  I1  I2
"""
    return head + rows(ENERGY / 1000, ONE, I0, IT, IR)


def fdmnes():
    return "  7111.200    1.25 = E_edge, Gamma_hole\n    Energy    <xanes>\n" + rows(
        ENERGY - 7111.2, 1e-3 * MU
    )


def athena_nor():
    step = (MU - 0.4) / 1.2
    head = """# XDI/1.0 Athena/0.9.26
# Element.edge:                  K
# Element.symbol:                Fe
# Column.1:                      energy eV
# Column.2:                      norm
# Column.3:                      nbkg
# Column.4:                      flat
# Athena.edge_step:              1.2
# ///
#------------------------
#   e         norm        nbkg        flat
"""
    return head + rows(ENERGY, step, step, step)


def iss():
    head = """# Facility: NSLS-II
# Beamline: ISS (8-ID)
# Element: Fe
# Edge: K
# E0: 7112
#
# # energy                i0                 ir                 it                 iff
"""
    return head + rows(ENERGY, -1e-6 * I0, -1e-6 * IR, -1e-6 * IT, -1e-6 * IF, form="{:18.10e}")
