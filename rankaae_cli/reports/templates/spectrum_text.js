/* A spectrum from elsewhere: read from text and brought to the model's energies, as rankaae_cli/core/spectra.py does.
   What is wrong with one is thrown as a SpectrumError, whose message is for the reader. */
rankaae.spectrum = (() => {
  "use strict";

  class SpectrumError extends Error {}

  const FEWEST_POINTS = 4;
  const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([ed][+-]?\d+)?$/i;
  const NOT_FINITE = /^[+-]?(nan|inf(inity)?)$/i;
  const DECIMAL_COMMAS = /^\s*[+-]?\d+,\d+\s*[;\s]\s*[+-]?\d+,\d+/;
  const printed = (x, digits = 8) => String(Number(x.toPrecision(digits)));
  const shortened = (text) => (text.length > 40 ? `${text.slice(0, 40)}…` : text);

  function fields(line) {
    for (const separator of [";", "\t", ","]) {
      if (line.includes(separator)) return line.split(separator).map((part) => part.trim());
    }
    return line.split(/\s+/);
  }

  const asNumber = (field) => (NOT_FINITE.test(field) ? NaN : Number(field.replace(/d/i, "e")));
  const numeric = (parts) => parts.length > 1 && parts.slice(0, 2).every((part) => NUMBER.test(part) || NOT_FINITE.test(part));

  /* Returns energy, mu and the number of columns of a text of two columns; lines above the first numbers are headers. */
  function parse(text) {
    const energy = [], mu = [];
    let columns = 0;
    text.replace(/^\uFEFF/, "").split(/\r\n|\r|\n/).forEach((raw, i) => {
      const line = raw.trim().replace(/[;,]+$/, "");
      if (!line || /^[#%!*;]/.test(line)) return;
      if (DECIMAL_COMMAS.test(line)) {
        throw new SpectrumError(`line ${i + 1} has decimal commas: “${shortened(line)}”. Write decimal points`);
      }
      const parts = fields(line);
      if (!numeric(parts)) {
        if (!energy.length) return;
        throw new SpectrumError(`line ${i + 1} does not hold two numbers: “${shortened(line)}”`);
      }
      energy.push(asNumber(parts[0]));
      mu.push(asNumber(parts[1]));
      columns = Math.max(columns, parts.length);
    });
    if (!energy.length) throw new SpectrumError("no line of it holds two numbers");
    return { energy, mu, columns };
  }

  function check(energy, mu) {
    if (energy.length < FEWEST_POINTS) {
      throw new SpectrumError(`it has ${energy.length} points, at least ${FEWEST_POINTS} are needed`);
    }
    for (const [what, values] of [["energy", energy], ["absorption", mu]]) {
      const bad = values.findIndex((x) => !Number.isFinite(x));
      if (bad >= 0) throw new SpectrumError(`the ${what} of point ${bad + 1} is not a finite number`);
    }
    const fall = energy.findIndex((x, i) => i > 0 && x <= energy[i - 1]);
    if (fall > 0) {
      throw new SpectrumError(
        `its energies do not ascend: ${printed(energy[fall])} follows ${printed(energy[fall - 1])} at point ${fall + 1}`);
    }
  }

  /* Slopes of the cubic spline through all points whose third derivative is continuous at the second and at the
     last but one (not-a-knot): a tridiagonal system, solved by elimination, in which no pivot can vanish. */
  function slopes(x, y) {
    const n = x.length, h = (i) => x[i + 1] - x[i], rise = (i) => (y[i + 1] - y[i]) / h(i);
    const diagonal = new Float64Array(n), above = new Float64Array(n), below = new Float64Array(n), b = new Float64Array(n);
    const first = x[2] - x[0], last = x[n - 1] - x[n - 3];
    diagonal[0] = h(1);
    above[0] = first;
    b[0] = ((h(0) + 2 * first) * h(1) * rise(0) + h(0) ** 2 * rise(1)) / first;
    for (let i = 1; i < n - 1; i += 1) {
      below[i] = h(i);
      diagonal[i] = 2 * (h(i - 1) + h(i));
      above[i] = h(i - 1);
      b[i] = 3 * (h(i) * rise(i - 1) + h(i - 1) * rise(i));
    }
    below[n - 1] = last;
    diagonal[n - 1] = h(n - 3);
    b[n - 1] = (h(n - 2) ** 2 * rise(n - 3) + (2 * last + h(n - 2)) * h(n - 3) * rise(n - 2)) / last;
    for (let i = 1; i < n; i += 1) {
      const factor = below[i] / diagonal[i - 1];
      diagonal[i] -= factor * above[i - 1];
      b[i] -= factor * b[i - 1];
    }
    const slope = new Float64Array(n);
    for (let i = n - 1; i >= 0; i -= 1) slope[i] = (b[i] - (i < n - 1 ? above[i] * slope[i + 1] : 0)) / diagonal[i];
    return slope;
  }

  function spline(x, y) {
    const slope = slopes(x, y);
    const at = (e) => {
      let low = 0, high = x.length - 1;
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (x[middle] <= e) low = middle; else high = middle;
      }
      const h = x[high] - x[low], t = (e - x[low]) / h, u = 1 - t;
      return u * u * (1 + 2 * t) * y[low] + t * t * (3 - 2 * t) * y[high] + h * t * u * (u * slope[low] - t * slope[high]);
    };
    return { at, slope };
  }

  /* The wing of a Lorentzian-broadened edge below the first point. */
  function tail(first, value, slope) {
    if (!(value > 0 && slope > 0)) {
      throw new SpectrumError(
        `it starts at ${printed(first)} eV with absorption ${printed(value, 3)} and slope ${printed(slope, 3)} per eV: ` +
        "no tail below can be matched to that");
    }
    const toEdge = value / slope;
    return (e) => value * toEdge / (toEdge + first - e);
  }

  function requireUnit(energy, grid) {
    // Both ends within a factor of two of the grid's in keV; energies counted from the edge are not.
    const ends = [energy[0], energy[energy.length - 1]];
    if (ends.every((end) => end > grid[0] / 2000 && end < grid[grid.length - 1] / 500)) {
      throw new SpectrumError(
        `its energies run from ${printed(ends[0])} to ${printed(ends[1])}, which looks like keV; they are needed in eV`);
    }
  }

  /* Returns mu at the grid's energies; `limits`: maxTail, inEv, edgeStep (whether it must be normalised to it). */
  function regrid(energy, mu, grid, limits) {
    check(energy, mu);
    if (limits.inEv) requireUnit(energy, grid);
    const first = energy[0], last = energy[energy.length - 1], start = grid[0], end = grid[grid.length - 1];
    const slack = 1e-3 * (grid[1] - grid[0]);
    if (last < end - slack) throw new SpectrumError(`it ends at ${printed(last)}, before the model's end ${printed(end)}`);
    if (first - start > limits.maxTail + slack) {
      throw new SpectrumError(
        `it starts at ${printed(first)}, ${(first - start).toFixed(1)} above the model's start ${printed(start)}: ` +
        `more than the ${printed(limits.maxTail)} that a tail may bridge`);
    }
    const { at, slope } = spline(energy, mu);
    const wing = first - start > slack ? tail(first, mu[0], slope[0]) : null;
    const out = Float64Array.from(grid, (e) => (e < first - slack ? wing(e) : at(Math.min(Math.max(e, first), last))));
    if (limits.edgeStep) requireEdgeStep(out);
    return out;
  }

  function requireEdgeStep(spectrum) {
    const end = spectrum.slice(-Math.max(Math.floor(spectrum.length / 5), 1));
    const mean = end.reduce((sum, x) => sum + x, 0) / end.length;
    if (!(mean > 0.3 && mean < 3)) {
      throw new SpectrumError(
        `it is not normalised to the edge step: the absorption is ${printed(mean, 3)} on average at the end, not about 1`);
    }
  }

  /* A spectrum as text for a link: its range, and 16 bits a point in the alphabet of URLs. */
  function toLink(spectrum) {
    const low = Math.min(...spectrum), high = Math.max(...spectrum), step = (high - low) / 65535 || 1;
    const text = Array.from(spectrum, (x) => {
      const level = Math.round((x - low) / step);
      return String.fromCharCode(level & 255, level >> 8);
    }).join("");
    const packed = btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
    return `${Number(low.toPrecision(9))}~${Number(step.toPrecision(9))}~${packed}`;
  }

  function fromLink(text) {
    const [low, step, packed] = text.split("~");
    const levels = rankaae.network.levels(packed.replace(/-/g, "+").replace(/_/g, "/"));
    return Float64Array.from(levels, (level) => Number(low) + level * Number(step));
  }

  return { SpectrumError, parse, regrid, toLink, fromLink, printed };
})();
