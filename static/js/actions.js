// Toasts, dialogs, busy buttons, selection, copy.
(() => {
  "use strict";
  const { words, put, fill } = window.jobdeck;
  const TOAST_STAYS = 10e3, BUSY_AFTER = 300;
  const token = () => /(?:^| )csrftoken=(\w*)/.exec(document.cookie)?.[1];
  const all = (selector, inside = document) => inside.querySelectorAll(selector);

  // An error stays; so does a toast that somebody is at.
  const leave = (toast) => setTimeout(() => {
    if (toast.matches(":hover, :focus-within")) leave(toast); else toast.remove();
  }, TOAST_STAYS);
  const toasts = () => {
    for (const toast of all(".toast:not([data-seen])")) {
      toast.dataset.seen = "";
      if (toast.getAttribute("role") !== "alert") leave(toast);
    }
  };

  let opener = null;
  const open = (dialog) => {
    if (dialog.open) return;
    opener = document.activeElement;
    dialog.showModal();
    dialog.addEventListener("close", () => {
      if (dialog.parentNode?.id === "dialogs") dialog.remove();
      if (opener?.isConnected) opener.focus();
    }, { once: true });
  };
  const closeAll = () => { for (const dialog of all("dialog[open]")) dialog.close(); };

  const arrived = () => {
    for (const dialog of all("#dialogs dialog")) open(dialog);
    toasts();
    count();
  };
  document.addEventListener("htmx:after:swap", arrived);
  document.addEventListener("changed", (event) => {
    if (event.target !== document) closeAll();
  });

  // A double click presses once, even if answered.
  document.addEventListener("click", (event) => {
    if (event.detail > 1 && event.target.closest("[hx-post] button:not([formaction])")) event.preventDefault();
  }, true);
  // No guess at the new state: busy until the answer.
  const busy = new WeakMap();
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    const button = ctx.request.submitter;
    if (!button) return;
    button.setAttribute("aria-busy", "true");
    busy.set(ctx, setTimeout(() => { button.disabled = true; }, BUSY_AFTER));
  });
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    const { text, response, sourceElement, sourceEvent, request: { submitter } } = ctx;
    if (text !== undefined && response.status < 500) sourceElement.closest(".toast")?.remove(); // its "Undo" was used
    else if (/click|submit/.test(sourceEvent?.type) && !/Abort|<hx-partial/.test(ctx.status + text)) {
      document.getElementById("toasts").append(document.getElementById("unanswered").content.cloneNode(true));
    }
    if (!submitter) return;
    clearTimeout(busy.get(ctx));
    submitter.removeAttribute("aria-busy");
    submitter.disabled = false;
  });
  // Another tab may log in.
  document.addEventListener("htmx:config:request", ({ detail: { ctx: { request } } }) => {
    request.body.delete("csrfmiddlewaretoken");
    request.headers["X-CSRFToken"] = token();
  });
  document.addEventListener("submit", ({ target }) => {
    const field = target.elements.csrfmiddlewaretoken;
    if (field) field.value = token();
  }, true);

  const count = () => {
    const picked = all(".pick:checked").length;
    for (const text of all("[data-selected]")) text.textContent = fill(words.selected, picked);
  };
  let anchor = null;
  const select = (box, shift) => {
    const boxes = [...all(".pick")];
    if (shift && anchor?.isConnected) {
      const [from, to] = [boxes.indexOf(anchor), boxes.indexOf(box)].sort((a, b) => a - b);
      for (const between of boxes.slice(from, to + 1)) between.checked = box.checked;
    }
    anchor = box;
    count();
  };

  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest(selector);
    if (at(".pick")) return select(at(".pick"), event.shiftKey);
    const every = at("[data-pick-all], [data-pick-none]");
    if (every) {
      for (const box of all(".pick, [data-pick-all]")) box.checked = every.checked ?? false;
      return count();
    }
    if (at("[data-dismiss]")) return at(".toast").remove();
    if (at("[data-close]") && at("dialog")) {
      event.preventDefault();
      return at("dialog").close();
    }
    if (at("[data-open]")) {
      const dialog = document.getElementById(at("[data-open]").dataset.open);
      if (dialog) { event.preventDefault(); open(dialog); }
      return;
    }
    if (at("[data-copy]")) {
      const text = document.getElementById(at("[data-copy]").dataset.copy);
      text.closest("details")?.setAttribute("open", "");
      getSelection().selectAllChildren(text);
      document.execCommand("copy");
      document.getElementById("status").textContent = words.copied;
    }
    // A menu closes when anything was clicked.
    for (const menu of all("details.menu[open]")) {
      if (!menu.contains(event.target) || at(".menu a, .menu button")) menu.open = false;
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });
  // A row of tabs wider than the phone begins at the present one.
  for (const tab of all(".seg [aria-current]")) {
    tab.parentNode.scrollLeft = tab.offsetLeft - tab.parentNode.offsetLeft - 40;
  }
  arrived();

  // A key presses the element that names it in data-key, in the row first.
  const root = document.documentElement;
  let prefix = "", timer = 0;
  const row = () => document.activeElement.closest("[data-row]");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.repeat && event.key === "Enter" && event.target.matches("button")) return event.preventDefault();
    if (event.key === "Escape") {
      for (const menu of all("details.menu[open]")) menu.open = false;
      return;
    }
    if (event.target.matches("input:not([type=checkbox], [type=radio]), textarea, select") || root.dataset.keys === "off"
      || document.querySelector("dialog[open]")) return;
    const name = prefix ? `g${event.key}` : event.key;
    prefix = "";
    clearTimeout(timer);
    if (name === "g") {
      prefix = "g";
      timer = setTimeout(() => { prefix = ""; }, 1500);
    } else if (name === "j" || name === "k") {
      const rows = [...all("[data-row]:has(a)")];
      rows[rows.indexOf(row()) + (name === "j" ? 1 : -1)]?.querySelector("a").focus();
    } else {
      const key = `[data-key~="${CSS.escape(name)}"]`;
      const element = row()?.querySelector(key) ?? document.querySelector(`${key}:not([data-row] *)`);
      if (!element || event.repeat) return;
      event.preventDefault();
      if (element.matches("input:not([type=checkbox])")) { element.focus(); element.select(); }
      else element.click();
    }
  });
  document.addEventListener("change", ({ target }) => {
    if (!target.matches("[data-keys-switch]")) return;
    put("keys", root.dataset.keys = target.checked ? "on" : "off");
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
