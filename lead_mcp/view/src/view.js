// The view: what the host sends is an answer, the answer is tabs, a row opens, and the person can ask about what they see.
const state = { tool: null, arguments: {}, answer: null, tables: [], tab: 0, tabs: [], refresh: () => {}, cursor: null, subject: null, busy: false, can: {} };

const say = (words) => (at("status").textContent = words);
const fail = (words) => {
  at("alert").textContent = words;
  at("alert").hidden = !words;
};
const wordsOf = (result) => (result.content || []).filter((one) => one.type === "text").map((one) => one.text).join("\n");
const failureOf = (result) => result.structuredContent?.error?.message || wordsOf(result) || "the tool failed and said nothing";
const grouped = (table) => (table.name === "groups" || (table.name === "result" && kindsOf(table).includes("number")) ? { group_by: table.name === "groups" ? state.arguments.group_by : null } : null);
const room = () => Math.max(260, at("panel").clientWidth);

const tally = () => {
  const table = state.tabs[state.tab]?.table;
  if (!table) return;
  const rows = seen(table).length, { total } = state.answer;
  const sort = table.sort ? `, by ${table.columns[table.sort.column]} ${table.sort.descending ? "descending" : "ascending"}` : "";
  const known = table.name === "leads" && Number.isInteger(total) ? ` (${total} in all)` : "";
  say(`${rows} of ${table.rows.length} rows here${known}${sort}${state.cursor ? "; there are more" : ""}`);
};

const drawBars = (panel, table) => {
  const asked = grouped(table), kinds = kindsOf(table), labels = asked ? labelsOf(table, asked.group_by) : 0;
  const choices = table.columns.map((name, column) => [name, column]).filter(([name, column]) => (asked ? column >= labels && kinds[column] === "number" : kinds[column] === "text" && !/uri$|^(id|email|phone|name)$/.test(name)));
  if (!choices.length) return panel.replaceChildren(el("p", {}, "No column here makes bars."));
  const select = el("select", { change: () => draw() });
  options(select, choices.map(([name]) => name), 0);
  const figure = el("div");
  const draw = () => {
    const [name, column] = choices[select.selectedIndex], pairs = barsOf(table, asked, column);
    const note = pairs.length > MOST_BARS ? [el("p", {}, `The first ${MOST_BARS} of ${pairs.length}; the table has all.`)] : [];
    figure.replaceChildren(...(pairs.length ? [barChart(pairs, asked ? name : `rows by ${name}`, room())] : [el("p", {}, "Nothing to show.")]), ...note);
  };
  panel.replaceChildren(el("p", {}, el("label", {}, asked ? "Bars of " : "Rows by ", select)), figure);
  draw();
  return draw;
};

const drawTimes = (panel, table) => {
  const draw = () => {
    const found = timesOf(table, grouped(table)), few = found?.pairs.length;
    panel.replaceChildren(...(few ? [el("p", {}, found.title), timeChart(found, room())] : [el("p", {}, "No times to show.")]));
  };
  draw();
  return draw;
};

const tabsOf = (table) => {
  const table_ = { label: table.label, table, draw: (panel) => drawTable(panel, table, { open, sorted: tally }) };
  if (table.name === "events") return [{ label: "Story", table, draw: (panel) => { const draw = () => drawStory(panel, table, state.answer, open); draw(); return draw; } }, table_];
  const bars = { label: `${table.label}: bars`, table, draw: (panel) => drawBars(panel, table) };
  const times = { label: `${table.label}: over time`, table, draw: (panel) => drawTimes(panel, table) };
  return [table_, ...(table.rows.length ? [bars] : []), ...(table.rows.length && timesOf(table, grouped(table)) ? [times] : [])];
};

const choose = (place, focus) => {
  state.tab = place;
  const { table, draw } = state.tabs[place];
  [...at("tabs").children].forEach((tab, number) => {
    tab.setAttribute("aria-selected", number === place);
    tab.tabIndex = number === place ? 0 : -1;
    if (number === place && focus) tab.focus();
  });
  at("panel").setAttribute("aria-labelledby", `tab-${place}`);
  at("filter").value = table.text;
  options(at("column"), ["all columns", ...table.columns], table.column + 1);
  state.refresh = draw(at("panel")) || (() => {});
  tally();
};
const drawTabs = () => {
  state.tabs = state.tables.flatMap(tabsOf);
  at("tabs").replaceChildren(...state.tabs.map(({ label }, place) => el("button", { type: "button", role: "tab", id: `tab-${place}`, "aria-controls": "panel", click: () => choose(place) }, label)));
};

