/* The explorer's controls: sliders, the search for a spectrum, the list of the nearest. They hold no state of the
   explorer: they call back. All text goes in as text. */
rankaae.controls = (() => {
  "use strict";

  const MOST_FOUND = 40;
  const STEPS = 240; // of a slider, from end to end

  function make(tag, properties = {}, ...children) {
    const { aria = {}, ...plain } = properties;
    const element = Object.assign(document.createElement(tag), plain);
    for (const [name, value] of Object.entries(aria)) element.setAttribute(`aria-${name}`, value);
    element.append(...children);
    return element;
  }

  const signed = (x, decimals) => {
    const text = Math.abs(x).toFixed(decimals);
    return `${x < 0 && Number(text) ? "−" : "+"}${text}`;
  };
  const minus = (text) => text.replace(/^-/, "−");
  const joined = (number, unit) => (unit ? `${number}${unit === "°" ? "" : "\u00a0"}${unit}` : number);

  /* Digits after the point: two digits of the interval are what a reader can use. */
  function decimals(calibration) {
    const width = calibration.halfWidth;
    const span = calibration.y[calibration.y.length - 1] - calibration.y[0];
    const scale = width > 0 ? width : span / 10;
    return scale > 0 ? Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(scale)))) : 2;
  }

  /* What a style's value says: in the descriptor's unit where it can (else `text` is empty), in standard deviations,
     and a remark where there is something to know. */
  function reading(style, z) {
    const sigma = `${signed(style.std > 0 ? (z - style.mean) / style.std : 0, 2)}\u00a0σ`;
    const known = style.calibration;
    if (!known) return { text: "", sigma, remark: style.named ? "no calibration: too few validation spectra with a known value" : "" };
    const digits = decimals(known), last = known.x.length - 1;
    const value = rankaae.network.interpolate(z, known.x, known.y);
    const text = joined(`${minus(value.toFixed(digits))} ± ${known.halfWidth.toFixed(digits)}`, style.unit);
    if (known.y[last] === known.y[0]) return { text, sigma, remark: "the calibration is flat: on validation this style does not tell the descriptor" };
    const beyond = z < known.x[0] || z > known.x[last];
    return { text, sigma, remark: beyond ? "beyond the calibrated range: the value stays at its end" : "" };
  }

  /* Returns a slider of one style: its element, show(z) and mark(z), where the start is. */
  function slider(style, index, onMove, onReset) {
    const id = `explorer-style-${index}`, still = !(style.high > style.low);
    const step = still ? 1 : (style.high - style.low) / STEPS;
    const input = make("input", { type: "range", id, min: 0, max: STEPS, step: 1, disabled: still });
    const output = make("output", { htmlFor: id });
    const label = make("label", { htmlFor: id }, make("b", { textContent: style.title }));
    if (style.meaning) label.append(` ${style.meaning}`);
    const deviation = make("span", { className: "deviation" });
    const remark = make("small");
    const reset = make("button", { type: "button", textContent: "reset", title: "back to the start", aria: { label: `Reset ${style.title}` } });
    const mark = make("span", { className: "mark", title: "start" });
    const element = make("div", { className: "explorer-slider" },
      make("div", { className: "head" }, label, output),
      make("div", { className: "track" }, make("div", { className: "rail" }, mark, input), deviation, reset), remark);
    const place = (z) => Math.min(Math.max((z - style.low) / step, 0), STEPS);
    input.addEventListener("input", () => onMove(index, style.low + Number(input.value) * step));
    reset.addEventListener("click", () => onReset(index));
    return {
      element,
      show(z) {
        input.value = Math.round(place(z));
        const { text, sigma, remark: words } = reading(style, z);
        const beyond = z < style.low - step / 2 || z > style.high + step / 2 ? "beyond the slider's end" : "";
        const said = still ? "this style does not vary over the training spectra" : [beyond, words].filter(Boolean).join("; ");
        output.textContent = text || sigma;
        deviation.textContent = text ? sigma : "";
        remark.textContent = said;
        input.setAttribute("aria-valuetext", [text, sigma, said].filter(Boolean).join(", "));
      },
      mark(z) {
        // The thumb's middle runs from 8 px inside one end to 8 px inside the other.
        mark.style.left = `calc(${(place(z) / STEPS).toFixed(4)} * (100% - 16px) + 7px)`;
      },
    };
  }

  /* Makes an input with suggestions (the combobox pattern of WAI-ARIA): words in any order, arrows, Enter, Escape. */
  function search(input, list, names, onChoose) {
    const plain = names.map((name) => name.toLowerCase());
    let found = [], active = -1;

    function close() {
      list.hidden = true;
      active = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    }

    function mark(place) {
      active = place;
      [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === active)));
      if (active < 0) return;
      list.children[active].scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", list.children[active].id);
    }

    function choose(place) {
      const row = found[place];
      input.value = names[row];
      close();
      onChoose(row);
    }

    function open() {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      const matching = plain.flatMap((name, row) => (words.every((word) => name.includes(word)) ? [row] : []));
      found = matching.slice(0, MOST_FOUND);
      list.replaceChildren(...found.map((row, i) => {
        const item = make("li", { id: `explorer-found-${i}`, role: "option", textContent: names[row] });
        // Before the input loses its focus, which would close the list.
        item.addEventListener("pointerdown", (event) => event.preventDefault());
        item.addEventListener("click", () => choose(i));
        return item;
      }));
      const more = matching.length - found.length;
      if (more || !found.length) {
        const textContent = found.length ? `and ${more} more: type on` : "none of the spectra in this page";
        list.append(make("li", { textContent, role: "option", aria: { disabled: "true" } }));
      }
      list.hidden = false;
      input.setAttribute("aria-expanded", "true");
      mark(-1);
    }

    input.addEventListener("input", open);
    input.addEventListener("focus", () => { input.select(); open(); });
    input.addEventListener("click", () => { if (list.hidden) open(); });
    input.addEventListener("blur", close);
    input.addEventListener("keydown", (event) => {
      const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (move) {
        event.preventDefault();
        if (list.hidden) open();
        if (found.length) mark((active + move + (active < 0 && move < 0 ? 1 : 0) + found.length) % found.length);
      } else if (event.key === "Enter" && !list.hidden && found.length) {
        event.preventDefault();
        choose(Math.max(active, 0));
      } else if (event.key === "Escape") {
        close();
      }
    });
  }

  /* A row of the list of nearest spectra. */
  function neighbour({ name, details, distance, drawn }, onDraw, onStart) {
    const draw = make("button", { type: "button", textContent: drawn ? "drawn" : "draw", aria: { pressed: String(drawn), label: `Draw ${name}` } });
    const start = make("button", { type: "button", textContent: "start from it", aria: { label: `Start from ${name}` } });
    draw.addEventListener("click", onDraw);
    start.addEventListener("click", onStart);
    return make("li", {},
      make("span", { className: "name" }, name, make("small", { textContent: details })),
      make("span", { className: "distance", textContent: `${distance.toFixed(2)} σ` }), draw, start);
  }

  return { make, reading, decimals, slider, search, neighbour, joined, minus };
})();
