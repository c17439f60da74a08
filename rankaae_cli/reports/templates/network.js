/* The networks of one trial, layer by layer as rankaae_cli/models/rankaae/export.py describes them: numbers only.
   Matrices are in 16-bit levels, other weights float32, all arithmetic is float64. */
rankaae.network = (() => {
  "use strict";

  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

  /* Arrays are written little-endian, whatever the machine that reads them. */
  function floats(text) {
    const view = new DataView(bytes(text).buffer);
    return Float64Array.from({ length: view.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true));
  }

  function levels(text) {
    const view = new DataView(bytes(text).buffer);
    return Uint16Array.from({ length: view.byteLength / 2 }, (_, i) => view.getUint16(2 * i, true));
  }

  /* Values in 16 bits each: the lowest, and so many steps above it. */
  const unpacked = ({ low, step, levels: text }) => Float64Array.from(levels(text), (level) => low + step * level);

  function linear({ weight, bias }, { values }) {
    const out = Float64Array.from(bias), n = bias.length;
    for (let i = 0; i < values.length; i += 1) {
      const value = values[i], row = i * n;
      for (let j = 0; j < n; j += 1) out[j] += value * weight[row + j];
    }
    return { values: out, channels: 1 };
  }

  function convolution({ weight, bias, shapes, stride }, { values, channels }) {
    const [outputs, inputs, kernel] = shapes.weight, half = kernel >> 1;
    const points = values.length / channels, length = Math.floor((points - 1) / stride) + 1;
    const out = new Float64Array(outputs * length), padded = new Float64Array(points + 2 * half);
    for (let o = 0; o < outputs; o += 1) out.fill(bias[o], o * length, (o + 1) * length);
    for (let i = 0; i < inputs; i += 1) {
      for (let e = 0; e < padded.length; e += 1) {
        padded[e] = values[i * points + Math.min(Math.max(e - half, 0), points - 1)];
      }
      for (let o = 0; o < outputs; o += 1) {
        const first = (o * inputs + i) * kernel;
        for (let e = 0; e < length; e += 1) {
          let sum = 0;
          for (let k = 0; k < kernel; k += 1) sum += weight[first + k] * padded[e * stride + k];
          out[o * length + e] += sum;
        }
      }
    }
    return { values: out, channels: outputs };
  }

  function layerNorm({ epsilon }, { values, channels }) {
    const n = values.length;
    const mean = values.reduce((sum, x) => sum + x, 0) / n;
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n;
    const scale = 1 / Math.sqrt(variance + epsilon);
    return { values: values.map((x) => (x - mean) * scale), channels };
  }

  function batchNorm({ mean, variance, epsilon }, { values, channels }) {
    return { values: values.map((x, i) => (x - mean[i]) / Math.sqrt(variance[i] + epsilon)), channels };
  }

  function softplus({ beta }, { values, channels }) {
    // The larger of both terms is taken out, so that no exponential overflows.
    const one = (x) => (Math.max(beta * x, 0) + Math.log1p(Math.exp(-Math.abs(beta * x)))) / beta;
    return { values: values.map(one), channels };
  }

  const swish = ({ excess }, { values, channels }) => {
    return { values: values.map((x, i) => x / (1 + Math.exp(-(1 + excess[i]) * x))), channels };
  };

  const doubled = (values) => Float64Array.from({ length: 2 * values.length }, (_, i) => values[i >> 1]);

  const STEPS = {
    linear, convolution, softplus, swish,
    layer_norm: layerNorm,
    batch_norm: batchNorm,
    silu: (_, { values, channels }) => ({ values: values.map((x) => x / (1 + Math.exp(-x))), channels }),
    channels: ({ channels }, { values }) => ({ values, channels }),
    double: (_, { values, channels }) => ({ values: doubled(values), channels }),
    crop: ({ points }, { values }) => ({ values: values.slice(0, points), channels: 1 }),
  };

  /* Returns a function from one row of values to another: the layers, one after the other. */
  function compile(layers) {
    const ready = layers.map(({ kind, settings, arrays }) => {
      const shapes = {}, read = {};
      for (const [name, array] of Object.entries(arrays)) {
        shapes[name] = array.shape;
        read[name] = array.data === undefined ? unpacked(array) : floats(array.data);
      }
      return (row) => STEPS[kind]({ ...settings, ...read, shapes }, row);
    });
    return (values) => ready.reduce((row, step) => step(row), { values: Float64Array.from(values), channels: 1 }).values;
  }

  /* Linear between knots and constant beyond them, as numpy.interp. */
  function interpolate(x, knots, values) {
    const last = knots.length - 1;
    if (x <= knots[0]) return values[0];
    if (x >= knots[last]) return values[last];
    let low = 0, high = last;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (knots[middle] <= x) low = middle; else high = middle;
    }
    return values[low] + (values[high] - values[low]) * (x - knots[low]) / (knots[high] - knots[low]);
  }

  /* The quantile of numbers, linear between order statistics, as numpy.quantile. */
  function quantile(numbers, q) {
    const sorted = Float64Array.from(numbers).sort(), place = q * (sorted.length - 1), low = Math.floor(place);
    const high = Math.min(low + 1, sorted.length - 1);
    return sorted[low] + (sorted[high] - sorted[low]) * (place - low);
  }

  return { compile, levels, interpolate, quantile };
})();
