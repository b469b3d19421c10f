// Keeps a page up to date without a reload: asks for the page it shows, and replaces its content when that changed.
"use strict";
(() => {
  const EVERY = 15000;
  const body = document.body;
  const status = document.getElementById("live");
  let tag = null;

  const place = (element) => {
    const links = [...document.querySelectorAll("#content a, #content summary, #content button, #content select, #content input")];
    return links.indexOf(element);
  };

  const replace = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("content");
    const shown = document.getElementById("content");
    if (!fresh || !shown || fresh.innerHTML === shown.innerHTML) return;
    const focused = place(document.activeElement);
    const open = [...shown.querySelectorAll("details")].map((one) => one.open);
    shown.replaceChildren(...fresh.childNodes);
    shown.querySelectorAll("details").forEach((one, index) => { one.open = Boolean(open[index]); });
    if (focused >= 0) {
      const again = [...document.querySelectorAll("#content a, #content summary, #content button, #content select, #content input")][focused];
      if (again) again.focus({ preventScroll: true });
    }
    status.textContent = body.dataset.updated;
  };

  const writing = () => ["INPUT", "SELECT"].includes(document.activeElement?.tagName);

  const look = async () => {
    if (document.hidden || writing()) return;
    try {
      const answer = await fetch(location.href, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
      if (answer.redirected) { location.reload(); return; }
      if (status.textContent === body.dataset.offline) status.textContent = "";
      if (answer.status !== 200) return;
      const first = tag === null;
      tag = answer.headers.get("ETag");
      if (!first) replace(await answer.text());
    } catch {
      status.textContent = body.dataset.offline;
    }
  };

  setInterval(look, EVERY);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.documentElement.classList.add("hush");
  });
  for (const kind of ["focusin", "pointerover"]) {
    document.addEventListener(kind, () => document.documentElement.classList.remove("hush"));
  }
})();
