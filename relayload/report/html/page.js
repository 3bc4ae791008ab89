// Makes the charts of a report answer to pointer and keyboard. Without it nothing is missing but that.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const make = (name, attributes = {}, text = "") => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    return made;
  };
  const draw = (name, attributes) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const read = (block) => JSON.parse(block.textContent);

  // Dark and light.
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const theme = make("button", { type: "button", class: "theme" });
  const name = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  theme.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; name(); });
  dark.addEventListener("change", name);
  name();
  document.querySelector(".top").append(theme);

  // What is folded away is printed all the same.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const one of folded) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of folded) one.open = false; });

  let bins = null;
  let charts = [];
  let renewing = false; // a chart that is replaced while it has the focus loses it, and nothing is meant by that

  // What is shown of an axis, in steps of which it has `count`, and at least `fewest` are shown.
  class View {
    constructor(count, fewest) {
      Object.assign(this, { count, fewest, from: 0, until: count, charts: [] });
    }

    get all() { return this.from === 0 && this.until === this.count; }

    // Where a place of the whole axis is now, both as shares of its length.
    at(share) { return (share * this.count - this.from) / (this.until - this.from); }

    zoom(from, until) {
      const length = Math.min(this.count, Math.max(this.fewest, Math.round(until - from)));
      this.from = Math.max(0, Math.min(this.count - length, Math.round(from)));
      this.until = this.from + length;
      for (const chart of this.charts) chart.zoomed();
    }

    showAll() { this.zoom(0, this.count); }
  }

  // Charts over time share their zoom; one with an axis of its own has one of its own, or none.
  let timeView = new View(1, 1);
  const viewOf = (figure) => {
    if (figure.classList.contains("timed")) return timeView;
    return figure.classList.contains("zooms") ? new View(48, 6) : new View(1, 1);
  };

  class Chart {
    constructor(figure) {
      this.figure = figure;
      this.timed = figure.classList.contains("timed");
      this.zooms = this.timed || figure.classList.contains("zooms");
      this.view = viewOf(figure);
      this.view.charts.push(this);
      this.plot = figure.querySelector(".plot");
      this.image = this.plot.querySelector("svg");
      this.inner = this.plot.querySelector(".inner");
      this.width = this.image.viewBox.baseVal.width;
      this.left = bins.left;
      this.right = bins.left + bins.width;
      const values = read(figure.querySelector(".values"));
      this.series = values.series;
      this.at = values.at || bins.names.map((label, n) => [((n + 0.5) / bins.names.length) * bins.width, label]);
      this.ticks = figure.querySelector(".x-ticks");
      this.ownTicks = [...this.ticks.childNodes];
      this.position = null;
      this.hidden = new Set();
      this.told = false;
      this.cursor = draw("line", { class: "cursor", visibility: "hidden" });
      this.cursor.setAttribute("y1", this.inner.y.baseVal.value);
      this.cursor.setAttribute("y2", this.inner.y.baseVal.value + this.inner.height.baseVal.value);
      this.image.append(this.cursor);
      this.tip = make("div", { class: "tip", hidden: "" });
      this.live = make("p", { class: "live", role: "status" });
      this.plot.append(this.tip, this.live);
      this.plot.tabIndex = 0;
      this.plot.setAttribute("role", "group");
      const title = figure.querySelector("h3").textContent;
      this.plot.setAttribute("aria-label", `${title}: arrow keys show values${this.zooms ? ", + and - zoom, 0 shows all" : ""}`);
      this.listen();
      this.legend();
    }

    listen() {
      this.plot.addEventListener("pointermove", (event) => { this.point(event); this.drag(event); });
      this.plot.addEventListener("pointerleave", () => { if (!this.from) this.leave(); });
      this.plot.addEventListener("blur", () => this.leave());
      this.plot.addEventListener("keydown", (event) => this.key(event));
      if (!this.zooms) return;
      this.plot.addEventListener("pointerdown", (event) => {
        if (event.button === 0 && event.pointerType !== "touch") this.begin(event);
      });
      this.plot.addEventListener("pointerup", (event) => this.end(event));
      this.plot.addEventListener("dblclick", () => this.view.showAll());
    }

    legend() {
      for (const entry of this.figure.querySelectorAll(".legend li[data-series]")) {
        const button = make("button", { type: "button", "aria-pressed": "true" });
        button.append(...entry.childNodes);
        entry.append(button);
        button.addEventListener("click", () => this.toggle(entry.dataset.series, button));
      }
    }

    // Stay as it is on a page whose other charts are new.
    kept() {
      if (this.timed) { this.view = timeView; timeView.charts.push(this); }
      return this;
    }

    // Look as the chart did whose place this one takes.
    follow(old) {
      for (const hidden of old.hidden) {
        const series = this.series.findIndex(([label]) => label === old.series[hidden][0]);
        const button = this.figure.querySelector(`.legend li[data-series="${series}"] button`);
        if (button) this.toggle(String(series), button);
      }
      if (!this.timed && !old.view.all) this.view.zoom(old.view.from, old.view.until);
      this.told = old.told;
      this.position = old.position === null ? null : Math.min(old.position, this.at.length - 1);
    }

    toggle(series, button) {
      const hide = !this.hidden.has(series);
      if (hide) this.hidden.add(series); else this.hidden.delete(series);
      button.setAttribute("aria-pressed", String(!hide));
      for (const drawn of this.inner.querySelectorAll(`[data-series="${series}"]`)) {
        drawn.setAttribute("visibility", hide ? "hidden" : "visible");
      }
      if (this.position !== null) this.show(this.position);
    }

    // Where a position is on the screen of the chart, in its own units.
    x(position) { return this.left + this.view.at(this.at[position][0] / bins.width) * bins.width; }

    isShown(x) { return x >= this.left - 1 && x <= this.right + 1; }

    unit(event) {
      const box = this.image.getBoundingClientRect();
      return (event.clientX - box.left) / box.width * this.width;
    }

    nearest(unit) {
      let best = null;
      for (let n = 0; n < this.at.length; n += 1) {
        const x = this.x(n);
        if (!this.isShown(x)) continue;
        if (best === null || Math.abs(x - unit) < Math.abs(this.x(best) - unit)) best = n;
      }
      return best;
    }

    point(event) {
      const unit = this.unit(event);
      if (unit < this.left - 8 || unit > this.right + 8) { if (!this.from) this.leave(); return; }
      const position = this.nearest(unit);
      if (position !== null) together(this, position);
    }

    show(position, speak = false) {
      this.position = position;
      const x = this.x(position);
      if (!this.isShown(x)) { this.leave(); return; }
      this.cursor.setAttribute("x1", x);
      this.cursor.setAttribute("x2", x);
      this.cursor.setAttribute("visibility", "visible");
      const rows = this.series
        .map(([label, , texts], n) => [label, texts[position], n])
        .filter(([, text, n]) => text && !this.hidden.has(String(n)));
      this.tip.replaceChildren(make("div", { class: "at" }, this.at[position][1]));
      for (const [label, text] of rows) {
        const row = make("div");
        row.append(make("span", {}, label), make("span", {}, text));
        this.tip.append(row);
      }
      if (!rows.length) this.tip.append(make("div", {}, "nothing measured"));
      if (speak) this.live.textContent = [this.at[position][1], ...rows.map(([label, text]) => `${label} ${text}`)].join(", ");
    }

    tell() {
      const scale = this.image.getBoundingClientRect().width / this.width;
      this.tip.hidden = false;
      const x = this.x(this.position) * scale;
      const room = this.plot.clientWidth - this.tip.offsetWidth;
      const beside = x + 12 > room ? x - this.tip.offsetWidth - 12 : x + 12;
      this.tip.style.left = `${Math.max(0, Math.min(beside, room))}px`;
      this.tip.style.top = "8px";
    }

    leave() { if (!renewing) for (const chart of charts) chart.clear(); }

    clear() {
      this.position = null;
      this.told = false;
      this.tip.hidden = true;
      this.cursor.setAttribute("visibility", "hidden");
    }

    key(event) {
      const now = this.position;
      const within = [...this.at.keys()].filter((position) => this.isShown(this.x(position)));
      const [first, last] = [within.at(0), within.at(-1)];
      const to = {
        ArrowRight: now === null ? first : Math.min(last, now + 1),
        ArrowLeft: now === null ? last : Math.max(first, now - 1),
        Home: first,
        End: last,
      }[event.key];
      if (to !== undefined) together(this, to, true);
      else if (event.key === "Escape") { this.leave(); this.view.showAll(); }
      else if (this.zooms && event.key === "0") this.view.showAll();
      else if (this.zooms && (event.key === "+" || event.key === "-")) this.step(event.key === "+" ? 0.5 : 2);
      else return;
      event.preventDefault();
    }

    step(factor) {
      const { from, until, count, fewest } = this.view;
      const middle = this.position === null ? (from + until) / 2 : this.at[this.position][0] / bins.width * count;
      const length = Math.max(fewest, 2, (until - from) * factor);
      this.view.zoom(middle - length / 2, middle + length / 2);
      if (this.position !== null) together(this, this.position);
    }

    begin(event) {
      const unit = this.unit(event);
      if (unit < this.left || unit > this.right) return;
      this.from = unit;
      this.plot.setPointerCapture(event.pointerId);
      this.brush = draw("rect", { class: "brush", y: this.inner.y.baseVal.value, height: this.inner.height.baseVal.value, x: unit, width: 0 });
      this.image.append(this.brush);
    }

    drag(event) {
      if (!this.from) return;
      const unit = Math.max(this.left, Math.min(this.right, this.unit(event)));
      this.brush.setAttribute("x", Math.min(this.from, unit));
      this.brush.setAttribute("width", Math.abs(unit - this.from));
    }

    end(event) {
      if (!this.from) return;
      const unit = Math.max(this.left, Math.min(this.right, this.unit(event)));
      const [low, high] = [Math.min(this.from, unit), Math.max(this.from, unit)];
      this.from = null;
      this.brush.remove();
      if (high - low < 6) return;
      const { from, until } = this.view;
      const at = (x) => from + (x - this.left) / bins.width * (until - from);
      this.view.zoom(at(low), at(high));
    }

    zoomed() {
      const { from, until, count, all } = this.view;
      const x = from / count * bins.width;
      const width = (until - from) / count * bins.width;
      this.inner.setAttribute("viewBox", `${x} 0 ${width} ${this.inner.height.baseVal.value}`);
      this.figure.classList.toggle("zoomed", !all);
      this.ticks.replaceChildren(...(all ? this.ownTicks : this.ticksBetween()));
      this.moveNames();
      this.tools(all);
    }

    // The beginnings of bins, or the positions that have values, as far as there is room.
    places() {
      if (!this.timed) return this.at.map(([at, label]) => [this.left + this.view.at(at / bins.width) * bins.width, label]);
      const { from, until, count } = this.view;
      const step = Math.max(1, Math.ceil((until - from) / 6));
      const made = [];
      for (let n = from; n <= until; n += step) made.push([this.left + this.view.at(n / count) * bins.width, bins.starts[n]]);
      return made;
    }

    ticksBetween() {
      const base = this.ownTicks.find((node) => node.localName === "text");
      const line = this.ownTicks.find((node) => node.localName === "line");
      const made = [];
      let last = -Infinity;
      for (const [x, label] of this.places()) {
        if (!this.isShown(x) || x - last < 50) continue;
        last = x;
        const mark = line.cloneNode();
        mark.setAttribute("x1", x);
        mark.setAttribute("x2", x);
        const text = base.cloneNode();
        text.setAttribute("x", x);
        text.setAttribute("text-anchor", x > this.right - 12 ? "end" : "middle");
        text.textContent = label;
        made.push(mark, text);
      }
      return made;
    }

    // Names of limits at a place of the axis stay beside it.
    moveNames() {
      for (const one of this.image.querySelectorAll("text[data-at]")) {
        one.dataset.beside ??= one.getAttribute("x") - this.left - one.dataset.at;
        const x = this.left + this.view.at(one.dataset.at / bins.width) * bins.width;
        one.setAttribute("x", x + Number(one.dataset.beside));
        one.setAttribute("visibility", this.isShown(x) ? "visible" : "hidden");
      }
    }

    tools(all) {
      if (all) { this.reset?.remove(); this.reset = null; return; }
      if (this.reset) return;
      this.reset = make("div", { class: "tools" });
      const button = make("button", { type: "button" }, "Show all");
      button.addEventListener("click", () => { this.view.showAll(); this.plot.focus(); });
      this.reset.append(button);
      this.figure.append(this.reset);
    }
  }

  // Charts over time share their cursor.
  function together(chart, position, speak = false) {
    for (const other of charts) {
      if (other === chart || (chart.timed && other.timed)) other.show(position, speak && other === chart);
      else other.clear();
      if (other !== chart) other.tip.hidden = true;
      other.told = other === chart;
    }
    if (chart.position !== null) chart.tell();
  }

  // The rows of a chart without values, such as that of breakers, zoom with the rest.
  function silent(figure) {
    const made = Object.create(Chart.prototype);
    Object.assign(made, {
      figure, timed: true, view: timeView, inner: figure.querySelector(".inner"), ticks: figure.querySelector(".x-ticks"),
      left: bins.left, right: bins.left + bins.width, plot: figure.querySelector(".plot"),
      image: figure.querySelector(".plot svg"),
      hidden: new Set(), show() {}, clear() {}, tip: {}, position: null,
    });
    made.ownTicks = [...made.ticks.childNodes];
    timeView.charts.push(made);
    return made;
  }

  // What a chart is known by, whatever it shows now.
  function ident(figure) {
    const place = figure.closest("[data-key]");
    return `${place ? place.dataset.key : ""} ${figure.querySelector("h3").textContent}`;
  }

  // Takes in the charts of the page. Where some have taken the place of others, zoom, cursor and hidden lines stay.
  function begin() {
    renewing = false;
    const block = document.getElementById("bins");
    if (!block) return;
    const [from, until] = bins && !timeView.all ? [timeView.from * bins.step, timeView.until * bins.step] : [];
    bins = read(block);
    timeView = new View(bins.names.length, 1);
    const before = new Map(charts.map((chart) => [ident(chart.figure), chart]));
    charts = [...document.querySelectorAll(".chart")].map((figure) => {
      const old = before.get(ident(figure));
      if (old && old.figure === figure) return old.kept();
      if (!figure.querySelector(".values")) return silent(figure);
      const chart = new Chart(figure);
      if (old) chart.follow(old);
      return chart;
    });
    if (until) timeView.zoom(from / bins.step, until / bins.step);
    const told = charts.find((chart) => chart.told && chart.position !== null);
    if (told) together(told, told.position);
  }

  addEventListener("renewing", () => { renewing = true; });
  addEventListener("renewed", begin);
  begin();
})();
