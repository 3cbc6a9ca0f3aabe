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
// The palette: a field and the list under it.
(() => {
  "use strict";
  const field = document.getElementById("palette-q"), list = document.getElementById("palette-list");
  if (!field) return;
  const options = () => [...list.children].filter((one) => one.matches("[role=option]"));
  const chosen = () => list.querySelector("[aria-selected=true]");
  const choose = (option) => {
    chosen()?.setAttribute("aria-selected", "false");
    field.toggleAttribute("aria-activedescendant", Boolean(option));
    if (!option) return;
    option.setAttribute("aria-selected", "true");
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("htmx:after:swap", () => {
    if (field.closest("[open]") && !chosen()) choose(options()[0]);
  });
  field.addEventListener("keydown", (event) => {
    const all = options(), by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) choose(all[(all.indexOf(chosen()) + by + all.length) % all.length]);
    else if (event.key === "Enter") chosen()?.click();
    else return;
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    event.preventDefault();
    if (!document.querySelector("dialog[open]")) document.querySelector("[data-open=palette]").click();
  });
  field.closest("dialog").addEventListener("close", () => {
    field.value = "";
    list.replaceChildren();
  });
})();
