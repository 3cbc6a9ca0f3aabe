// A key presses the element that names it in data-key, in the row first.
(() => {
  "use strict";
  const { put } = window.jobdeck;
  let prefix = "", timer = 0;
  const off = () => document.documentElement.dataset.keys === "off";
  const typing = (element) => element.matches("input:not([type=checkbox], [type=radio]), textarea, select")
    || element.isContentEditable;
  const row = () => document.activeElement.closest("[data-row]");

  const step = (by) => {
    const rows = [...document.querySelectorAll("[data-row]")];
    const next = rows[Math.min(Math.max(rows.indexOf(row()) + by, 0), rows.length - 1)];
    next?.querySelector("a")?.focus();
  };
  const press = (name) => {
    const selector = `[data-key~="${CSS.escape(name)}"]`;
    const element = row()?.querySelector(selector) ?? document.querySelector(`${selector}:not([data-row] *)`);
    if (!element) return false;
    if (element.matches("input:not([type=checkbox])")) { element.focus(); element.select(); }
    else element.click();
    return true;
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") {
      for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
      return;
    }
    if (typing(event.target) || off() || document.querySelector("dialog[open]")) return;
    const name = prefix ? `g${event.key}` : event.key;
    prefix = "";
    clearTimeout(timer);
    if (event.key === "g" && name === "g") {
      prefix = "g";
      timer = setTimeout(() => { prefix = ""; }, 1500);
    } else if (name === "j") step(1);
    else if (name === "k") step(-1);
    else if (press(name)) event.preventDefault();
  });
  document.addEventListener("change", ({ target }) => {
    if (!target.matches("[data-keys-switch]")) return;
    put("keys", document.documentElement.dataset.keys = target.checked ? "on" : "off");
  });
})();
