// An answer as tables: which there are, their order, what of them is seen, and as CSV. No element in here.
const TABLES = [
  ["events", "Events"],
  ["leads", "Leads"],
  ["pings", "Pings"],
  ["groups", "Groups"],
  ["result", "Result"],
];
const TITLES = {
  search_leads: "Leads",
  summarize_leads: "Summary of leads",
  query_pings: "Pings",
  trace_lead: "One person’s story",
  query_sql: "Result of the query",
};
const TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/;
const PERIOD = /^\d{4}(-(\d\d(-\d\d(T\d\d)?)?|W\d\d|Q\d))?$/;

// Which tool gave it, for a host that does not say.
const toolOf = (answer) =>
  answer.person ? "trace_lead" : answer.pings ? "query_pings" : answer.leads ? "search_leads" : answer.groups ? "summarize_leads" : "query_sql";

const text = (value) =>
  value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
const shown = (value) => {
  const plain = text(value);
  return typeof value === "string" && TIME.test(plain) ? plain.replace("T", " ") : plain.replace(/^lead:\/\//, "");
};

const kindOf = (rows, column) => {
  let kind = null;
  for (const row of rows) {
    const value = row[column];
    if (value === null || value === undefined) continue;
    const own = typeof value === "number" ? "number" : typeof value === "string" && TIME.test(value) ? "time" : "text";
    if (kind && kind !== own) return "text";
    kind = own;
  }
  return kind || "text";
};

const tablesOf = (answer) =>
  TABLES.filter(([name]) => answer[name]?.columns?.length).map(([name, label]) => {
    const { columns, rows } = answer[name];
    return { name, label, columns, rows, sort: null, text: "", column: -1 };
  });

const kindsOf = (table) => {
  if (table.kindsFor !== table.rows) {
    table.kinds = table.columns.map((_, column) => kindOf(table.rows, column));
    table.kindsFor = table.rows;
    table.folded = null;
  }
  return table.kinds;
};

const matching = (table) => {
  const wanted = table.text.trim().toLowerCase();
  if (!wanted) return table.rows;
  kindsOf(table);
  table.folded ||= table.rows.map((row) => row.map((value) => shown(value).toLowerCase()));
  const within = (row) => (table.column < 0 ? row.some((one) => one.includes(wanted)) : row[table.column].includes(wanted));
  return table.rows.filter((_, number) => within(table.folded[number]));
};

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
const ORDERS = {
  number: (a, b) => a - b,
  time: (a, b) => a - b,
  text: (a, b) => collator.compare(a, b),
};

// The rows as filtered and sorted; absent values last both ways, ties as they came.
const seen = (table) => {
  const rows = matching(table);
  if (!table.sort) return rows;
  const { column, descending } = table.sort, kind = kindsOf(table)[column];
  const key = kind === "time" ? (row) => Date.parse(row[column]) : kind === "number" ? (row) => row[column] : (row) => text(row[column]);
  const there = [], absent = [];
  for (const row of rows) (row[column] === null || row[column] === undefined ? absent : there).push(row);
  const keyed = there.map((row) => [key(row), row]);
  const order = ORDERS[kind];
  keyed.sort(([a], [b]) => (descending ? order(b, a) : order(a, b)));
  return [...keyed.map(([, row]) => row), ...absent];
};

// A spreadsheet takes a text that begins like this for a formula.
const defused = (value) => {
  const plain = text(value);
  return typeof value === "string" && /^[=+\-@\t\r]/.test(plain) ? `'${plain}` : plain;
};
const csvOf = (table) =>
  [table.columns, ...seen(table)]
    .map((row) => row.map((value) => `"${defused(value).replaceAll('"', '""')}"`).join(","))
    .join("\r\n");

const leadOf = (row) => row.find((value) => typeof value === "string" && value.startsWith("lead://"));

// What the answer says of itself beside its tables.
const notesOf = ({ summary, missing, omitted, notes, how, group_count }) => {
  const known = Object.entries(summary || {}).filter(([, value]) => value !== null && typeof value !== "object");
  return [
    ...known.map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`),
    ...(group_count ? [`${group_count} groups`] : []),
    ...(missing?.length ? [`not found: ${missing.map(text).join(", ")}`] : []),
    ...[omitted, how, ...(notes || [])].filter(Boolean).map(text),
  ];
};

// Group columns come first and are named by group_by; an old answer without arguments: all before the first number.
const labelsOf = (table, asked) => {
  const named = [asked || []].flat().flatMap((one) => String(one).split(",")).length;
  const first = kindsOf(table).indexOf("number");
  return asked && named ? named : first < 0 ? table.columns.length : first;
};
