#!/usr/bin/env bash
# Train the copper model that ships, and pack it into rankaae_cli/pretrained/. All its numbers stand here.
# usage: pretrained.sh FEFF VASP
#   FEFF: the archive of FEFF calculations of OmniXAS, or a family file that ingest made of it
#   VASP: its core-hole VASP spectra, one npz file or a list such as [a.npz,b.npz]
set -euo pipefail
feff=${1:?name the FEFF data, make pretrained FEFF=} vasp=${2:?name the VASP data, make pretrained VASP=}
folder=build/pretrained
grid="+family=Cu_oxides family.energy.points=139 regrid=true overwrite=true"  # as far as the VASP spectra reach

rm -rf "$folder/feff" "$folder/vasp"
case $feff in
  *.h5) all=$feff ;;
  *) all=$folder/cu.h5
     rankaae ingest +family=Cu_oxides source=feff "path='$feff'" "output=$all" overwrite=true ;;
esac
# shellcheck disable=SC2086
rankaae ingest $grid source=family "path='$all'" "output=$folder/cu_feff.h5"
# shellcheck disable=SC2086
rankaae ingest $grid source=npz "path=$vasp" npz.energy_start=8983.173 npz.energy_step=0.25 "labels='$all'" \
  fidelity=VASP "output=$folder/cu_vasp.h5"
rankaae train +family=Cu_oxides "data=$folder/cu_feff.h5" trials=6 max_steps=8000 model.hidden=128 \
  "hydra.run.dir=$folder/feff"
rankaae train "start=$folder/feff" "data=$folder/cu_vasp.h5" "hydra.run.dir=$folder/vasp"
python -m rankaae_cli.reports.pretrained "$folder/vasp" Cu_oxides
