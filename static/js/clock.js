// Theme, time zone, times that stay fresh.
(() => {
  "use strict";
  const root = document.documentElement;
  const words = JSON.parse(document.body.dataset.words || "{}");
  const put = (name, value) => {
    document.cookie = `${name}=${value};path=/;max-age=31536000;samesite=lax`;
  };
  const fill = (text, ...values) => text.replace(/%(?:\((\w+)\))?(02)?[sd]/g, (_, name, padded) => {
    const value = name ? values[0][name] : values.shift();
    return padded ? String(value).padStart(2, "0") : value;
  });

  // As formats.span, formats.duration.
  const span = (s) => {
    if (s < 60) return fill(words.s, s);
    if (s < 3600) return fill(words.min, Math.floor(s / 60));
    const h = Math.floor(s / 3600), m = Math.floor(s % 3600 / 60);
    if (s < 43200 && m) return fill(words.hm, { h, m });
    return s < 172800 ? fill(words.h, h) : fill(words.d, Math.floor(s / 86400));
  };
  const duration = (s) => {
    if (s < 60) return fill(words.s, s);
    if (s < 3600) return fill(words.ms, { m: Math.floor(s / 60), s: s % 60 });
    if (s < 43200) return span(s);
    const h = Math.floor(s / 3600);
    return s < 86400 ? fill(words.hm, { h, m: Math.floor(s % 3600 / 60) })
      : fill(words.dh, { d: Math.floor(h / 24), h: h % 24 });
  };
  const set = (node, text) => { if (node.textContent !== text) node.textContent = text; };
  // The browser's clock may be wrong.
  const skew = Date.now() - Date.parse(document.body.dataset.now || "") || 0;
  const now = () => Date.now() - (Math.abs(skew) > 3000 ? skew : 0);

  const tick = () => {
    if (document.hidden) return;
    for (const node of document.querySelectorAll("[data-relative]")) {
      const left = Math.trunc((Date.parse(node.dateTime) - now()) / 1000);
      set(node, fill(left > 0 ? words.in : words.ago, span(Math.abs(left))));
    }
    for (const node of document.querySelectorAll("[data-since][datetime]")) {
      const gone = Math.max(0, Math.trunc((now() - Date.parse(node.dateTime)) / 1000));
      set(node, (node.dataset.since === "rough" ? span : duration)(gone));
    }
  };
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", tick);

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) put("tz", zone);

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    const order = ["", "light", "dark"];
    const next = order[(order.indexOf(root.dataset.theme || "") + 1) % 3];
    if (next) root.dataset.theme = next; else delete root.dataset.theme;
    put("theme", next || "system");
  });

  window.jobdeck = { words, put, fill, now };
})();
