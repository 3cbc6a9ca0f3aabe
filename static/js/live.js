// Polling: when it rests, what it must not disturb.
(() => {
  "use strict";
  const { words, put, fill } = window.jobdeck;
  const IDLE = 30 * 60e3, SLOW = 60e3, LONGEST_WAIT = 30e3, PATIENCE = 15e3;
  // A wallboard never rests.
  const always = "always" in document.body.dataset;
  let paused = !always && document.cookie.includes("live=off");
  let used = Date.now(), failures = 0, quiet = 0, answered = Date.now();
  const last = new WeakMap();
  for (const kind of ["pointerdown", "keydown", "scroll"]) {
    addEventListener(kind, () => { used = Date.now(); }, true);
  }

  const polled = (ctx) => ctx.sourceEvent?.type === "every";
  // A hidden tab still tells what is critical, by its title and icon.
  const resting = (element) => paused || Date.now() < quiet || document.querySelector("dialog[open]")
    || (document.hidden && !element.matches("#heartbeat, #attention"))
    || (!always && (document.hidden || Date.now() - used > IDLE) && Date.now() - (last.get(element) || 0) < SLOW);
  const own = (ctx) => ctx.sourceElement === ctx.target && ctx.target.getAttribute("hx-get");

  document.addEventListener("htmx:before:request", (event) => {
    const { ctx } = event.detail;
    if (polled(ctx) && resting(ctx.sourceElement)) event.preventDefault();
    else last.set(ctx.sourceElement, Date.now());
  });
  // Wanted even if unchanged: what is asked for on purpose, and what was kept back.
  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    if (!polled(ctx) || ctx.sourceElement.querySelector("[data-changes]:not([hidden])")) delete ctx.request.headers["HX-PTag"];
    if (polled(ctx)) ctx.request.timeout = PATIENCE;
    ctx.asked = own(ctx);
  });

  const notice = document.getElementById("offline");
  const trouble = () => {
    failures += 1;
    quiet = Date.now() + Math.min(LONGEST_WAIT, 1000 * 2 ** failures);
    notice.querySelector("time").dateTime = new Date(answered).toISOString();
    notice.hidden = failures < 2;
  };
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    if (ctx.response.status >= 500) return trouble();
    // A refusal is told in the region, which asks on.
    if (ctx.response.status >= 400 && own(ctx)) ctx.swap = "innerMorph";
    failures = quiet = 0;
    answered = Date.now();
    const tick = ctx.response.headers.get("X-Tick");
    if (tick) ctx.sourceElement.querySelector("time").dateTime = tick;
    notice.hidden = true;
  });
  addEventListener("online", () => { quiet = 0; });
  document.addEventListener("htmx:error", ({ detail }) => { if (detail.ctx) trouble(); });
  // Rows never move while somebody aims at them.
  const aimed = (region) => region.querySelector(".pick:checked, [data-row]:hover, [data-row] :focus")
    || (!getSelection().isCollapsed && region.contains(getSelection().anchorNode));
  const keep = ({ target, fragment }) => {
    const rows = [...target.querySelectorAll("[data-row]")];
    const fresh = new Map([...fragment.querySelectorAll("[data-row]")].map((row) => [row.id, row]));
    const ids = rows.map((row) => row.id);
    const moved = [...fresh.keys()].filter((id, place) => ids[place] !== id).length
      + ids.filter((id) => !fresh.has(id)).length;
    const body = fresh.values().next().value?.parentNode;
    const offer = fragment.querySelector("[data-changes]");
    if (!moved || !body || !offer) return;
    body.replaceChildren(...rows.map((row) => fresh.get(row.id) ?? row.cloneNode(true)));
    offer.textContent = fill(words.changes, moved);
    offer.hidden = false;
  };
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx, tasks } = event.detail;
    // It shows another filter by now.
    if (own(ctx) !== ctx.asked) return event.preventDefault();
    if (!polled(ctx)) return;
    for (const task of tasks) {
      if (task.target?.matches?.("[data-rows]") && aimed(task.target)) keep(task);
    }
  });

  // What is critical: on the overview the title is its own.
  const critical = () => document.querySelector("#alert-badge .sr")?.textContent ?? "";
  let told = critical();
  document.addEventListener("htmx:after:swap", () => {
    const now = critical();
    if (now === told) return;
    document.getElementById("status").textContent = told = now;
    if (document.getElementById("attention")) return;
    document.title = document.title.replace(/^(\(\d+\) )?/, now && `(${parseInt(now)}) `);
  });

  const show = () => {
    for (const button of document.querySelectorAll("[data-live-switch]")) {
      const label = paused ? words.resume : words.pause;
      button.setAttribute("aria-label", label);
      button.title = label;
      button.closest(".live").toggleAttribute("data-paused", paused);
    }
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-changes]")) {
      getSelection().removeAllRanges();
      document.dispatchEvent(new CustomEvent("changed"));
    }
    if (!event.target.closest("[data-live-switch]")) return;
    paused = !paused;
    put("live", paused ? "off" : "on");
    show();
    if (!paused) document.dispatchEvent(new CustomEvent("changed"));
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && !paused) document.dispatchEvent(new CustomEvent("changed"));
  });
})();
