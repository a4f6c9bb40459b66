/* Live parts of the first page, and the figure beside a slider. Every page works without. */
"use strict";

(() => {
  const parts = () => document.querySelectorAll("[data-live]");

  function put(fresh) {
    for (const part of parts()) {
      const text = fresh[part.dataset.live];
      if (text === undefined) continue;
      // what the journal ended with stays until there is something newer
      if ("liveKeep" in part.dataset && !text.includes("<table")) continue;
      const focused = part.contains(document.activeElement) ? document.activeElement : null;
      const place = focused && focused.getAttribute("href");
      part.innerHTML = text;
      if (place) part.querySelector(`a[href="${CSS.escape(place)}"]`)?.focus();
    }
  }

  function listen(panel) {
    const state = panel.querySelector("[data-live-state]");
    const button = panel.querySelector("[data-live-pause]");
    let source = null;

    function say(text) {
      if (state.textContent !== text) state.textContent = text;
    }

    function open() {
      source = new EventSource(panel.dataset.events);
      source.onopen = () => say("Live");
      source.onmessage = (event) => put(JSON.parse(event.data));
      source.addEventListener("draining", () => say("The service is stopping"));
      source.onerror = () =>
        say(source.readyState === EventSource.CLOSED ? "Not live: load the page again" : "Connecting again");
    }

    function close() {
      source?.close();
      source = null;
    }

    button.addEventListener("click", () => {
      const paused = source !== null;
      if (paused) close();
      else open();
      button.setAttribute("aria-pressed", String(paused));
      button.textContent = paused ? "Go on" : "Pause";
      say(paused ? "Paused" : "Connecting");
    });
    // a page that goes must not hold a place among the streams
    addEventListener("pagehide", close);
    addEventListener("pageshow", (event) => {
      if (event.persisted && button.getAttribute("aria-pressed") === "false") open();
    });
    panel.hidden = false;
    open();
  }

  function echo(event) {
    const output = document.querySelector(`output[for="${CSS.escape(event.target.id)}"]`);
    if (output) output.textContent = event.target.value + (output.dataset.unit ?? "");
  }

  document.querySelectorAll("[data-events]").forEach(listen);
  document.querySelectorAll('input[type="range"]').forEach((each) => each.addEventListener("input", echo));
})();
