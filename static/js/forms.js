// While the server is silent a form stays: the browser's own error page would cost what was typed.
(() => {
  "use strict";
  const notice = document.getElementById("offline");
  document.addEventListener("submit", async (event) => {
    const { target, submitter } = event;
    if (!notice || notice.hidden || target.method === "dialog") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!await fetch("/healthz", { cache: "no-store" }).then(({ ok }) => ok, () => false)) return;
    notice.hidden = true;
    target.requestSubmit(submitter);
  }, true);
})();
