// The exam of the official TypeScript client, line 2, in the era that the plan names.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { cancelled, plan, shown, take, tell } from "./exam.mjs";

const { target, calls, lead, era } = plan;
let answer = { action: "decline" };
const versionNegotiation = { mode: era === "modern" ? { pin: "2026-07-28" } : "legacy" };
const client = new Client({ name: "exam", version: "1.0.0" }, { capabilities: { elicitation: {} }, versionNegotiation });
client.setRequestHandler("elicitation/create", async () => answer);
await client.connect(
  target.url ? new StreamableHTTPClientTransport(new URL(target.url)) : new StdioClientTransport({ ...target, stderr: "inherit" }),
);
const call = async (name, options) => shown(await client.callTool(calls[name], options));
const answered = async (name, reply) => {
  answer = reply;
  return call(name);
};

const found = await take({
  connect: async () => client.getServerVersion(),
  list: async () => (await client.listTools()).tools.map((tool) => tool.name),
  search: () => call("search"),
  summarise: () => call("summarise"),
  sql: () => call("sql"),
  error: () => call("error"),
  resource: async () => (await client.readResource({ uri: lead })).contents[0].text,
  templates: async () => (await client.listResourceTemplates()).resourceTemplates.map((one) => one.uriTemplate),
  prompt: async () => (await client.getPrompt(plan.prompt)).messages[0].content.text,
  completion: async () => (await client.complete(plan.completion)).completion.values,
  progress: async () => {
    const told = [];
    const result = await call("progress", { onprogress: (one) => told.push(one.progress) });
    return { told, ...result };
  },
  accept: () => answered("accept", { action: "accept", content: { confirm: true } }),
  decline: () => answered("decline", { action: "decline" }),
  cancel: () => cancelled((signal) => call("search", { signal }), () => call("ordinary")),
});
await client.close();
tell(found);
