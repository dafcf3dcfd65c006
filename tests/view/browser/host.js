// A host page: the official AppBridge round a frame with the view. `served` and `heard` are given by the driver.
import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";

const FULL = { serverTools: {}, message: { text: {} } };

window.show = async ({ html, call, result, context = {}, capabilities = FULL, late = 0, width = 720 }) => {
  const frame = document.createElement("iframe");
  frame.sandbox = "allow-scripts";
  frame.title = "view";
  frame.style = `width: ${width}px; height: 620px; border: 0; visibility: hidden`;
  frame.srcdoc = html;
  document.body.replaceChildren(frame);
  if (late) await new Promise((resolve) => setTimeout(resolve, late));
  const bridge = new AppBridge(null, { name: "test-host", version: "1" }, capabilities, {
    hostContext: { theme: "light", displayMode: "inline", toolInfo: { id: 1, tool: { name: call.name, inputSchema: { type: "object" } } }, ...context },
  });
  bridge.oncalltool = (params) => window.served(params);
  bridge.onmessage = async (params) => (window.heard("message", params), {});
  bridge.onsizechange = (params) => window.heard("size", params);
  bridge.onerror = (error) => window.heard("error", String(error));
  window.bridge = bridge;
  const ready = new Promise((resolve) => (bridge.oninitialized = resolve));
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  await ready;
  frame.style.visibility = "visible"; // a host shows the frame no earlier
  await bridge.sendToolInput({ arguments: call.arguments });
  await bridge.sendToolResult(result);
};
window.ready = true;
