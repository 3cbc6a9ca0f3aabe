// Toasts, dialogs, busy buttons, selection, copy.
(() => {
  "use strict";
  const { words, fill } = window.jobdeck;
  const TOAST_STAYS = 10e3, BUSY_AFTER = 300;
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

  // No guess at the new state: busy until the answer.
  const busy = new WeakMap();
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    const button = ctx.request.submitter;
    if (!button) return;
    button.setAttribute("aria-busy", "true");
    busy.set(ctx, setTimeout(() => { button.disabled = true; }, BUSY_AFTER));
  });
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    ctx.sourceElement.closest(".toast")?.remove(); // its "Undo" was used
    const button = ctx.request.submitter;
    if (!button) return;
    clearTimeout(busy.get(ctx));
    button.removeAttribute("aria-busy");
    button.disabled = false;
  });

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

  document.addEventListener("click", async (event) => {
    const at = (selector) => event.target.closest(selector);
    if (at(".pick")) return select(at(".pick"), event.shiftKey);
    if (at("[data-pick-all]")) {
      for (const box of all(".pick")) box.checked = at("[data-pick-all]").checked;
      return count();
    }
    if (at("[data-pick-none]")) {
      for (const box of all(".pick, [data-pick-all]")) box.checked = false;
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
    const copy = at("[data-copy]");
    if (copy) {
      await navigator.clipboard.writeText(document.getElementById(copy.dataset.copy).innerText);
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
})();