const drawLedger = (accounts) => {
  at("ledger").hidden = !accounts?.length;
  at("accounts").replaceChildren(...(accounts || []).map(({ account, returned, scanned, complete, note, error }) =>
    el("li", {}, `${account}: ${error ? `failed, ${error.message}` : `${returned ?? 0} rows, ${scanned ?? 0} records read${complete ? "" : ", not complete"}`}${note ? `; ${note}` : ""}`)));
};

const drawAnswer = () => {
  const { answer } = state, { since, until, zone } = answer.window || {};
  at("heading").textContent = TITLES[state.tool] || "Answer";
  document.title = at("heading").textContent;
  at("period").textContent = answer.window ? `${shown(since) || "the beginning"} to ${shown(until) || "now"}, ${text(zone)}` : "";
  at("more").hidden = !state.cursor || !state.can.serverTools;
  drawLedger(answer.accounts);
  at("notes").textContent = notesOf(answer).join(" · ");
  fail((answer.accounts || []).filter((one) => one.error).map((one) => `${one.account}: ${one.error.message}`).join(" "));
};

// An answer from the host, or a page more of the one that is here.
const take = (result, page) => {
  if (result.isError) {
    say("");
    return fail(failureOf(result));
  }
  const answer = result.structuredContent;
  const tables = answer ? tablesOf(answer) : [];
  if (!tables.length) {
    say("");
    at("facts").replaceChildren(el("pre", {}, wordsOf(result) || "An empty answer."));
    at("details").hidden = false;
    at("back").hidden = true;
    return;
  }
  state.tool ||= toolOf(answer);
  state.cursor = answer.next_cursor || null;
  if (page) {
    for (const table of state.tables) {
      const further = tables.find(({ name }) => name === table.name);
      if (further) table.rows = table.rows.concat(further.rows);
    }
    answer.accounts ||= state.answer.accounts;
    state.answer = { ...state.answer, ...answer };
  } else {
    Object.assign(state, { answer, tables });
    at("list").hidden = false;
    at("details").hidden = true;
  }
  const place = page ? state.tab : 0, scrolled = page && at("panel").querySelector(".scroll")?.scrollTop;
  drawTabs();
  drawAnswer();
  choose(Math.min(place, state.tabs.length - 1));
  if (scrolled) at("panel").querySelector(".scroll").scrollTop = scrolled;
  about(null);
};

const call = async (name, args) => {
  const result = await host.request("tools/call", { name, arguments: args });
  if (result.isError) throw new Error(failureOf(result));
  return result;
};
const more = async () => {
  if (state.busy || !state.cursor) return;
  state.busy = at("more").disabled = true;
  fail("");
  say("Reading further…");
  try {
    take(await call(state.tool, { ...state.arguments, cursor: state.cursor }), true);
  } catch (error) {
    fail(error.message);
    tally();
  }
  state.busy = at("more").disabled = false;
  if (at("more").hidden && document.activeElement === document.body) at("filter").focus();
};

// A row opens in place of the list; Escape and Back lead to where one was.
let leave = null;
const close = () => {
  if (!leave) return;
  at("details").hidden = true;
  at("list").hidden = false;
  about(null);
  leave();
  leave = null;
  tally();
};
const open = async (row, back) => {
  const { table } = state.tabs[state.tab], uri = leadOf(row), scrolled = at("panel").querySelector(".scroll")?.scrollTop || 0;
  leave = () => {
    const scroll = at("panel").querySelector(".scroll");
    if (scroll) scroll.scrollTop = scrolled;
    back();
  };
  const own = Object.fromEntries(table.columns.map((name, column) => [name, row[column]]));
  at("list").hidden = true;
  at("details").hidden = at("back").hidden = false;
  at("one").textContent = uri ? text(own.name) || shown(uri) : shown(row[0]) || "One row";
  at("facts").replaceChildren(factsOf(own));
  about(uri || `the ${table.label.toLowerCase()} row ${JSON.stringify(own, (_, value) => (typeof value === "string" ? cut(value.replace(/[\p{C}]/gu, " "), 80) : value))}`);
  at("one").focus();
  say("");
  if (!uri || !state.can.serverTools) return;
  say("Reading the whole record…");
  const mine = leave;
  try {
    const { structuredContent: { lead, raw } } = await call("get_lead", { uri });
    if (leave !== mine) return;
    at("facts").replaceChildren(factsOf({ uri, ...lead }), el("details", {}, el("summary", {}, "The vendor’s own record"), factsOf(raw)));
    say("The whole record");
  } catch (error) {
    if (leave === mine) fail(error.message);
  }
};

