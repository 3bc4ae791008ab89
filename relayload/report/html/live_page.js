// Renews the page of a run that goes on, in place: focus, scroll, open details and the zoom of charts stay.
"use strict";
(() => {
  const POLL_MS = 2000;
  const SLOWEST_POLL_MS = 15000;
  const ANSWER_MS = 20000;
  const CHART = "figure.chart";
  const FOCUSABLE = "a, button, summary, [tabindex]";
  const NOT_OURS = ["open"]; // what the reader has opened stays open
  const line = document.getElementById("connection");
  const drawn = new WeakMap(); // by chart, how it came: page.js changes it
  let bins = "";
  let seen = null;
  let timer = 0;
  let wait = POLL_MS;
  let pressed = false;
  let ran = document.querySelector(".stage") !== null;

  // Make a node like another, keeping whatever is the same.
  function renew(node, wanted) {
    if (node.nodeType !== wanted.nodeType || node.nodeName !== wanted.nodeName) { node.replaceWith(wanted); return; }
    if (node.nodeType !== Node.ELEMENT_NODE) {
      if (node.data !== wanted.data) node.data = wanted.data;
      return;
    }
    if (node.matches("[data-kept]")) return;
    if (node.matches(CHART)) { renewChart(node, wanted); return; }
    for (const { name } of [...node.attributes]) {
      if (!wanted.hasAttribute(name) && !NOT_OURS.includes(name)) node.removeAttribute(name);
    }
    for (const { name, value } of wanted.attributes) {
      if (node.getAttribute(name) !== value && !NOT_OURS.includes(name)) node.setAttribute(name, value);
    }
    renewChildren(node, wanted);
  }

  function renewChildren(node, wanted) {
    const keyed = new Map([...node.children].filter(key).map((child) => [key(child), child]));
    let at = node.firstChild;
    for (const child of [...wanted.childNodes]) {
      const same = key(child) ? keyed.get(key(child)) : at && !key(at) ? at : null;
      if (!same) { node.insertBefore(child, at); continue; }
      if (same === at) at = at.nextSibling; else node.insertBefore(same, at);
      renew(same, child);
    }
    while (at) { const next = at.nextSibling; at.remove(); at = next; }
  }

  function key(node) {
    return node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset.key : undefined;
  }

  function renewChart(figure, wanted) {
    if (drawn.get(figure) === wanted.outerHTML) return;
    const place = [...figure.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
    figure.replaceWith(wanted);
    if (place >= 0) refocus = [wanted, place];
    drawn.set(wanted, wanted.outerHTML);
  }

  let refocus = null;

  function show(text) {
    const wanted = new DOMParser().parseFromString(text, "text/html");
    const ours = wanted.getElementById("bins").textContent;
    if (ours !== bins) for (const figure of document.querySelectorAll(`${CHART}.timed`)) drawn.delete(figure);
    bins = ours;
    refocus = null;
    dispatchEvent(new Event("renewing"));
    document.title = wanted.title;
    for (const part of ["head", "run", "bins"]) renew(document.getElementById(part), wanted.getElementById(part));
    for (const figure of document.querySelectorAll(CHART)) {
      if (!drawn.has(figure)) drawn.set(figure, figure.outerHTML); // one that has come in with what is around it
    }
    renewForms().catch(() => { ran = null; });
    dispatchEvent(new Event("renewed"));
    if (refocus) refocus[0].querySelectorAll(FOCUSABLE)[refocus[1]]?.focus({ preventScroll: true });
  }

  // What can be done with a run depends on whether one goes on.
  async function renewForms() {
    const runs = document.querySelector(".stage") !== null;
    if (runs === ran) return;
    ran = runs;
    const answer = await fetch(`relay/control${location.search}`, { cache: "no-store", redirect: "error" });
    const forms = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".control");
    if (answer.ok && forms) document.getElementById("control").replaceChildren(forms);
  }

  function connection(text) {
    if (line.textContent !== text) line.textContent = text;
    line.hidden = !text;
  }

  async function look() {
    try {
      const headers = seen ? { "If-None-Match": seen } : {};
      const signal = AbortSignal.timeout(ANSWER_MS);
      const answer = await fetch("relay/sections", { headers, signal, cache: "no-store", redirect: "error" });
      const text = await answer.text();
      if (answer.ok) {
        if (!pressed) { show(text); seen = answer.headers.get("ETag"); }
      } else if (answer.status !== 304) {
        throw new Error(answer.status === 503 ? text : `it answers ${answer.status}`);
      }
      connection("");
      wait = POLL_MS;
    } catch (error) {
      wait = Math.min(2 * wait, SLOWEST_POLL_MS);
      const why = error instanceof TypeError || error.name === "TimeoutError" ? "no answer" : error.message;
      const over = document.querySelector(".verdict .exit") ? "The run is over, and so may be its page: its files have the report. " : "";
      connection(`${over}Connection lost (${why}): this is how it was. Trying again every ${Math.round(wait / 1000)} s.`);
    }
    again();
  }

  function again() {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(look, wait);
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden) { wait = POLL_MS; look(); }
  });
  addEventListener("pointerdown", () => { pressed = true; });
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { pressed = false; });
  again();
})();
