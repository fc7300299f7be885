"use strict";
const DATA = JSON.parse(document.getElementById("data").textContent);

/** An element with attributes and children; text children are text, never markup. */
function make(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** The same in the SVG namespace. */
function draw(name, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const DASHES = ["", "7 3", "2 3", "9 3 2 3"];
const short = (value) => (value === null || Number.isNaN(value) ? "–" : String(+value.toPrecision(3)));

/** How a line of a chart looks. */
function look(line, place) {
  const colour = line.tone ? `var(--${line.tone})` : `var(--c${place % 7})`;
  const dash = line.tone ? (line.tone === "wrong" ? "5 3" : "") : DASHES[place % DASHES.length];
  return { stroke: colour, "stroke-width": line.bold ? 3.5 : line.thin ? 1.25 : 2, "stroke-dasharray": dash, fill: "none" };
}

function ticks(low, high, log) {
  if (log) {
    const found = [];
    const [first, last] = [Math.ceil(Math.log2(low) - 1e-9), Math.floor(Math.log2(high) + 1e-9)];
    const by = Math.max(1, Math.ceil((last - first) / 7));
    for (let power = first; power <= last; power += by) found.push(2 ** power);
    return found;
  }
  const rough = (high - low) / 5;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const by = [1, 2, 5, 10].map((n) => n * unit).find((n) => n >= rough);
  const found = [];
  for (let value = Math.ceil(low / by) * by; value <= high + by * 1e-6; value += by) found.push(+value.toPrecision(10));
  return found;
}

/** A chart in `host`: hover or arrow keys read values, the legend's buttons hide lines. */
class Chart {
  constructor(chart, host, pick = null) {
    Object.assign(this, { chart, pick, hidden: new Set(), cursor: null });
    this.xs = [...new Set(chart.lines.flatMap((line) => line.x))].sort((a, b) => a - b);
    this.svg = draw("svg", { role: "img", tabindex: 0, "aria-label": `${chart.title}. ${chart.about} Arrow keys read values.` });
    this.legend = make("div", { class: "legend", role: "group", "aria-label": "lines" });
    this.said = make("p", { class: "at", "aria-live": "polite" });
    const heading = make("h3", {}, chart.title);
    this.root = make("figure", { class: "chart" }, heading, this.svg, this.said, this.legend);
    this.root.append(make("figcaption", {}, chart.about), this.values());
    host.append(this.root);
    this.buttons = chart.lines.map((line, place) => this.button(line, place));
    this.svg.addEventListener("pointermove", (event) => this.point(this.nearest(event)));
    this.svg.addEventListener("pointerleave", () => this.point(this.resting ?? null));
    this.svg.addEventListener("click", (event) => this.pick && this.pick(this.nearest(event)));
    this.svg.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.scale?.width === this.width || this.render()).observe(this.root);
  }

  button(line, place) {
    const key = draw("svg", { viewBox: "0 0 26 12", "aria-hidden": "true" });
    const style = look(line, place);
    key.append(this.chart.points ? draw("circle", { cx: 13, cy: 6, r: 5, fill: style.stroke }) : draw("path", { d: "M0 6h26", ...style }));
    const value = make("b");
    const button = make("button", { type: "button", "aria-pressed": "true" }, key, line.name, value);
    button.addEventListener("click", () => {
      if (!this.hidden.delete(place)) this.hidden.add(place);
      button.setAttribute("aria-pressed", String(!this.hidden.has(place)));
      this.render();
    });
    this.legend.append(button);
    return value;
  }

  /** The numbers themselves, for readers who cannot see the lines. */
  values() {
    const { chart } = this;
    const details = make("details", {}, make("summary", {}, "values"));
    details.addEventListener("toggle", () => {
      if (details.childElementCount > 1) return;
      const head = make("tr", {}, make("th", { scope: "col" }, chart.x_label));
      for (const line of chart.lines) head.append(make("th", { scope: "col" }, line.name));
      const body = make("tbody");
      for (const x of this.xs) {
        const row = make("tr", {}, make("th", { scope: "row" }, short(x)));
        for (const line of chart.lines) row.append(make("td", {}, this.text(line, x)));
        body.append(row);
      }
      const table = make("table", {}, make("thead", {}, head), body);
      details.append(make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "values" }, table));
    });
    return details;
  }

  text(line, x) {
    const place = line.x.indexOf(x);
    if (place < 0) return "";
    const between = line.low ? ` (${short(line.low[place])} to ${short(line.high[place])})` : "";
    return short(line.y[place]) + between;
  }

  get shown() {
    return this.chart.lines.map((line, place) => [line, place]).filter(([, place]) => !this.hidden.has(place));
  }

  get width() {
    return Math.max(this.root.clientWidth, 200);
  }

  /** Pixels of a value, for the present width. */
  scales() {
    const { chart } = this;
    const [width, height, left, bottom, top, right] = [this.width, 250, 46, 40, 10, 12];
    const of = (name) => this.shown.flatMap(([line]) => line[name] ?? []).filter((v) => v !== null && !Number.isNaN(v));
    const all = [...of("y"), ...of("low"), ...of("high")];
    let [low, high] = chart.y ?? (all.length ? [Math.min(...all), Math.max(...all)] : [0, 1]);
    if (!chart.y) [low, high] = [low - (high - low || 1) * 0.06, high + (high - low || 1) * 0.06];
    let [first, last] = [this.xs[0], this.xs[this.xs.length - 1]];
    if (chart.points) [first, last] = chart.log ? [first / 1.6, last * 1.6] : [first - 1, last + 1];
    if (first === last) last = chart.log ? first * 2 : first + 1;
    const way = chart.log ? Math.log : (value) => value;
    const x = (value) => left + ((way(value) - way(first)) / (way(last) - way(first))) * (width - left - right);
    const y = (value) => height - bottom - ((value - low) / (high - low)) * (height - bottom - top);
    return { width, height, left, bottom, top, right, low, high, first, last, x, y };
  }

  render() {
    const { chart, svg } = this;
    const s = (this.scale = this.scales());
    svg.setAttribute("viewBox", `0 0 ${s.width} ${s.height}`);
    svg.replaceChildren();
    for (const value of ticks(s.low, s.high, false)) {
      svg.append(draw("path", { class: "grid", d: `M${s.left} ${s.y(value)}H${s.width - s.right}` }));
      svg.append(draw("text", { x: s.left - 6, y: s.y(value) + 4, "text-anchor": "end" }, short(value)));
    }
    if (s.low < 0 && s.high > 0) svg.append(draw("path", { class: "zero", d: `M${s.left} ${s.y(0)}H${s.width - s.right}` }));
    for (const value of ticks(s.first, s.last, chart.log)) {
      svg.append(draw("text", { x: s.x(value), y: s.height - s.bottom + 16, "text-anchor": "middle" }, String(value)));
    }
    svg.append(draw("text", { x: (s.left + s.width) / 2, y: s.height - 6, "text-anchor": "middle" }, chart.x_label));
    const middle = (s.top + s.height - s.bottom) / 2;
    svg.append(draw("text", { x: 12, y: middle, "text-anchor": "middle", transform: `rotate(-90 12 ${middle})` }, chart.y_label));
    for (const [line, place] of this.shown) svg.append(chart.points ? this.dot(line, place) : this.path(line, place));
    this.over = draw("g");
    svg.append(this.over);
    this.point(this.cursor);
  }

  path(line, place) {
    const { x, y } = this.scale;
    const group = draw("g");
    const known = line.x.map((v, i) => [v, i]).filter(([, i]) => line.y[i] !== null && !Number.isNaN(line.y[i]));
    if (line.low) {
      const above = known.map(([v, i]) => `${x(v)} ${y(line.high[i])}`);
      const below = known.map(([v, i]) => `${x(v)} ${y(line.low[i])}`).reverse();
      const style = { fill: look(line, place).stroke, opacity: 0.12 };
      group.append(draw("path", { d: `M${[...above, ...below].join("L")}Z`, ...style }));
    }
    group.append(draw("path", { d: known.map(([v, i], n) => `${n ? "L" : "M"}${x(v)} ${y(line.y[i])}`).join(""), ...look(line, place) }));
    if (known.length === 1) group.append(draw("circle", { cx: x(known[0][0]), cy: y(line.y[known[0][1]]), r: 4, fill: look(line, place).stroke }));
    return group;
  }

  dot(line, place) {
    const { x, y } = this.scale;
    const [across, colour] = [x(line.x[0]) + ((place % 5) - 2) * 5, look(line, place).stroke];
    const bar = `M${across} ${y(line.low[0])}V${y(line.high[0])}m-4 0h8m-8 ${y(line.low[0]) - y(line.high[0])}h8`;
    return draw("g", {}, draw("path", { d: bar, stroke: colour, "stroke-width": 1.5 }), draw("circle", { cx: across, cy: y(line.y[0]), r: 5, fill: colour }));
  }

  nearest(event) {
    const box = this.svg.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * this.scale.width;
    return this.xs.reduce((best, x) => (Math.abs(this.scale.x(x) - at) < Math.abs(this.scale.x(best) - at) ? x : best));
  }

  key(event) {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    const by = event.key === "ArrowRight" ? 1 : -1;
    const place = this.cursor === null ? 0 : this.xs.indexOf(this.cursor) + by;
    const x = this.xs[Math.min(Math.max(place, 0), this.xs.length - 1)];
    if (this.pick) this.pick(x);
    else this.point(x, true);
    event.preventDefault();
    event.stopPropagation();
  }

  /** Read all lines at x, in the legend; null for none. `aloud`: in words, too. */
  point(x, aloud = false) {
    this.cursor = x;
    if (!this.over) return;
    this.over.replaceChildren();
    const s = this.scale;
    this.chart.lines.forEach((line, place) => {
      const constant = this.chart.points && x === null;
      this.buttons[place].textContent = x === null && !constant ? "" : constant ? this.text(line, line.x[0]) : this.text(line, x);
    });
    this.said.textContent = x === null ? "" : `${this.chart.x_label} ${short(x)}`;
    if (x === null) return;
    this.over.append(draw("path", { class: "cursor", d: `M${s.x(x)} ${s.top}V${s.height - s.bottom}` }));
    for (const [line, place] of this.chart.points ? [] : this.shown) {
      const value = line.y[line.x.indexOf(x)];
      if (value === undefined || value === null || Number.isNaN(value)) continue;
      this.over.append(draw("circle", { cx: s.x(x), cy: s.y(value), r: 4, fill: look(line, place).stroke }));
    }
    if (aloud) this.said.textContent += ": " + this.shown.map(([line]) => `${line.name} ${this.text(line, x)}`).join(", ");
  }
}

for (const chart of DATA.charts) new Chart(chart, document.getElementById("charts"));

{
  const button = document.getElementById("theme");
  const root = document.documentElement;
  const names = ["automatic", "light", "dark"];
  button.addEventListener("click", () => {
    const name = names[(names.indexOf(root.dataset.theme ?? "automatic") + 1) % 3];
    if (name === "automatic") delete root.dataset.theme;
    else root.dataset.theme = name;
    button.setAttribute("aria-label", `colours: ${name}`);
    button.textContent = { automatic: "◐", light: "☀", dark: "☾" }[name];
  });
}
