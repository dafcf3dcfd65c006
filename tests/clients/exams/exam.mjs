// What the exams in JavaScript share. A plan comes on stdin (see tests/clients/plan.py); what came of it goes to stdout:
// {ability: {"result": ...} | {"failed": "..."}}.
import { readFileSync } from "node:fs";

export const plan = JSON.parse(readFileSync(0, "utf8"));
const SECONDS = 60;

// What a model is shown of a result.
export const shown = (result) => ({
  text: result.content.find((block) => block.type === "text")?.text,
  structured: result.structuredContent,
  error: result.isError === true,
});

const bounded = (promise) =>
  Promise.race([
    promise,
    new Promise((_, reject) => setTimeout(() => reject(new Error(`no answer in ${SECONDS} s`)), SECONDS * 1000).unref()),
  ]);

// The octanist emulator keeps every reply back until that is forgotten.
const hold = () =>
  fetch(`${plan.origin}/_faults`, { method: "POST", body: JSON.stringify({ vendor: "octanist", kind: "hold", times: -1 }) });
const forget = () => fetch(`${plan.origin}/_faults`, { method: "DELETE" });
const heard = async () => (await (await fetch(`${plan.origin}/_requests?vendor=octanist`)).json()).length;

// Cancels a call that hangs at its vendor: act(signal) must be refused, and the next call answered.
export const cancelled = async (act, next) => {
  const before = await heard();
  await hold();
  try {
    const stop = new AbortController();
    const call = act(stop.signal).then(
      () => "answered",
      (error) => `refused: ${error}`,
    );
    while ((await heard()) <= before) await new Promise((wait) => setTimeout(wait, 30));
    stop.abort("the person changed their mind");
    return { call: await call, next: await next() };
  } finally {
    await forget();
  }
};

export const take = async (abilities) => {
  const found = {};
  for (const [name, act] of Object.entries(abilities)) {
    try {
      found[name] = { result: await bounded(act()) };
    } catch (error) {
      found[name] = { failed: String(error) };
    }
  }
  return found;
};

export const tell = (found) => process.stdout.write(JSON.stringify(found));
