// A table of any length: only the rows in sight are elements; the keyboard walks over all of them.
const ROW = 32, HEAD = 34, SPARE = 10;

// In pixels, by the longest of the first rows; a URI is an address to press, not to read.
const widthOf = (table, column) => {
  const longest = table.rows.slice(0, 200).reduce((most, row) => Math.max(most, shown(row[column]).length), table.columns[column].length + 2);
  return Math.min(Math.max(longest, 6), /uri$/.test(table.columns[column]) ? 16 : 30) * 7.6 + 20;
};

const drawTable = (panel, table, { open, sorted }) => {
  const kinds = kindsOf(table), body = el("tbody");
  const heads = table.columns.map((name, column) => {
    const press = el("button", { type: "button", click: () => order(column) }, name);
    return el("th", { scope: "col", class: kinds[column] === "number" ? "number" : null }, press);
  });
  const widths = table.columns.map((_, column) => widthOf(table, column));
  const columns = widths.map((width) => {
    const one = el("col");
    one.style.width = `${width}px`;
    return one;
  });
  const caption = el("caption", {}, `${table.label}; Enter on a row’s first cell opens it, arrow keys go from row to row`);
  const grid = el("table", {}, caption, el("colgroup", {}, ...columns), el("thead", {}, el("tr", { "aria-rowindex": 1 }, ...heads)), body);
  grid.style.width = `${widths.reduce((all, one) => all + one, 0)}px`;
  const scroll = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `${table.label}, rows`, scroll: () => draw(), keydown: (event) => walk(event) }, grid);
  let rows = [], active = 0, from = -1, to = -1;

  const gap = (count) => {
    const cell = el("td", { colspan: table.columns.length });
    cell.style.height = `${count * ROW}px`;
    return el("tr", { class: "gap", "aria-hidden": "true" }, cell);
  };
  const cell = (value, column) => {
    const plain = shown(value);
    return el("td", { class: kinds[column] === "number" ? "number" : null, title: plain.length > 20 ? plain : null }, plain);
  };
  const line = (row, number) => {
    const press = el("button", { type: "button", tabindex: number === active ? 0 : -1, "data-row": number, title: text(row[0]), click: () => { active = number; open(row, () => focus(number)); } }, shown(row[0]) || "(none)");
    return el("tr", { "aria-rowindex": number + 2 }, el("th", { scope: "row" }, press), ...row.slice(1).map((value, column) => cell(value, column + 1)));
  };
  const draw = (force) => {
    const count = Math.ceil((scroll.clientHeight || 420) / ROW) + 2 * SPARE;
    const first = Math.max(0, Math.min(Math.floor(scroll.scrollTop / ROW) - SPARE, rows.length - count));
    const end = Math.min(rows.length, first + count);
    if (!force && first === from && end === to) return;
    const held = body.contains(document.activeElement);
    [from, to] = [first, end];
    if (active < first || active >= end) active = Math.min(first + SPARE, Math.max(end - 1, 0));
    body.replaceChildren(gap(first), ...rows.slice(first, end).map((row, number) => line(row, first + number)), gap(rows.length - end));
    if (held) body.querySelector(`[data-row="${active}"]`)?.focus({ preventScroll: true });
  };
  const focus = (number) => {
    active = Math.max(0, Math.min(rows.length - 1, number));
    const top = active * ROW, bottom = top + ROW + HEAD;
    if (top < scroll.scrollTop) scroll.scrollTop = top;
    else if (bottom > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = bottom - scroll.clientHeight;
    draw(true);
    body.querySelector(`[data-row="${active}"]`)?.focus({ preventScroll: true });
  };
  const walk = (event) => {
    if (!event.target.dataset.row) return;
    const page = Math.max(1, Math.floor((scroll.clientHeight - HEAD) / ROW) - 1);
    const to = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page, PageUp: active - page, Home: 0, End: rows.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    focus(to);
  };
  const order = (column) => {
    const now = table.sort;
    table.sort = now?.column !== column ? { column, descending: false } : now.descending ? null : { column, descending: true };
    active = scroll.scrollTop = 0;
    refresh();
    sorted();
  };
  const refresh = () => {
    rows = seen(table);
    heads.forEach((head, column) => {
      const here = table.sort?.column === column;
      head.setAttribute("aria-sort", here ? (table.sort.descending ? "descending" : "ascending") : "none");
      head.firstChild.textContent = table.columns[column] + (here ? (table.sort.descending ? " ↓" : " ↑") : "");
    });
    grid.setAttribute("aria-rowcount", rows.length + 1);
    draw(true);
  };
  panel.replaceChildren(scroll);
  refresh();
  return refresh;
};
