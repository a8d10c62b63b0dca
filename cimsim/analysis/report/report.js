"use strict";
// The table of design points (sorting, filters, pages of single points). Data come from the element
// #data as JSON; nothing is fetched.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const PAGE = 200; // rows that are shown at first, and with every "Show more"
  const state = { sort: null, down: false, filters: {}, front: false, rows: PAGE };
  const byId = new Map(data.points.map((point) => [point.id, point]));
  const find = (id) => document.getElementById(id);

  const make = (tag, text, attributes = {}) => {
    const element = document.createElement(tag);
    if (text !== undefined && text !== null) element.textContent = text;
    Object.assign(element, attributes);
    return element;
  };

  const number = (value, digits) => {
    if (value === null || value === undefined) return "–";
    if (digits !== null && digits !== undefined) return value.toFixed(digits);
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(3);
    return String(Number(value.toPrecision(4)));
  };

  // Four significant digits with their zeros, so that a column has equal precision throughout.
  const measured = (value) => {
    const size = Math.abs(value);
    if (size >= 1e4 && size < 1e6) return String(Math.round(value));
    return size === 0 || size < 1e-3 || size >= 1e6 ? number(value) : value.toPrecision(4);
  };

  const valueOf = (point, column) => {
    if (column.of === "value") return point.values[column.name];
    const value = point.measures[column.name];
    return value === null ? null : value * column.factor;
  };

  const textOf = (point, column) => {
    const value = valueOf(point, column);
    if (typeof value !== "number") return value === null ? "–" : String(value);
    const plain = column.of === "value" || column.digits !== null;
    const text = plain ? number(value, column.digits) : measured(value);
    const bounds = point.bounds[column.name];
    if (!bounds || bounds[0] === null) return text;
    const ends = bounds.map((bound) => number(bound * column.factor, column.digits));
    return `${text} [${ends.join(", ")}]`;
  };

  // A filter is a comparison with a number, or else a part of the text.
  const passes = (point, column, filter) => {
    const asked = filter.trim().match(/^(<=|>=|<|>|=)\s*(-?[\d.]+(?:e[-+]?\d+)?)$/i);
    const value = valueOf(point, column);
    if (!asked) return textOf(point, column).toLowerCase().includes(filter.trim().toLowerCase());
    if (typeof value !== "number") return false;
    const bound = Number(asked[2]);
    switch (asked[1]) {
      case "<=": return value <= bound;
      case ">=": return value >= bound;
      case "<": return value < bound;
      case ">": return value > bound;
      default: return Math.abs(value - bound) <= 1e-9 * Math.max(1, Math.abs(bound));
    }
  };

  const compare = (one, two) => {
    if (typeof one === "number" && typeof two === "number") return one - two;
    return String(one).localeCompare(String(two));
  };

  const chosen = () => {
    const active = data.columns.filter((column) => (state.filters[column.name] || "").trim());
    const rows = data.points.filter(
      (point) =>
        (!state.front || point.front) &&
        active.every((column) => passes(point, column, state.filters[column.name])),
    );
    const column = data.columns.find((held) => held.name === state.sort);
    if (!column) return rows;
    const none = (point) => valueOf(point, column) === null;
    const keyed = rows.filter((point) => !none(point));
    keyed.sort((a, b) => compare(valueOf(a, column), valueOf(b, column)) * (state.down ? -1 : 1));
    return [...keyed, ...rows.filter(none)]; // without a value: last, whichever way
  };

  const drawHead = () => {
    const titles = make("tr");
    const filters = make("tr");
    titles.append(make("th", ""));
    filters.append(make("th", ""));
    for (const column of data.columns) {
      const cell = make("th", null, { className: column.numeric ? "number" : "" });
      const button = make("button", column.title, { type: "button" });
      button.dataset.column = column.name;
      button.addEventListener("click", () => {
        state.down = state.sort === column.name ? !state.down : column.of === "measure";
        state.sort = column.name;
        draw();
      });
      cell.append(button);
      titles.append(cell);
      const box = make("input", null, { type: "search", ariaLabel: `filter ${column.title}` });
      box.dataset.filter = column.name;
      box.addEventListener("input", () => {
        state.filters[column.name] = box.value;
        draw();
      });
      const holder = make("th");
      holder.append(box);
      filters.append(holder);
    }
    find("table").tHead.replaceChildren(titles, filters);
  };

  const draw = () => {
    const rows = chosen();
    const body = document.createDocumentFragment();
    for (const point of rows.slice(0, state.rows)) {
      const line = make("tr", null, { tabIndex: 0 });
      line.dataset.id = point.id;
      line.append(make("td", point.front ? "★" : ""));
      for (const column of data.columns) {
        line.append(make("td", textOf(point, column), { className: column.numeric ? "number" : "" }));
      }
      body.append(line);
    }
    find("table").tBodies[0].replaceChildren(body);
    find("count").textContent = `${rows.length} of ${data.points.length} design points`;
    find("more").hidden = rows.length <= state.rows;
    for (const button of document.querySelectorAll("#table thead button")) {
      const column = data.columns.find((held) => held.name === button.dataset.column);
      const mark = state.sort === column.name ? (state.down ? " ▼" : " ▲") : "";
      button.textContent = column.title + mark;
      const direction = mark ? (state.down ? "descending" : "ascending") : "none";
      button.parentElement.setAttribute("aria-sort", direction);
    }
  };

  const table = (titles, rows) => {
    const element = make("table", null, { className: "small" });
    const head = make("tr");
    head.append(...titles.map((title) => make("th", title)));
    const top = make("thead");
    top.append(head);
    const body = make("tbody");
    for (const row of rows) {
      const line = make("tr");
      for (const cell of row) {
        const isNumber = typeof cell === "number";
        const side = isNumber || cell === null ? "number" : "";
        line.append(make("td", isNumber ? number(cell) : cell ?? "–", { className: side }));
      }
      body.append(line);
    }
    element.append(top, body);
    return element;
  };

  const titled = (title, content) => {
    const part = make("div", null, { className: "wide" });
    part.append(make("h3", title), content);
    return part;
  };

  const showPoint = (id) => {
    const point = byId.get(id);
    const place = find("point");
    place.hidden = !point;
    for (const line of document.querySelectorAll("#table tbody tr")) {
      line.classList.toggle("chosen", line.dataset.id === id);
    }
    if (!point) return;
    const close = make("button", "Close", { type: "button" });
    close.addEventListener("click", () => { location.hash = "points"; });
    const where = point.sweeps.length ? `sweeps ${point.sweeps.join(", ")}` : "";
    const columns = make("div", null, { className: "columns" });
    columns.append(
      titled("Parameters that differ from their default", table(["parameter", "value"], Object.entries(point.changed))),
      titled("Results", table(["measure", "value"], data.measures.map((m) => [m.title, textOf(point, m)]))),
      titled("Keys of the stages", table(["stage", "folder"], data.stages.map((s, n) => [s, `results/${s}/${point.keys[n]}`]))),
    );
    place.replaceChildren(make("h2", `Design point ${id}`), make("p", where), close, columns);
    if (point.not_counted) place.append(make("p", `Not in the hardware figures: ${point.not_counted}.`));
    if (data.budget[id]) {
      place.append(titled("Error budget", table(["mode", "step", "accuracy"], data.budget[id])));
    }
    if (data.layers[id]) place.append(titled("Layers", table(data.layer_columns, data.layers[id])));
    if (data.seeds[id]) {
      const rows = data.seeds[id].map(([seed, share]) => [seed, `${(share * 100).toFixed(1)} %`]);
      place.append(titled("Chips", table(["seed", "accuracy"], rows)));
    }
    if (!data.detailed) {
      place.append(make("p", `Layers and chips of more than ${data.most_detailed} points are in the tables alone.`));
    }
  };

  const follow = () => {
    const [, id] = location.hash.match(/^#point=([0-9a-f]+)$/) || [];
    showPoint(id);
    if (id && byId.has(id)) find("point").scrollIntoView({ block: "nearest" });
  };

  const open = (event) => {
    const line = event.target.closest("tr");
    if (line && line.dataset.id) location.hash = `point=${line.dataset.id}`;
  };

  const save = () => {
    const quote = (text) => `"${String(text).replaceAll('"', '""')}"`;
    const lines = [["id", ...data.columns.map((column) => column.title)].map(quote)];
    for (const point of chosen()) {
      lines.push([point.id, ...data.columns.map((column) => valueOf(point, column) ?? "")].map(quote));
    }
    const blob = new Blob([lines.map((line) => line.join(",")).join("\n") + "\n"], { type: "text/csv" });
    const link = make("a", null, { href: URL.createObjectURL(blob), download: "points.csv" });
    link.click();
    URL.revokeObjectURL(link.href);
  };

  for (const link of document.querySelectorAll("figcaption a[download]")) {
    link.href = link.closest("figure").querySelector("img").src;
  }
  drawHead();
  draw();
  find("table").tBodies[0].addEventListener("click", open);
  find("table").tBodies[0].addEventListener("keydown", (event) => {
    if (event.key === "Enter") open(event);
  });
  find("front-only").addEventListener("change", (event) => { state.front = event.target.checked; draw(); });
  find("clear").addEventListener("click", () => {
    state.filters = {};
    for (const box of document.querySelectorAll("#table input[type=search]")) box.value = "";
    state.front = find("front-only").checked = false;
    draw();
  });
  find("csv").addEventListener("click", save);
  find("more").addEventListener("click", () => { state.rows += PAGE; draw(); });
  window.addEventListener("hashchange", follow);
  follow();
})();
