// What was typed stays until the server is there to take it, and knows who sends it.
(() => {
  "use strict";
  const DOUBLE_CLICK = 3000;
  const silent = document.getElementById("offline"), out = document.getElementById("logged-out");

  // A poll leads to the login once the session has ended: not away from a form.
  document.addEventListener("htmx:after:request", (event) => {
    const { hx, response } = event.detail.ctx;
    const ended = hx.redirect?.includes("/login/?next=");
    if (ended) event.preventDefault();
    if (response.status < 400) out.hidden = !ended;
  });

  let last = null, sent = 0, passing = false;
  document.addEventListener("submit", async (event) => {
    const { target, submitter } = event;
    if (target.method !== "post" || passing) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (target === last && Date.now() - sent < DOUBLE_CLICK) return;
    last = target;
    sent = Date.now();
    const answer = await fetch(silent.dataset.ask, { cache: "no-store", headers: { "HX-Request": "true" } })
      .catch(() => null);
    const there = Boolean(answer?.ok);
    out.hidden = !there || !answer.headers.has("HX-Redirect");
    if (!there && silent.hidden) silent.querySelector("time").dateTime = new Date().toISOString();
    silent.hidden = there;
    if (!there || !out.hidden) {
      last = null;
      return;
    }
    passing = true;
    target.requestSubmit(submitter);
    passing = false;
  }, true);
})();
