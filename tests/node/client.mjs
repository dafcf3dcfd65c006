// Calls tools over stdio with the official TypeScript client, which throws where a result does not fit the output schema.
// stdin: {"command", "args", "env", "calls": [{"name", "arguments"}], "uris": [...]}; stdout: what came of each, as JSON.
import { readFileSync } from "node:fs";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const { command, args, env, calls, uris } = JSON.parse(readFileSync(0, "utf8"));
const client = new Client({ name: "typescript-1x", version: "1.0.0" });
await client.connect(new StdioClientTransport({ command, args, env, stderr: "inherit" }));

const attempt = async (act) => {
  try {
    return { result: await act() };
  } catch (error) {
    return { thrown: String(error) };
  }
};

try {
  const { tools } = await client.listTools(); // from here on the client knows the output schemas and checks against them
  const results = [];
  for (const call of calls) results.push(await attempt(() => client.callTool(call)));
  const contents = [];
  for (const uri of uris) contents.push(await attempt(() => client.readResource({ uri })));
  process.stdout.write(JSON.stringify({ server: client.getServerVersion(), tools, results, contents }));
} finally {
  await client.close();
}
