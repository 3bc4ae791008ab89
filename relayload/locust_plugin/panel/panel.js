// What relayload knows of the run, above Locust's page; and what the fields of Locust's forms leave undone.
"use strict";

const POLL_MS = 2000;
const panel = document.getElementById("relayload");
let shown = "";
let fields = {};

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function row(cells, kind) {
  const made = element("tr");
  made.append(...cells.map((cell) => element(kind, cell)));
  return made;
}

function table(headings, rows) {
  const made = element("table");
  made.append(row(headings, "th"), ...rows.map((cells) => row(cells, "td")));
  return made;
}

function list(lines) {
  const made = element("ul");
  made.append(...lines.map((line) => element("li", line)));
  return made;
}

function verdict(state) {
  const line = element("p");
  line.append(element("span", state.verdict, `word ${state.verdict}`), ` ${state.run_dir} `);
  const link = element("a", "report");
  link.href = "./relayload/report";
  line.append(link);
  const parts = [line];
  if (state.reasons.length) parts.push(list(state.reasons));
  if (state.objectives.length) parts.push(table(state.headings, state.objectives));
  return parts;
}

function show(state) {
  const parts = state.warnings.map((warning) => element("p", warning, "warning"));
  parts.push(element("p", state.title));
  if (state.verdict) parts.push(...verdict(state));
  else if (state.run_dir) parts.push(element("p", `recording to ${state.run_dir}`));
  panel.replaceChildren(...parts);
  panel.hidden = false;
}

function mark() {
  for (const [name, remark] of Object.entries(fields)) {
    for (const input of document.querySelectorAll(`input[name="${name}"]`)) {
      input.readOnly = true;
      (input.closest(".MuiFormControl-root") || input.parentElement).dataset.relayload = remark;
    }
  }
}

async function look() {
  try {
    const text = await (await fetch("./relayload/state")).text();
    if (text !== shown) {
      shown = text;
      const state = JSON.parse(text);
      fields = state.fields;
      show(state);
      mark();
    }
  } catch (error) {
    console.warn("relayload does not answer", error);
  }
  setTimeout(look, POLL_MS);
}

new MutationObserver(mark).observe(document.body, { childList: true, subtree: true });
look();