const about = (subject) => {
  state.subject = subject;
  at("subject").textContent = subject ? cut(shown(subject), 60) : "this answer";
  at("ask").hidden = !state.can.message;
};
// The person's own words and what they are about: a URI, or the call that was made. No text from a record but a row without URI.
const ask = async () => {
  const subject = state.subject || `the answer of ${state.tool} with ${cut(JSON.stringify(state.arguments), 500)}`;
  const words = at("question").value.trim() || "What is worth knowing about this?";
  try {
    const { isError } = await host.request("ui/message", { role: "user", content: [{ type: "text", text: `About ${subject}: ${words}` }] });
    if (isError) throw new Error("the host did not take the message");
    at("question").value = "";
    say("Asked in the chat");
  } catch (error) {
    fail(error.message);
  }
};

const copy = async () => {
  const { table } = state.tabs[state.tab], csv = csvOf(table);
  try {
    await navigator.clipboard.writeText(csv);
    at("copied").hidden = true;
    say(`${seen(table).length} rows copied`);
  } catch {
    at("csv").value = csv;
    at("copied").hidden = false;
    at("csv").focus();
    at("csv").select();
  }
};

const dress = ({ theme, styles, containerDimensions, safeAreaInsets, toolInfo }) => {
  const root = document.documentElement;
  if (theme) root.dataset.theme = theme === "dark" ? "dark" : "light";
  for (const [name, value] of Object.entries(styles?.variables || {}))
    if (/^--[\w-]+$/.test(name) && typeof value === "string" && !/url\(/i.test(value)) root.style.setProperty(name, value);
  const tall = containerDimensions?.height || containerDimensions?.maxHeight;
  if (tall) root.style.setProperty("--room", `${Math.max(160, tall - 230)}px`);
  if (safeAreaInsets) for (const side of ["top", "right", "bottom", "left"]) document.body.style.setProperty(`padding-${side}`, `${Number(safeAreaInsets[side]) || 0}px`);
  if (toolInfo?.tool?.name) state.tool = toolInfo.tool.name;
};

const pause = (act, time) => {
  let timer;
  return () => (clearTimeout(timer), (timer = setTimeout(act, time)));
};
const filter = () => {
  const { table } = state.tabs[state.tab];
  table.text = at("filter").value;
  table.column = Number(at("column").value) - 1;
  state.refresh();
  tally();
};

const start = async () => {
  if (matchMedia("(prefers-color-scheme: dark)").matches) document.documentElement.dataset.theme = "dark";
  at("filter").addEventListener("input", pause(filter, 80));
  at("column").addEventListener("change", filter);
  at("more").addEventListener("click", more);
  at("copy").addEventListener("click", copy);
  at("back").addEventListener("click", close);
  at("send").addEventListener("click", ask);
  at("question").addEventListener("keydown", ({ key }) => key === "Enter" && ask());
  addEventListener("keydown", ({ key }) => key === "Escape" && close());
  at("tabs").addEventListener("keydown", ({ key }) => {
    const last = state.tabs.length - 1;
    const to = { ArrowRight: state.tab === last ? 0 : state.tab + 1, ArrowLeft: state.tab === 0 ? last : state.tab - 1, Home: 0, End: last }[key];
    if (to !== undefined) choose(to, true);
  });
  host.on("ui/notifications/tool-input", (params) => (state.arguments = params.arguments || {}));
  host.on("ui/notifications/tool-result", (result) => take(result));
  host.on("ui/notifications/tool-cancelled", ({ reason }) => say(`Cancelled${reason ? `: ${reason}` : ""}`));
  host.on("ui/notifications/host-context-changed", dress);
  const { hostContext = {}, hostCapabilities = {} } = await host.greet({
    appInfo: { name: "lead-mcp-view", version: "1" },
    appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
    protocolVersion: "2026-01-26",
  });
  state.can = hostCapabilities;
  dress(hostContext);
  host.notify("ui/notifications/initialized");
  let size = "", wide = 0;
  const measure = () => {
    const height = Math.ceil(document.body.getBoundingClientRect().height), width = Math.ceil(innerWidth);
    if (wide && wide !== width && state.tabs.length && !at("list").hidden) state.refresh();
    wide = width;
    if (size !== (size = `${width} ${height}`)) host.notify("ui/notifications/size-changed", { width, height });
  };
  new ResizeObserver(measure).observe(document.body);
};
start();
