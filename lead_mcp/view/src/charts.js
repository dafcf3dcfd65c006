// Bars and a time line as inline SVG. Each says in words what it shows; the table beside it has every value.
const MOST_BARS = 30;
const ADDS_UP = /^(count|accepted|rejected|revenue|n|sum:.*)$/;

const counted = (rows, label) => {
  const found = new Map();
  for (const row of rows) found.set(label(row), (found.get(label(row)) || 0) + 1);
  return [...found].sort(([, a], [, b]) => b - a);
};

// Pairs of label and number: a measure of each group, or how many of the rows here have each value.
const barsOf = (table, asked, choice) => {
  const rows = seen(table);
  if (!asked) return counted(rows, (row) => shown(row[choice]) || "(none)");
  const labels = labelsOf(table, asked.group_by);
  return rows
    .filter((row) => typeof row[choice] === "number")
    .map((row) => [row.slice(0, labels).filter((one) => typeof one !== "number" || labels === 1).map((one) => shown(one) || "(none)").join(" · ") || "(all)", row[choice]]);
};

const barChart = (pairs, title, width) => {
  const few = pairs.slice(0, MOST_BARS), top = Math.max(1e-9, ...few.map(([, number]) => Math.abs(number)));
  const left = Math.min(200, width * 0.4), room = Math.max(40, width - left - 90);
  const bar = ([label, number], place) => {
    const y = place * 24, length = Math.max(1, (Math.abs(number) / top) * room);
    return svg("g", {},
      svg("title", {}, `${label}: ${number}`),
      svg("text", { x: left - 6, y: y + 16, "text-anchor": "end" }, cut(label, Math.floor(left / 7))),
      svg("rect", { x: left, y: y + 3, width: length, height: 18, rx: 2 }),
      svg("text", { x: left + length + 5, y: y + 16, class: "faint" }, String(number)));
  };
  const summary = `${title}: ${few.slice(0, 5).map(([label, number]) => `${label} ${number}`).join(", ")}${pairs.length > 5 ? ", …" : ""}`;
  return svg("svg", { role: "img", "aria-label": summary, width, height: Math.max(24, few.length * 24), viewBox: `0 0 ${width} ${Math.max(24, few.length * 24)}` }, ...few.map(bar));
};

// Every hour, day or month between the first and the last, so that an empty one is seen.
const STEPS = { 13: [3600e3, 49], 10: [86400e3, 93], 7: [0, Infinity] };
const bucketsOf = (rows, column) => {
  const times = rows.map((row) => row[column]).filter((value) => typeof value === "string" && TIME.test(value)).sort();
  if (!times.length) return [];
  const span = Date.parse(`${times.at(-1).slice(0, 13)}:00Z`) - Date.parse(`${times[0].slice(0, 13)}:00Z`);
  const size = [13, 10].find((length) => span / STEPS[length][0] < STEPS[length][1]) || 7;
  const found = new Map(counted(times, (time) => time.slice(0, size)));
  const [first, last] = [times[0].slice(0, size), times.at(-1).slice(0, size)], every = [];
  const when = new Date(first.length === 13 ? `${first}:00Z` : first);
  while (every.length < 600) {
    const label = when.toISOString().slice(0, size);
    every.push([label, found.get(label) || 0]);
    if (label >= last) break;
    if (size === 7) when.setUTCMonth(when.getUTCMonth() + 1);
    else when.setTime(when.getTime() + STEPS[size][0]);
  }
  return every;
};

// Where the times are: a column of moments to count, or of periods whose measure adds up.
const timesOf = (table, asked) => {
  const rows = seen(table);
  if (!asked) {
    const column = kindsOf(table).indexOf("time");
    return column < 0 ? null : { title: `${table.label} by ${table.columns[column]}`, pairs: bucketsOf(rows, column) };
  }
  const labels = labelsOf(table, asked.group_by);
  const column = table.columns.findIndex((_, place) => place < labels && table.rows.length && table.rows.every((row) => row[place] === null || PERIOD.test(text(row[place]))));
  const measure = table.columns.findIndex((name, place) => place >= labels && kindsOf(table)[place] === "number" && (labels === 1 || ADDS_UP.test(name)));
  if (column < 0 || measure < 0) return null;
  const sums = new Map();
  for (const row of rows) if (row[column] !== null) sums.set(text(row[column]), (sums.get(text(row[column])) || 0) + (row[measure] || 0));
  return { title: `${table.columns[measure]} by ${table.columns[column]}`, pairs: [...sums].sort(([a], [b]) => (a < b ? -1 : 1)) };
};

const timeChart = ({ pairs, title }, width) => {
  const height = 170, floor = 140, top = Math.max(1e-9, ...pairs.map(([, number]) => number)), step = (width - 20) / Math.max(1, pairs.length);
  const column = ([label, number], place) => {
    const tall = Math.max(number > 0 ? 1 : 0, (number / top) * 115);
    return svg("rect", { x: 10 + place * step, y: floor - tall, width: Math.max(1, step - Math.min(2, step / 4)), height: tall }, svg("title", {}, `${label}: ${number}`));
  };
  const mark = (place, anchor, x) => svg("text", { x, y: 158, "text-anchor": anchor }, pairs[place][0]);
  const most = pairs.reduce((best, one) => (one[1] > best[1] ? one : best), pairs[0]);
  const said = `${title}, ${pairs[0][0]} to ${pairs.at(-1)[0]}; most ${most[1]} at ${most[0]}`;
  return svg("svg", { role: "img", "aria-label": said, width, height, viewBox: `0 0 ${width} ${height}` },
    svg("text", { x: 10, y: 14, class: "faint" }, `most: ${most[1]} (${most[0]})`),
    svg("line", { x1: 10, x2: width - 10, y1: floor, y2: floor }),
    ...pairs.map(column), mark(0, "start", 10), ...(pairs.length > 1 ? [mark(pairs.length - 1, "end", width - 10)] : []));
};
