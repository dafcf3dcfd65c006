// What a person does with the view, and what is then seen. Each scenario opens a page of its own.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const texts = (frame, selector) => frame.$$eval(selector, (all) => all.map((one) => one.textContent));
const text = (frame, id) => frame.$eval(`#${id}`, (one) => one.textContent);
const press = (frame, id) => frame.$eval(`#${id}`, (one) => one.click());
const column = (frame, number) => texts(frame, `tbody tr:not(.gap) > :nth-child(${number})`);
const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));
const tab = async (frame, label) =>
  frame.$$eval("[role=tab]", (all, label) => all.find((one) => one.textContent === label).click(), label);
const type = async (page, frame, id, words) => {
  await frame.$eval(`#${id}`, (one) => { one.value = ""; one.focus(); });
  await page.keyboard.type(words);
  await frame.$eval(`#${id}`, (one) => one.dispatchEvent(new Event("input")));
  await pause(150);
};
const judged = async (frame) => {
  if (!(await frame.evaluate("!!window.axe"))) await frame.evaluate(AXE);
  const { violations, passes } = await frame.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  return { passes: passes.length, violations: violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((one) => one.html.slice(0, 160)).join(" | ")}`) };
};
const told = (structuredContent) => ({ content: [{ type: "text", text: "an answer" }], structuredContent });
const search = (rows, more = {}) => ({
  call: { name: "search_leads", arguments: { account: "octanist", limit: 3 } },
  result: told({ leads: { columns: ["uri", "name", "email", "phone", "status", "created_at", "value"], rows }, total: null, next_cursor: null, window: null, accounts: [], ...more }),
});
const lead = (number, more = {}) => {
  const one = { name: `Person ${number}`, status: ["open", "won", "lost"][number % 3], value: (number * 7919) % 5003, ...more };
  const when = new Date(Date.UTC(2026, 9, 1) + number * 977000).toISOString().replace(".000", "");
  return [`lead://octanist/${number}`, one.name, `p${number}@example.com`, "+1-2125550100", one.status, when, one.value];
};
const many = (count) => Array.from({ length: count }, (_, number) => lead(number));
const record = ({ arguments: { uri } }) => told({ uri, account: "octanist", lead: { name: "The whole person", note: "a note" }, raw: { Custom: "their word" } });

