// The exam of the official TypeScript client, line 1.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import * as types from "@modelcontextprotocol/sdk/types.js";
import { cancelled, plan, shown, take, tell } from "./exam.mjs";

const { target, calls, lead } = plan;
let answer = { action: "decline" };
const asks = "ElicitRequestSchema" in types; // before 1.13 this client could not ask a person
const client = new Client({ name: "exam", version: "1.0.0" }, { capabilities: asks ? { elicitation: {} } : {} });
if (asks) client.setRequestHandler(types.ElicitRequestSchema, async () => answer);
await client.connect(
  target.url ? new StreamableHTTPClientTransport(new URL(target.url)) : new StdioClientTransport({ ...target, stderr: "inherit" }),
);
const call = async (name, options) => shown(await client.callTool(calls[name], undefined, options));
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
