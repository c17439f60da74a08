/* The explorer: a point in the space of the styles, the spectrum the decoder draws there, and where it started. */
rankaae.explorer = (() => {
  "use strict";
  const $ = (name) => document.getElementById(`explorer-${name}`);
  const { compile, levels, quantile } = rankaae.network;
  const { SpectrumError, parse, regrid, toLink, fromLink, printed } = rankaae.spectrum;
  const { make, reading, decimals, slider, search, neighbour, joined, minus } = rankaae.controls;

  const NEAREST = 5, FAR_QUANTILE = 0.995, LARGEST_FILE = 5e6, FARTHEST = 100; // bytes; standard deviations
  const AT_ONCE = 40; // spectra encoded before the page may do something else
  const data = JSON.parse($("data").textContent);
  const { styles, energy, real } = data;
  const points = energy.length, count = real.materials.length;
  const encode = compile(data.encoder), decode = compile(data.decoder);
  const rowLevels = levels(real.levels);
  const limits = { maxTail: data.maxTail, inEv: data.energyUnit === "eV", edgeStep: data.edgeStep };

  const spectrumOf = (row) => Float64Array.from(rowLevels.subarray(row * points, (row + 1) * points), (n) => real.low + n * real.step);
  const nameOf = (row) => `${real.materials[row]}, site ${real.sites[row]} (${real.split} split)`;
  const mean = (values) => values.reduce((sum, x) => sum + x, 0) / values.length;
  const means = () => Float64Array.from(styles, (style) => style.mean);
  const distance = (a, b) => Math.sqrt(styles.reduce((sum, { std }, s) => sum + (std > 0 ? ((a[s] - b[s]) / std) ** 2 : 0), 0));

  // The state: the point, its start, the neighbour drawn (-1 for none), and what was read from all embedded spectra.
  const state = { z: means(), start: null, shown: -1, styles: null, usual: Infinity };
  let sliders = [], reach = 0.1, frame = 0, drawn = false, wanted = false, linkTimer = 0;

  /* ---- starts ---- */

  function begin(start, z = null) {
    const own = start.spectrum ? encode(start.spectrum) : means();
    const curve = decode(own);
    const error = start.spectrum ? mean(start.spectrum.map((x, e) => Math.abs(x - curve[e]))) : null;
    state.start = { ...start, z: own, curve, error };
    state.z = Float64Array.from(z || own);
    state.shown = -1;
    reach = 0.1;
    sliders.forEach((one, s) => one.mark(own[s]));
    showFacts();
    render();
  }

  const fromMean = (z = null) => begin({ kind: "mean", label: "the mean of the training styles" }, z);
  const fromRow = (row, z = null) => begin({ kind: "row", row, label: nameOf(row), spectrum: spectrumOf(row) }, z);
  // As it stands in a link from the first, so that whoever opens the link sees the same numbers.
  const fromPacked = (name, packed, z = null) => begin({ kind: "file", label: name, packed, spectrum: fromLink(packed) }, z);

  /* A choice of the reader's: what was said before no longer holds, and the link follows. */
  function chosen(act) {
    say("message", "");
    say("hint", "");
    act();
    updateLink();
  }

  function takeText(name, text) {
    try {
      const { energy: given, mu, columns } = parse(text);
      const spectrum = regrid(given, mu, energy, limits);
      const unit = limits.inEv ? " eV" : "";
      const notes = [`${name}: ${given.length} points, ${printed(given[0])} to ${printed(given[given.length - 1])}${unit}`];
      if (columns > 2) notes.push(`of its ${columns} columns the first two are taken`);
      if (given[0] > energy[0] + 1e-3 * (energy[1] - energy[0])) notes.push(`continued below ${printed(given[0])}${unit} by the wing of a Lorentzian`);
      chosen(() => fromPacked(name, toLink(spectrum)));
      say("hint", `${notes.join("; ")}.`);
    } catch (fault) {
      if (!(fault instanceof SpectrumError)) throw fault;
      refuse(name, `${fault.message}. Expected: two columns, ${expected()}`);
    }
  }

  function refuse(name, why) {
    say("hint", ""); // it was of the file before
    say("message", `${name} is not taken: ${why}.`);
  }

  function expected() {
    const unit = limits.inEv ? " eV" : "";
    const tail = limits.inEv ? ` (it may begin up to ${printed(data.maxTail)} eV later)` : "";
    const step = data.edgeStep ? ", then the absorption normalised to the edge step" : ", then the absorption";
    return `ascending energies that cover ${printed(energy[0])} to ${printed(energy[points - 1])}${unit}${tail}${step}`;
  }

  async function takeFile(file) {
    if (file.size > LARGEST_FILE) {
      refuse(file.name, `it has ${(file.size / 1e6).toFixed(1)} MB, more than a spectrum needs. Expected: a text of two columns`);
      return;
    }
    let text;
    try {
      text = await file.text();
    } catch { // a folder, or a file that has gone
      refuse(file.name, "it cannot be read. Expected: one file, not a folder, with a text of two columns");
      return;
    }
    takeText(file.name, text);
  }

  /* ---- what is shown ---- */

  function say(where, text) {
    $(where).textContent = text;
    $(where).hidden = !text;
  }

  function render() {
    sliders.forEach((one, s) => one.show(state.z[s]));
    showNearest();
    if (!frame) frame = requestAnimationFrame(() => { frame = 0; draw(); });
  }

  function figure() {
    const { start } = state, colour = rankaae.colour;
    const now = decode(state.z), shadow = start.spectrum || start.curve;
    const difference = now.map((x, e) => x - start.curve[e]);
    // The scale of the difference grows with it but never shrinks on the way, so that sizes can be compared.
    reach = difference.reduce((most, x) => Math.max(most, 1.15 * Math.abs(x)), reach);
    const top = 1.04 * now.reduce((most, x) => Math.max(most, x), Math.max(real.low + 65535 * real.step, ...shadow));
    const line = (name, y, color, width, more = {}) => ({
      type: "scatter", mode: "lines", name, x: energy, y: Array.from(y), line: { color, width, ...more.line },
      hovertemplate: "%{y:.3f}", ...(({ line: _, ...rest }) => rest)(more),
    });
    const grey = colour("--faint");
    const traces = [
      line("start", shadow, grey, 3, { fill: "tozeroy", fillcolor: `${grey}38` }),
      line("as drawn", start.spectrum ? start.curve : [], colour("--orange"), 1.8, { line: { dash: "dash" }, x: start.spectrum ? energy : [] }),
      line("neighbour", state.shown < 0 ? [] : spectrumOf(state.shown), colour("--green"), 1.4, { x: state.shown < 0 ? [] : energy }),
      line("now", now, colour("--blue"), 2.6),
      line("difference", difference, colour("--vermilion"), 2, { yaxis: "y2" }),
    ];
    const axis = { showline: true, ticks: "outside", ticklen: 4, zeroline: false, automargin: true, fixedrange: true };
    const title = (text) => ({ title: { text, standoff: 6, font: { size: 13 } } });
    const layout = {
      showlegend: false, hovermode: "x unified", dragmode: false, margin: { l: 80, r: 14, t: 10, b: 44 },
      xaxis: { ...axis, ...title(data.energyLabel), anchor: "y2", range: [energy[0], energy[points - 1]], hoverformat: ".2f" },
      yaxis: { ...axis, ...title(data.absorptionLabel), domain: [0.37, 1], range: [Math.min(0, real.low), top], automargin: false },
      yaxis2: { ...axis, ...title(start.spectrum ? "Now − start<br>as drawn" : "Now − start"), domain: [0, 0.29], range: [-reach, reach], zeroline: true, nticks: 5, automargin: false },
    };
    return [traces, rankaae.theme(layout)];
  }

  async function draw() {
    showKey();
    if (!wanted) return;
    try {
      const Plotly = await rankaae.plotly();
      await Plotly[drawn ? "react" : "newPlot"]($("plot"), ...figure(), { responsive: true, displayModeBar: false });
      drawn = true;
    } catch (fault) {
      say("message", `The spectrum cannot be drawn here: ${fault.message}.`);
    }
  }

  function showKey() {
    const { start, shown } = state;
    const entry = (variable, text, dashed = false) => {
      const key = make("span", { className: "explorer-key" });
      const colour = `var(${variable})`;
      key.style.background = dashed ? `repeating-linear-gradient(90deg, ${colour} 0 .35rem, transparent .35rem .55rem)` : colour;
      return make("span", { className: "explorer-entry" }, key, text);
    };
    const entries = [entry("--faint", `start: ${start.label}`), entry("--blue", "now")];
    if (start.spectrum) entries.splice(1, 0, entry("--orange", "the start as the network draws it", true));
    if (shown >= 0) entries.push(entry("--green", nameOf(shown)));
    $("title").replaceChildren(...entries);
  }

  /* What the network reads from the spectrum it started from, and how well it knows such spectra. */
  function showFacts() {
    const { start } = state;
    $("facts").hidden = !start.spectrum;
    if (!start.spectrum) return;
    $("facts-title").textContent = `Read from ${start.label}`;
    $("verdict").textContent = verdict(start.error);
    const known = start.kind === "row";
    $("facts").querySelectorAll("thead th")[2].hidden = !known;
    const named = styles.filter((style) => style.named);
    const value = ({ text, sigma }) => text || `${sigma}, not calibrated`;
    $("read").replaceChildren(...named.map((style, k) => {
      const cells = [make("td", { textContent: value(reading(style, start.z[k])) })];
      if (known) cells.push(make("td", { textContent: trueValue(start.row, k) }));
      return make("tr", {}, make("th", { className: "first", scope: "row", textContent: style.title }), ...cells);
    }));
  }

  function verdict(error) {
    const found = `Reconstruction error ${error.toPrecision(2)} (mean absolute difference from the start as the network draws it): `;
    const known = data.novelty;
    if (!known) return `${found}the run holds no validation errors to compare with.`;
    const word = error <= known.unusual ? "in range" : error <= known.outside ? "unusual" : "outside what the network knows; what is read below is not to be trusted";
    return `${found}${word}. Of the validation spectra, 95 % lie below ${known.unusual.toPrecision(2)} and 99.5 % below ${known.outside.toPrecision(2)}.`;
  }

  function trueValue(row, k) {
    const value = real.descriptors[row][k];
    if (value === null) return "not known";
    // A digit more than what is read: no more is of use, and rounding noise would look like a value.
    const known = styles[k].calibration;
    return joined(minus(known ? String(Number(value.toFixed(decimals(known) + 1))) : printed(value, 3)), styles[k].unit);
  }

  const details = (row) => styles.flatMap((style, k) => (style.named ? [`${style.title} ${trueValue(row, k)}`] : [])).join(" · ");

  function showNearest() {
    if (!state.styles) return;
    const all = state.styles.map((z, row) => ({ row, distance: distance(z, state.z) })).sort((a, b) => a.distance - b.distance);
    const far = all.length > 1 && all[0].distance > state.usual;
    say("far", far
      ? `Far from the data: the nearest spectrum is ${all[0].distance.toFixed(1)} σ away; 99.5 % of them have a neighbour within ${state.usual.toFixed(1)} σ. The network extrapolates here.`
      : "");
    const focused = document.activeElement?.closest("#explorer-near li");
    const place = focused && [focused.dataset.row, [...focused.querySelectorAll("button")].indexOf(document.activeElement)];
    const others = all.filter(({ row }) => row !== state.start.row);
    $("near").replaceChildren(...others.slice(0, NEAREST).map(({ row, distance: far }) => {
      const item = { name: nameOf(row), details: details(row), distance: far, drawn: row === state.shown };
      const element = neighbour(item, () => {
        state.shown = state.shown === row ? -1 : row;
        render();
      }, () => chosen(() => fromRow(row)));
      element.dataset.row = row;
      return element;
    }));
    if (place) $("near").querySelector(`li[data-row="${place[0]}"]`)?.querySelectorAll("button")[place[1]].focus();
  }

  /* Encodes all embedded spectra, a few at a time, and how far each is from its nearest neighbour. */
  async function readAll() {
    const read = [];
    for (let row = 0; row < count; row += 1) {
      read.push(encode(spectrumOf(row)));
      if (row % AT_ONCE === AT_ONCE - 1) await new Promise((resume) => setTimeout(resume));
    }
    const own = read.map((z, i) => read.reduce((least, other, j) => (i === j ? least : Math.min(least, distance(z, other))), Infinity));
    if (count > 1) state.usual = quantile(own, FAR_QUANTILE);
    state.styles = read;
    showNearest();
  }

  /* ---- the link ---- */

  function fragment() {
    const { start } = state;
    const where = new URLSearchParams({ model: data.model, z: Array.from(state.z, (x) => Number(x.toPrecision(9))).join("_"), from: start.kind });
    if (start.kind === "row") {
      where.set("material", real.materials[start.row]);
      where.set("site", real.sites[start.row]);
    } else if (start.kind === "file") {
      where.set("name", start.label);
      where.set("mu", start.packed);
    }
    return `#explorer?${where}`;
  }

  const carried = () => (state.start.kind === "file" ? "The link carries the spectrum itself." : "");

  function updateLink() {
    clearTimeout(linkTimer);
    linkTimer = setTimeout(() => history.replaceState(history.state, "", fragment()), 250);
    $("copied").textContent = carried();
    $("link").hidden = true;
  }

  function restore() {
    if (!location.hash.startsWith("#explorer?")) return false;
    clearTimeout(linkTimer);
    say("message", "");
    say("hint", "");
    const fault = take(new URLSearchParams(location.hash.slice("#explorer?".length)));
    $("copied").textContent = carried();
    if (fault) say("hint", `The state in the link is ignored: ${fault}.`);
    return true;
  }

  /* Takes the state of a link; returns what is wrong with it, or nothing. */
  function take(where) {
    if (where.get("model") !== data.model) return "it was made with another model, whose styles mean something else";
    const z = (where.get("z") || "").split("_").map((text) => (text ? Number(text) : NaN));
    const sound = (x, s) => Math.abs(x - styles[s].mean) <= FARTHEST * (styles[s].std || 1);
    if (z.length !== styles.length || !z.every(sound)) return `it does not hold ${styles.length} sound style values`;
    const from = where.get("from");
    if (from === "mean") fromMean(z);
    else if (from === "row") {
      const row = real.materials.findIndex((name, i) => name === where.get("material") && String(real.sites[i]) === where.get("site"));
      if (row < 0) return "the spectrum it starts from is not in this page";
      fromRow(row, z);
    } else if (from === "file") {
      if (!packedIsSound(where.get("mu") || "")) return "the spectrum in it is not whole";
      fromPacked(where.get("name") || "a spectrum", where.get("mu"), z);
    } else return "it does not say where to start";
    return "";
  }

  function packedIsSound(packed) {
    try {
      const spectrum = fromLink(packed);
      return spectrum.length === points && spectrum.every((x) => Math.abs(x) < 1e6);
    } catch {
      return false;
    }
  }

  async function copyLink() {
    clearTimeout(linkTimer);
    history.replaceState(history.state, "", fragment());
    try {
      await navigator.clipboard.writeText(location.href);
      $("copied").textContent = `Copied. For another copy of this page, put the part from # on behind its address. ${carried()}`;
    } catch {
      // Some browsers give pages opened from disk no clipboard.
      $("link").value = location.href;
      $("link").hidden = false;
      $("link").select();
      $("copied").textContent = `This is the link; copy it from here. ${carried()}`;
    }
  }

  /* ---- the page ---- */

  function move(s, value) {
    state.z[s] = value;
    render();
    updateLink();
  }

  function listen(section) {
    $("mean").addEventListener("click", () => chosen(() => fromMean()));
    $("reset").addEventListener("click", () => { state.z = Float64Array.from(state.start.z); render(); updateLink(); });
    $("copy").addEventListener("click", copyLink);
    $("paste").addEventListener("click", () => takeText("The pasted text", $("pasted").value));
    $("file").addEventListener("change", async ({ target }) => {
      if (target.files.length) await takeFile(target.files[0]);
      target.value = ""; // so that the same file, mended, can be chosen again
    });
    search($("query"), $("found"), Array.from({ length: count }, (_, row) => nameOf(row)), (row) => chosen(() => fromRow(row)));
    const over = (event) => { event.preventDefault(); section.classList.add("dropping"); };
    section.addEventListener("dragenter", over);
    section.addEventListener("dragover", over);
    section.addEventListener("dragleave", ({ relatedTarget }) => { if (!section.contains(relatedTarget)) section.classList.remove("dropping"); });
    section.addEventListener("drop", (event) => {
      event.preventDefault();
      section.classList.remove("dropping");
      const { files } = event.dataTransfer, text = event.dataTransfer.getData("text/plain");
      if (files.length) takeFile(files[0]);
      else if (text) takeText("The dropped text", text);
    });
    window.addEventListener("hashchange", () => { if (restore()) section.scrollIntoView({ behavior: "instant" }); });
    rankaae.onTheme(() => render());
  }

  function open() {
    const section = document.getElementById("explorer");
    $("app").hidden = false;
    sliders = styles.map((style, s) => slider(style, s, move, (i) => move(i, state.start.z[i])));
    $("sliders").append(...sliders.map((one) => one.element));
    listen(section);
    fromMean();
    const linked = restore();
    if (linked) {
      section.scrollIntoView({ behavior: "instant" });
      window.addEventListener("load", () => section.scrollIntoView({ behavior: "instant" }));
    }
    return new Promise((done) => {
      const watcher = new IntersectionObserver((entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        watcher.disconnect();
        wanted = true;
        Promise.all([draw(), readAll()]).then(done);
      }, { rootMargin: "600px 0px" });
      watcher.observe(section);
    });
  }

  const ready = open();
  const current = () => ({ z: Array.from(state.z), start: { ...state.start }, usual: state.usual, link: fragment() });
  return { ready, encode, decode, parse, current, regrid: (given, mu) => regrid(given, mu, energy, limits) };
})();
