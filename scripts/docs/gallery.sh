#!/usr/bin/env bash
# The pictures of docs/gallery.md, on synthetic samples, into docs/images/gallery/. Needs rankaae on the path, and
# Chromium for the pictures of pages.
set -euo pipefail
clone="$(cd "$(dirname "$0")/../.." && pwd)"
pictures="$clone/docs/images/gallery"
rm -rf "$clone/build/gallery" "$pictures"
mkdir -p "$clone/build/gallery" "$pictures"
cd "$clone/build/gallery"

rankaae train +family=Fe_oxides trials=4 max_steps=3000 model.hidden=128 then=report
run="$(echo runs/Fe_oxides/*/*)"
for figure in evaluation/prediction_vs_truth evaluation/importance evaluation/coupling \
  traversal/overview traversal/CN_check traversal/OS_sensitivity traversal/map_edge; do
  cp "$run/$figure.png" "$pictures/"
done
rankaae predict model=Cu_oxides "input=$clone/docs/tutorials/files/example.xdi" output=prediction
rankaae ingest +family=Cu_oxides source=xdi "path=$clone/docs/tutorials/files/example.xdi" dry_run=true
cp data/Cu_oxides.dry_run.png "$pictures/dry_run.png"
rankaae ingest +family=Fe_oxides source=synthetic synthetic.spectra=300 output=A.h5
rankaae ingest +family=Fe_oxides source=synthetic synthetic.spectra=300 synthetic.code=B output=B.h5
rankaae compare A.h5 B.h5 output=comparison
rankaae train -m +family=Ti_oxides,V_oxides trials=2 max_steps=300 model.hidden=64 then=report

shoot() { # PAGE PICTURE HEIGHT
  chromium --headless=new --no-sandbox --disable-gpu --hide-scrollbars --window-size="1100,$3" \
    --screenshot="$pictures/$2.png" "file://$PWD/$1" 2> /dev/null
  # Few colours: half the size.
  python -c "import sys; from PIL import Image; p = sys.argv[1]; \
    Image.open(p).convert('RGB').quantize(64).save(p, optimize=True)" "$pictures/$2.png"
}
shoot "$run/report/report.html" report 1000
shoot prediction/page.html prediction 1100
shoot comparison/page.html comparison 1100
shoot "$(echo multirun/*/*/report/report.html)" batch 1300
du -b "$pictures"/*
