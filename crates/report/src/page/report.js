"use strict";
(() => {
  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  // Light, dark, or what the system says.
  const addThemeSwitch = () => {
    const root = document.documentElement;
    const system = matchMedia("(prefers-color-scheme: dark)");
    const isDark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
    const button = element("button", { id: "theme", type: "button" });
    const label = () => { button.textContent = isDark() ? "Light" : "Dark"; };
    const stored = { // Pages from disk or mail may have no storage.
      get: () => { try { return localStorage.getItem("pimo-theme"); } catch { return null; } },
      set: (theme) => { try { localStorage.setItem("pimo-theme", theme); } catch { /* not kept */ } },
    };
    const before = stored.get();
    if (before === "light" || before === "dark") root.dataset.theme = before;
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      stored.set(root.dataset.theme);
      label();
    });
    system.addEventListener("change", label);
    label();
    document.querySelector("header").append(button);
  };

  // Headings become buttons; `sort(column, ascending)` does the rest.
  const makeSortable = (headings, sort) => {
    headings.forEach((heading, column) => {
      const button = element("button", { type: "button" });
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const numeric = heading.classList.contains("n");
        const before = heading.getAttribute("aria-sort");
        // Numbers start with the best, names with the first.
        const ascending = before ? before === "descending" : !numeric;
        headings.forEach((other) => other.removeAttribute("aria-sort"));
        heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
        sort(column, ascending);
      });
    });
  };

  const collator = new Intl.Collator("en", { numeric: true });
  const SEARCHED_FROM = 12; // rows

  const enhanceTable = (table) => {
    const body = table.tBodies[0];
    const headings = [...table.tHead.rows[0].cells];
    makeSortable(headings, (column, ascending) => {
      const numeric = headings[column].classList.contains("n");
      const key = (row) => {
        const cell = row.cells[column];
        return numeric ? Number.parseFloat(cell.dataset.v ?? "NaN") : cell.textContent;
      };
      const rows = [...body.rows].map((row) => [key(row), row]);
      const sign = ascending ? 1 : -1;
      rows.sort(([a], [b]) => {
        if (!numeric) return sign * collator.compare(a, b);
        // What there is not comes last either way.
        if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
        return sign * (a - b);
      });
      body.append(...rows.map(([, row]) => row));
    });
    if (body.rows.length < SEARCHED_FROM) return;
    const search = element("input", { type: "search", placeholder: "Search this table" });
    search.setAttribute("aria-label", `Search: ${table.caption.textContent}`);
    search.addEventListener("input", () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of body.rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
    });
    table.closest(".scroll").before(element("div", { className: "tools" }, search));
  };

  // All scores: positions are sorted and filtered, and only one page of rows is in the document.
  const PAGE = 100;

  const addExplorer = () => {
    const place = document.getElementById("explorer");
    const data = JSON.parse(document.getElementById("data").textContent);
    const total = data.categories.reduce((sum, category) => sum + category.images.length * data.models.length, 0);
    const categoryOf = new Uint32Array(total);
    const modelOf = new Uint32Array(total);
    const imageOf = new Uint32Array(total);
    const scoreOf = new Float64Array(total);
    let next = 0;
    data.categories.forEach((category, c) => {
      data.models.forEach((_, m) => {
        category.scores[m].forEach((score, image) => {
          categoryOf[next] = c;
          modelOf[next] = m;
          imageOf[next] = image;
          scoreOf[next] = score ?? NaN;
          next += 1;
        });
      });
    });
    const texts = [
      (at) => data.categories[categoryOf[at]].name,
      (at) => data.models[modelOf[at]],
      (at) => data.categories[categoryOf[at]].images[imageOf[at]],
      (at) => { const c = data.categories[categoryOf[at]]; return c.defects[c.defect[imageOf[at]]]; },
    ];
    // Names are compared once, rows by the position of their name.
    const keys = new Map();
    const keyOf = (column) => {
      if (column === 4) return scoreOf;
      if (!keys.has(column)) {
        const names = Array.from({ length: total }, (_, at) => texts[column](at));
        const places = new Map([...new Set(names)].sort(collator.compare).map((name, place) => [name, place]));
        keys.set(column, Float64Array.from(names, (name) => places.get(name)));
      }
      return keys.get(column);
    };
    const lower = new Map();
    const lowered = (text) => {
      if (!lower.has(text)) lower.set(text, text.toLowerCase());
      return lower.get(text);
    };

    const headings = ["Category", "Detector", "Image", "Defect", "Score"]
      .map((name, column) => element("th", { scope: "col", className: column === 4 ? "n" : "" }, name));
    const body = element("tbody");
    const caption = element("caption");
    const table = element("table", {}, caption, element("thead", {}, element("tr", {}, ...headings)), body);
    const search = element("input", { type: "search", placeholder: "Search detector, category, image, defect" });
    search.setAttribute("aria-label", "Search all scores");
    const back = element("button", { type: "button" }, "Previous");
    const forth = element("button", { type: "button" }, "Next");
    const state = element("span");
    state.setAttribute("role", "status");

    let order = Uint32Array.from({ length: total }, (_, at) => at);
    let shown = order;
    let first = 0;

    const draw = () => {
      const rows = [];
      for (let row = first; row < Math.min(first + PAGE, shown.length); row += 1) {
        const at = shown[row];
        const cells = texts.map((text) => element("td", {}, text(at)));
        const score = scoreOf[at];
        rows.push(element("tr", {}, ...cells, element("td", { className: "n" }, Number.isNaN(score) ? "–" : score.toFixed(4))));
      }
      body.replaceChildren(...rows);
      const last = first + rows.length;
      state.textContent = shown.length ? `${first + 1} to ${last} of ${shown.length}` : "nothing found";
      back.disabled = first === 0;
      forth.disabled = last >= shown.length;
    };
    const filter = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const found = (at) => words.every((word) => texts.some((text) => lowered(text(at)).includes(word)));
      shown = words.length ? order.filter(found) : order;
      first = 0;
      draw();
    };
    makeSortable(headings, (column, ascending) => {
      const key = keyOf(column);
      const sign = ascending ? 1 : -1;
      order.sort((a, b) => sign * (key[a] - key[b]) || a - b);
      filter();
    });
    search.addEventListener("input", filter);
    back.addEventListener("click", () => { first = Math.max(0, first - PAGE); draw(); });
    forth.addEventListener("click", () => { first += PAGE; draw(); });
    const scroll = element("div", { className: "scroll" }, table);
    caption.textContent = `All ${total} scores, one row for each image and detector`;
    place.replaceChildren(element("div", { className: "tools" }, search, back, forth, state), scroll);
    draw();
  };

  // Values of a mark stay on the page when it is pressed, so that they can be read without a mouse, and copied.
  const keepValues = () => {
    const text = element("span");
    const close = element("button", { type: "button", title: "Close" }, "×");
    const box = element("div", { id: "values", hidden: true }, text, close);
    box.setAttribute("role", "status");
    close.addEventListener("click", () => { box.hidden = true; });
    document.body.append(box);
    document.addEventListener("click", (event) => {
      const title = event.target.closest?.(".plot *")?.querySelector(":scope > title");
      if (!title) return;
      text.textContent = title.textContent;
      box.hidden = false;
    });
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") box.hidden = true; });
  };

  // Entries of a legend show their series alone.
  const focusSeries = () => {
    for (const plot of document.querySelectorAll(".plot")) {
      const keys = plot.querySelectorAll(".key");
      if (keys.length < 2) continue;
      let kept = null;
      const focus = (series) => {
        plot.classList.toggle("focused", series !== null);
        for (const part of plot.querySelectorAll("[data-series]")) {
          part.classList.toggle("focus", part.dataset.series === series);
        }
      };
      for (const key of keys) {
        key.addEventListener("pointerenter", () => focus(key.dataset.series));
        key.addEventListener("pointerleave", () => focus(kept));
        key.addEventListener("click", () => {
          kept = kept === key.dataset.series ? null : key.dataset.series;
          focus(kept);
        });
      }
    }
  };

  // Pictures are shown at half of their size; pressed, they are shown at all of it.
  const enlargePictures = () => {
    for (const picture of document.querySelectorAll(".gallery img")) {
      const button = element("button", { type: "button", className: "picture", title: "Larger or smaller" });
      button.setAttribute("aria-expanded", "false");
      picture.replaceWith(button);
      button.append(picture);
      button.addEventListener("click", () => {
        const large = button.closest("figure").classList.toggle("large");
        button.setAttribute("aria-expanded", String(large));
      });
    }
  };

  // A link into a closed section opens it.
  const openTarget = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (!target) return;
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    target.scrollIntoView();
  };

  addThemeSwitch();
  document.querySelectorAll("table.interactive").forEach(enhanceTable);
  addExplorer();
  keepValues();
  focusSeries();
  enlargePictures();
  addEventListener("hashchange", openTarget);
  openTarget();
})();
