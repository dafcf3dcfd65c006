// One person's events as a list in order of time, and everything that is known of one row.
const drawStory = (panel, table, answer, open) => {
  const place = Object.fromEntries(table.columns.map((name, column) => [name, column]));
  const list = el("ol", { id: "story" });
  let day = "";
  for (const row of seen(table)) {
    const when = text(row[place.at]).replace("T", " ");
    if (when.slice(0, 10) !== day) list.append(el("li", { class: "day" }, (day = when.slice(0, 10)) || "(no time)"));
    const words = [el("time", { datetime: text(row[place.at]) }, when.slice(11)), ` ${text(row[place.kind])} · ${text(row[place.account])}: ${text(row[place.what])} `];
    const item = el("li", {}, ...words);
    if (leadOf(row)) item.append(el("button", { type: "button", click: ({ target }) => open(row, () => target.focus()) }, `Open ${shown(leadOf(row))}`));
    list.append(item);
  }
  const { names = [], phones = [], emails = [] } = answer.person || {};
  const warnings = (answer.warnings || []).map((one) => el("p", {}, `Note: ${text(one)}`));
  panel.replaceChildren(el("p", {}, [...names, ...phones, ...emails].map(text).join(" · ")), ...warnings, list);
};

const factsOf = (record) => {
  const list = el("dl");
  for (const [name, value] of Object.entries(record || {})) {
    if (value === null || value === undefined || value === "") continue;
    list.append(el("dt", {}, name), el("dd", {}, typeof value === "object" ? JSON.stringify(value, null, 1) : String(value)));
  }
  return list;
};
