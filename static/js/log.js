// The log of a run: it follows its end, and every line has an address.
(() => {
  "use strict";
  const follow = () => {
    const log = document.getElementById("log");
    if (log && document.getElementById("follow")?.checked) log.scrollTop = log.scrollHeight;
  };
  document.addEventListener("htmx:after:swap", follow);

  // The reader scrolls up: stop following. At the end again: go on.
  document.addEventListener("scroll", ({ target }) => {
    const box = document.getElementById("follow");
    if (target.id === "log" && box) {
      box.checked = target.scrollHeight - target.scrollTop - target.clientHeight < 24;
    }
  }, true);

  // A line's address: its number in the fragment; a line that is not here is fetched by number.
  const lineOf = (hash) => /^#L(\d{1,12})$/.exec(hash)?.[1];
  const address = (number) => {
    const url = new URL(location.href);
    url.searchParams.set("line", number);
    for (const name of ["go", "missed", "stopped"]) url.searchParams.delete(name);
    url.hash = `L${number}`;
    return url;
  };
  const jump = () => {
    const number = lineOf(location.hash), log = document.querySelector("#log[data-lines]");
    if (!number || !log) return;
    const line = document.getElementById(`L${number}`);
    if (line) {
      const box = document.getElementById("follow");
      if (box) box.checked = false;
      line.closest("details")?.setAttribute("open", "");
      line.scrollIntoView({ block: "center" });
    } else if (new URL(location.href).searchParams.get("line") !== number) {
      location.replace(address(number));
    }
  };
  window.addEventListener("hashchange", jump);
  document.addEventListener("click", (event) => {
    const number = event.target.closest("#log .l > .no");
    if (!number) return;
    for (const line of document.querySelectorAll("#log .at")) line.classList.remove("at");
    number.parentNode.classList.add("at");
    history.replaceState(null, "", address(number.textContent));
  });
  // A log that is followed for hours: what has scrolled far away leaves the page.
  const MOST_LINES = 20000;
  document.addEventListener("htmx:after:swap", () => {
    const log = document.getElementById("log");
    if (!document.getElementById("follow")?.checked || !(log?.children.length > MOST_LINES)) return;
    while (log.children.length > MOST_LINES / 2) log.firstElementChild.remove();
  });
  jump();
  document.addEventListener("change", ({ target }) => {
    const log = document.getElementById(target.dataset.aloud);
    if (log) log.setAttribute("aria-live", target.checked ? "polite" : "off");
  });
  follow();
})();