export const scenarios = {
  async rows({ opened, answers }) {
    const { frame, log } = await opened(answers.search);
    await pause(200);
    return { uris: await frame.$$eval("tbody button", (all) => all.map((one) => one.title)), heads: await texts(frame, "thead button"), heading: await text(frame, "heading"), rows: await frame.$eval("table", (one) => one.getAttribute("aria-rowcount")), log };
  },

  async sorting({ opened }) {
    const { frame } = await opened(search([lead(1, { value: 10 }), lead(2, { value: null }), lead(3, { value: 9 }), lead(4, { value: -2.5 })]));
    const click = () => frame.$$eval("thead button", (all) => all[6].click());
    const now = async () => [await column(frame, 7), await frame.$$eval("th[aria-sort]", (all) => all[6].getAttribute("aria-sort"))];
    await click();
    const up = await now();
    await click();
    const down = await now();
    await click();
    return { up, down, none: await now() };
  },

  async filtering({ opened }) {
    const { page, frame } = await opened(search(many(40)));
    await type(page, frame, "filter", "person 3");
    const everywhere = await text(frame, "status");
    await frame.$eval("#column", (one) => { one.value = "3"; one.dispatchEvent(new Event("change")); });
    const inEmail = await text(frame, "status");
    await type(page, frame, "filter", "p39@");
    return { everywhere, inEmail, found: await column(frame, 2) };
  },

  async next_page({ opened }) {
    const { frame, log } = await opened({ ...search(many(3), { next_cursor: "further" }), serve: ({ arguments: { cursor } }) => search([lead(7), lead(8)], { next_cursor: cursor === "further" ? "last" : null }).result });
    await press(frame, "more");
    await frame.waitForFunction(() => document.querySelectorAll("tbody button").length === 5);
    const first = await text(frame, "status");
    await press(frame, "more");
    await frame.waitForFunction(() => document.querySelectorAll("tbody button").length === 7);
    return { calls: log.calls, first, hidden: await frame.$eval("#more", (one) => one.hidden) };
  },

  async real_answers({ opened, answers }) {
    const serve = ({ name, arguments: { cursor } }) => (name === "get_lead" ? answers.lead : cursor === answers.search.result.structuredContent.next_cursor ? answers.next : null);
    const { frame } = await opened({ ...answers.search, serve });
    const first = await column(frame, 2);
    await press(frame, "more");
    await frame.waitForFunction((count) => document.querySelectorAll("tbody button").length > count, {}, first.length);
    const names = await column(frame, 2);
    await frame.$$eval("tbody button", (all) => all[0].click());
    await frame.waitForFunction(() => /own record/.test(document.getElementById("facts").textContent));
    return { names, facts: await texts(frame, "#facts > dl > dd") };
  },

  async failing_page({ opened }) {
    const serve = () => ({ isError: true, content: [], structuredContent: { error: { code: "rate_limited", message: "The vendor was busy." } } });
    const { frame } = await opened({ ...search(many(3), { next_cursor: "further" }), serve });
    await press(frame, "more");
    await frame.waitForFunction(() => !document.getElementById("alert").hidden);
    return { alert: await text(frame, "alert"), rows: (await column(frame, 2)).length, enabled: await frame.$eval("#more", (one) => !one.disabled && !one.hidden) };
  },

  async details({ opened }) {
    const { frame, log } = await opened({ ...search(many(3)), serve: record });
    await frame.$$eval("tbody button", (all) => all[1].click());
    await frame.waitForFunction(() => /whole person/.test(document.getElementById("facts").textContent));
    const seen = { calls: log.calls, heading: await text(frame, "one"), facts: await text(frame, "facts"), subject: await text(frame, "subject"), focus: await frame.evaluate(() => document.activeElement.id) };
    await frame.$eval("#question", (one) => (one.value = "Is it new?"));
    await press(frame, "send");
    await frame.waitForFunction(() => /Asked/.test(document.getElementById("status").textContent));
    await press(frame, "back");
    return { ...seen, message: log.message, back: await frame.evaluate(() => document.activeElement.title) };
  },

  async many_rows({ opened }) {
    const { page, frame, took } = await opened(search(many(5000)));
    const elements = () => frame.$$eval("tbody tr", (all) => all.length);
    const before = await elements();
    const sort = await frame.evaluate(() => {
      const began = performance.now();
      document.querySelectorAll("thead button")[1].click();
      document.body.offsetHeight;
      return performance.now() - began;
    });
    const scroll = await frame.evaluate(async () => {
      const box = document.querySelector(".scroll"), began = performance.now();
      for (let step = 0; step < 50; step++) {
        box.scrollTop = step * 3200;
        await new Promise(requestAnimationFrame);
      }
      box.scrollTop = 5000 * 32;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return (performance.now() - began) / 50;
    });
    const last = (await frame.$$eval("tbody tr[aria-rowindex]", (all) => all.map((one) => one.getAttribute("aria-rowindex")))).at(-1);
    await type(page, frame, "filter", "person 4999");
    return { took, sort, scroll, before, after: await elements(), last, found: await column(frame, 2) };
  },

  async poison({ opened }) {
    const evil = ["<img src=x onerror=\"document.title='owned'\">", "<script>document.title='owned'</script>", "\"><svg onload=alert(1)>", "javascript:alert(1)", "${7*7}", "</style><b>bold</b>"];
    const rows = evil.map((one, number) => lead(number, { name: one, status: one }));
    const bad = told({ uri: "lead://octanist/0", account: "octanist", lead: { name: evil[0], [evil[1]]: evil[2] }, raw: { [evil[0]]: evil[1] } });
    const { frame, log } = await opened({ ...search(rows, { accounts: [{ account: evil[0], returned: 1, scanned: 1, complete: true, note: evil[1] }], window: { since: evil[2], until: null, zone: evil[0] } }), serve: () => bad });
    const count = () => frame.$$eval("main *", (all) => all.filter((one) => ["IMG", "SCRIPT", "B", "A"].includes(one.tagName)).length);
    const seen = { names: await column(frame, 2), elements: await count() };
    for (const label of ["Leads: bars", "Leads: over time", "Leads"]) {
      await tab(frame, label);
      seen.elements += await count();
    }
    await frame.$$eval("tbody button", (all) => all[0].click());
    await frame.waitForFunction(() => /own record/.test(document.getElementById("facts").textContent));
    return { ...seen, evil, elements: seen.elements + (await count()), facts: await text(frame, "facts"), title: await frame.evaluate(() => document.title), log };
  },

  async keyboard({ opened }) {
    const { page, frame } = await opened({ ...search(many(300)), serve: record });
    const focused = () => frame.evaluate(() => { const one = document.activeElement; return one.id || one.title || one.getAttribute("aria-label") || one.textContent; });
    const order = [];
    await frame.$eval("#tab-0", (one) => one.focus());
    for (let step = 0; step < 14; step++) {
      order.push(await focused());
      await page.keyboard.press("Tab");
    }
    await frame.$eval("tbody button[tabindex='0']", (one) => one.focus());
    for (const key of ["ArrowDown", "ArrowDown", "PageDown", "ArrowUp"]) await page.keyboard.press(key);
    const walked = await focused();
    await page.keyboard.press("End");
    const end = await focused();
    const stops = await frame.$$eval("tbody button[tabindex='0']", (all) => all.length);
    await frame.waitForFunction(() => document.activeElement.matches("tbody button") && document.getElementById("details").hidden);
    await page.keyboard.press("Enter");
    await frame.waitForFunction(() => !document.getElementById("details").hidden);
    await frame.waitForFunction(() => /whole person/.test(document.getElementById("facts").textContent));
    const opened_ = await focused();
    await page.keyboard.press("Escape");
    const back = await focused();
    await frame.$eval("thead button", (one) => one.focus());
    await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    const sort = await frame.$$eval("thead th", (all) => all[1].getAttribute("aria-sort"));
    await frame.$eval("#tab-0", (one) => one.focus());
    await page.keyboard.press("ArrowRight");
    const right = await frame.evaluate(() => [document.activeElement.textContent, document.activeElement.getAttribute("aria-selected")]);
    return { order, walked, end, stops, opened: opened_, back, sort, right };
  },

  async accessible({ opened, answers }) {
    const seen = {};
    for (const theme of ["light", "dark"])
      for (const name of ["search", "groups", "pings", "story", "sql"]) {
        const { page, frame } = await opened({ ...answers[name], context: { theme }, serve: record });
        for (const label of await texts(frame, "[role=tab]")) {
          await tab(frame, label);
          seen[`${theme} ${name} ${label}`] = await judged(frame);
        }
        if (name === "search") {
          await frame.$$eval("[role=tab]", (all) => all[0].click());
          await frame.$$eval("tbody button", (all) => all[0].click());
          await frame.waitForFunction(() => /whole person/.test(document.getElementById("facts").textContent));
          seen[`${theme} details`] = await judged(frame);
        }
        await page.close();
      }
    return seen;
  },

  async theme({ opened }) {
    const { page, frame, log } = await opened({ ...search(many(3)), context: { theme: "light", styles: { variables: { "--color-text-primary": "#123456", "--x": "url(https://x.example)" } } } });
    const ground = () => frame.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.evaluate(() => window.bridge.setHostContext({ theme: "dark" }));
    await frame.waitForFunction(() => document.documentElement.dataset.theme === "dark");
    const ink = await frame.evaluate(() => getComputedStyle(document.body).color);
    await pause(200);
    return { light, dark: await ground(), ink, kept: await frame.evaluate(() => document.documentElement.style.getPropertyValue("--x")), sizes: log.size, errors: log.error };
  },

  async slow_host({ opened }) {
    const { frame, took } = await opened({ ...search(many(3)), late: 2600 });
    return { took, names: await column(frame, 2) };
  },

  async small_host({ opened }) {
    const { frame } = await opened({ ...search(many(3), { next_cursor: "further" }), capabilities: {} });
    await frame.$$eval("tbody button", (all) => all[0].click());
    return { more: await frame.$eval("#more", (one) => one.hidden), ask: await frame.$eval("#ask", (one) => one.hidden), facts: await text(frame, "facts") };
  },

  async csv({ opened }) {
    const { frame } = await opened(search([lead(1, { name: "=HYPERLINK(1)", value: -3 }), lead(2, { name: "@x\n\"q\"" }), lead(3, { name: "-1+1" })]));
    await press(frame, "copy");
    await frame.waitForFunction(() => !document.getElementById("copied").hidden || /copied/.test(document.getElementById("status").textContent));
    return { csv: await frame.$eval("#csv", (one) => one.value), marked: await frame.evaluate(() => document.activeElement.id) };
  },

  async figures({ opened, answers }) {
    const seen = {};
    for (const name of ["groups", "pings", "sql", "story"]) {
      const { page, frame } = await opened({ ...answers[name], serve: record });
      seen[name] = { heading: await text(frame, "heading"), tabs: await texts(frame, "[role=tab]"), figures: [], story: (await texts(frame, "#story > li:not(.day)")).length };
      for (const label of seen[name].tabs) {
        await tab(frame, label);
        seen[name].figures.push(...(await frame.$$eval("#panel svg", (all) => all.map((one) => [one.getAttribute("aria-label"), one.querySelectorAll("rect").length]))));
      }
      await page.close();
    }
    return seen;
  },

  async failures({ opened }) {
    const { frame } = await opened({ call: { name: "search_leads", arguments: {} }, result: { isError: true, content: [{ type: "text", text: "No account" }], structuredContent: { error: { code: "not_configured", message: "No account." } } } }).catch((error) => ({ frame: null, error }));
    return { alert: frame && (await text(frame, "alert")), status: frame && (await text(frame, "status")) };
  },

  async picture({ opened, answers, picture }) {
    if (!picture) return null;
    const { page, frame, log } = await opened({ ...answers.search, width: 900 });
    await pause(300);
    const { height } = log.size.at(-1);
    await page.setViewport({ width: 916, height: height + 16 });
    await page.evaluate((height) => (document.querySelector("iframe").style.height = `${height}px`), height);
    await tab(frame, "Leads");
    await pause(200);
    await page.screenshot({ path: picture });
    return { height };
  },
};
