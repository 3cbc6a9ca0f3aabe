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
