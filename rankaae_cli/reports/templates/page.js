/* The page's behaviour: figures that can be zoomed, tables that can be sorted, text that can be copied.
   Without JavaScript still pictures and plain tables remain; nothing is fetched from anywhere. */
window.rankaae = (() => {
  "use strict";
  document.documentElement.classList.add("js");

  const NARROW = 400; // width in px of a figure below which panels stand beneath one another
  const LEAST_LIGHT = 0.36; // of a line on dark paper
  const PALETTE = { // colours of the figures as they are drawn for print, and what stands for them on this page
    "#1A1A1A": "--ink", "#5F6368": "--soft", "#B8BCC2": "--faint", "#0072B2": "--blue", "#D55E00": "--vermilion",
    "#E69F00": "--orange", "#009E73": "--green", "#CC79A7": "--purple", "#56B4E9": "--sky",
  };
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const listeners = [];
  let library = null;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  /* Returns the text packed (gzip, base64) in an element. */
  async function unpack(element) {
    if (typeof DecompressionStream === "undefined") {
      throw new Error("this browser has no DecompressionStream");
    }
    const bytes = Uint8Array.from(atob(element.textContent.trim()), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  }

  /* Promises Plotly, unpacked once from the page itself. */
  function plotly() {
    library ??= (async () => {
      if (!window.Plotly) {
        const script = document.createElement("script");
        script.textContent = await unpack(document.getElementById("plotly-gz"));
        document.head.append(script);
      }
      if (!window.Plotly) throw new Error("the plotting library in this page does not run");
      return window.Plotly;
    })();
    return library;
  }

  /* Returns a colour that would be lost on dark paper in a lighter shade. */
  function lifted(hex) {
    const channels = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
    const light = (0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]) / 255;
    if (!dark.matches || light >= LEAST_LIGHT) return hex;
    const share = (LEAST_LIGHT - light) / (1 - light);
    const mixed = channels.map((c) => Math.round(c + share * (255 - c)).toString(16).padStart(2, "0"));
    return `#${mixed.join("")}${hex.slice(7)}`;
  }

  /* Returns a copy of traces, or of any part of a figure, in the colours of the present theme. */
  function recolour(value) {
    if (typeof value === "string") {
      if (!/^#[0-9a-f]{6}([0-9a-f]{2})?$/i.test(value)) return value;
      const variable = PALETTE[value.slice(0, 7).toUpperCase()];
      return variable ? colour(variable) + value.slice(7) : lifted(value);
    }
    if (ArrayBuffer.isView(value)) return value;
    if (Array.isArray(value)) return typeof value[0] === "number" && typeof value[1] !== "string" ? value : value.map(recolour);
    if (value && typeof value === "object") {
      if (value.type === "heatmap") return { ...value }; // cells choose the colour of their text themselves
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, recolour(item)]));
    }
    return value;
  }

  const merged = (first, second) => {
    const result = { ...first };
    for (const [key, item] of Object.entries(second)) {
      const both = item && typeof item === "object" && !Array.isArray(item);
      result[key] = both ? merged(result[key] || {}, item) : item;
    }
    return result;
  };

  /* Returns a copy of a layout in the colours and the type of the page, light or dark. */
  function theme(layout = {}) {
    const [ink, soft, line, card] = ["--ink", "--soft", "--line", "--card"].map(colour);
    const axis = { gridcolor: line, zerolinecolor: line, linecolor: soft, tickcolor: soft, tickfont: { color: ink } };
    const clear = "rgba(0,0,0,0)";
    const look = {
      paper_bgcolor: clear, plot_bgcolor: clear,
      font: { color: ink, family: getComputedStyle(document.body).fontFamily },
      hoverlabel: { bgcolor: card, bordercolor: soft, font: { color: ink } },
      legend: { bgcolor: clear },
      modebar: { bgcolor: clear, color: soft, activecolor: ink },
      template: { layout: { xaxis: axis, yaxis: axis } },
    };
    for (const key of Object.keys(layout)) if (/^[xy]axis\d*$/.test(key)) look[key] = axis;
    return merged(recolour(layout), look);
  }

  /* Calls back whenever the page turns light or dark. */
  const onTheme = (callback) => listeners.push(callback);
  dark.addEventListener("change", () => listeners.forEach((callback) => callback()));

  function buttons(name, original) {
    const save = (format) => ({
      name: `${format}`, title: `Download as ${format}`, icon: window.Plotly.Icons[format === "svg" ? "disk" : "camera"],
      // Saved as it is zoomed now, but dark on white whatever the theme of the page.
      click: (host) => window.Plotly.downloadImage(
        { data: original.data, layout: { ...withRanges(original.layout, host), paper_bgcolor: "#fff", plot_bgcolor: "#fff" } },
        { format, filename: name, width: host.clientWidth, height: host.clientHeight, scale: format === "png" ? 3 : 1 },
      ),
    });
    return [[save("svg"), save("png")], ["zoom2d", "pan2d", "resetScale2d"]];
  }

  function withRanges(layout, host) {
    const result = { ...layout };
    for (const key of Object.keys(host._fullLayout || {})) {
      if (/^[xy]axis\d*$/.test(key)) {
        const { range, domain } = host._fullLayout[key];
        result[key] = { ...result[key], range: [...range], domain: [...domain], autorange: false };
      }
    }
    return result;
  }

  const config = (name, original) => ({
    responsive: true, displaylogo: false, showTips: false, showLink: false, scrollZoom: false,
    modeBarButtons: buttons(name, original),
  });

  /* Returns a layout whose panels, side by side on a wide page, stand beneath one another. */
  function stacked(layout, width) {
    const panels = layout.meta?.panels || 0;
    if (width >= NARROW || panels < 2) return layout;
    const result = { ...layout }, height = 1 / panels;
    for (let i = 0; i < panels; i += 1) {
      const n = i ? String(i + 1) : "", top = 1 - i * height;
      result[`xaxis${n}`] = { ...layout[`xaxis${n}`], domain: [0, 1], showticklabels: true };
      result[`yaxis${n}`] = { ...layout[`yaxis${n}`], domain: [top - height * 0.66, top - height * 0.1] };
    }
    return result;
  }

  /* Draws a Plotly figure (data, layout) in an element, in the page's theme, and keeps it so. */
  async function draw(host, figure, name = "figure") {
    const Plotly = await plotly();
    const themed = () => [recolour(figure.data), theme(stacked(figure.layout, host.clientWidth))];
    await Plotly.newPlot(host, ...themed(), config(name, figure));
    onTheme(() => Plotly.react(host, ...themed(), config(name, figure)));
    let wide = host.clientWidth >= NARROW;
    window.addEventListener("resize", () => {
      if (wide !== host.clientWidth >= NARROW) {
        wide = !wide;
        Plotly.react(host, ...themed(), config(name, figure));
      }
    });
    return host;
  }

  /* Puts the live figure in the place of its still picture, which stays for print. */
  async function upgrade(place) {
    const still = place.querySelector("img"), packed = place.querySelector("script");
    const [, text] = await Promise.all([plotly(), unpack(packed)]);
    const host = document.createElement("div");
    host.className = "live";
    host.tabIndex = 0;
    host.setAttribute("role", "group");
    host.setAttribute("aria-label", `Interactive figure. ${still.alt}`);
    place.append(host);
    place.classList.add("drawn");
    try {
      await draw(host, JSON.parse(text), place.dataset.name);
    } catch (fault) {
      host.remove();
      place.classList.remove("drawn");
      throw fault;
    }
  }

  function explain(fault) {
    const note = document.getElementById("still-note");
    if (!note || !note.hidden) return;
    note.textContent = `Figures are still pictures here: ${fault.message}.`;
    note.hidden = false;
  }

  function watchFigures() {
    const places = document.querySelectorAll(".plot[data-name]");
    if (!places.length) return;
    if (typeof DecompressionStream === "undefined") {
      explain(new Error("this browser has no DecompressionStream"));
      return;
    }
    const watcher = new IntersectionObserver((entries) => {
      for (const entry of entries.filter((e) => e.isIntersecting)) {
        watcher.unobserve(entry.target);
        upgrade(entry.target).catch(explain);
      }
    }, { rootMargin: "500px 0px" });
    places.forEach((place) => watcher.observe(place));
  }

  /* Sorts a table by one column: numbers by their full value, unknown ones last; text by the reader's language.
     Rows that sum up the others stay last. */
  function sortRows(table, column, descending) {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => ({ row, cell: row.cells[column] }));
    const numeric = rows.some(({ cell }) => cell.dataset.value !== undefined);
    const value = ({ cell }) => {
      if (!numeric) return cell.textContent.trim();
      return cell.dataset.value ? Number(cell.dataset.value) : NaN;
    };
    const sign = descending ? -1 : 1;
    rows.sort((one, other) => {
      const [a, b] = [value(one), value(other)];
      if (!numeric) return sign * a.localeCompare(b, undefined, { numeric: true });
      if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
      return sign * (a - b);
    });
    const fixed = ({ row }) => "fixed" in row.dataset;
    body.append(...[...rows.filter((one) => !fixed(one)), ...rows.filter(fixed)].map(({ row }) => row));
  }

  function makeSortable(table) {
    const headings = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    if (table.tBodies[0].rows.length < 2) return;
    headings.forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.title = "Sort by this column";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const descending = heading.getAttribute("aria-sort") === "ascending";
        headings.forEach((h) => h.removeAttribute("aria-sort"));
        heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
        sortRows(table, column, descending);
      });
    });
  }

  async function copyText(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Pages opened from disk have no clipboard in some browsers.
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  }

  function addCopyButton(block) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await copyText(block.textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    const holder = document.createElement("div");
    holder.className = "copyable";
    block.replaceWith(holder);
    holder.append(block, button);
  }

  /* Lets every heading be linked to. */
  function addAnchors() {
    for (const heading of document.querySelectorAll("main :is(h2, h3)")) {
      const section = heading.closest("section");
      const own = heading.tagName === "H2" && section?.id;
      if (!own && !heading.id) {
        const words = heading.textContent.trim().toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-");
        heading.id = `${section?.id || "page"}-${words}`;
      }
      const anchor = document.createElement("a");
      anchor.className = "anchor";
      anchor.href = `#${own || heading.id}`;
      anchor.textContent = "#";
      anchor.setAttribute("aria-label", `Link to ${heading.textContent.trim()}`);
      heading.append(anchor);
    }
  }

  /* Marks the section being read in the navigation. */
  function followSections() {
    const links = new Map([...document.querySelectorAll("nav a[href^='#']")].map((a) => [a.hash.slice(1), a]));
    const sections = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean);
    const watcher = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        links.forEach((link) => link.removeAttribute("aria-current"));
        const link = links.get(target.id), bar = link.closest("nav");
        link.setAttribute("aria-current", "true");
        bar.scrollLeft = link.offsetLeft - bar.clientWidth / 2; // where the bar is wider than the page
      }
    }, { rootMargin: "-15% 0px -80% 0px" });
    sections.forEach((section) => watcher.observe(section));
  }

  /* Lets keys reach what is wider than its place: it takes the focus, and arrows then move it. */
  function focusWide() {
    for (const element of document.querySelectorAll(".scroll, .scroll-picture, pre")) {
      if (element.scrollWidth > element.clientWidth) element.tabIndex = 0;
      else element.removeAttribute("tabindex");
    }
  }

  /* Loads a page that is written over and over again, until its reader stops that. */
  function loadAgain(button) {
    const reload = () => window.location.reload();
    let timer = setTimeout(reload, 1000 * button.dataset.seconds);
    button.addEventListener("click", () => {
      if (!timer) reload();
      clearTimeout(timer);
      timer = 0;
      button.textContent = "Go on";
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("button.again").forEach(loadAgain);
    document.querySelectorAll("table.sortable").forEach(makeSortable);
    document.querySelectorAll("pre").forEach(addCopyButton);
    addAnchors();
    followSections();
    watchFigures();
    focusWide();
  });
  window.addEventListener("resize", focusWide);

  return { plotly, theme, recolour, colour, onTheme, draw, unpack, config };
})();
