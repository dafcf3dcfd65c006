// The message protocol of MCP Apps, 2026-01-26: JSON-RPC 2.0 to and from the window that holds this frame.
const host = (() => {
  const waiting = new Map(), handlers = new Map();
  let last = 0;
  const post = (message) => parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
  const request = (method, params) =>
    new Promise((resolve, reject) => {
      const id = ++last;
      waiting.set(id, { resolve, reject });
      post({ id, method, params });
    });
  const answered = ({ id, result, error }) => {
    const one = waiting.get(id);
    waiting.delete(id);
    if (!one) return;
    if (error) one.reject(new Error(error.message || "the host refused"));
    else one.resolve(result || {});
  };
  const asked = ({ id, method }) =>
    post(
      method === "ping" || method === "ui/resource-teardown"
        ? { id, result: {} }
        : { id, error: { code: -32601, message: "Method not found" } },
    );
  addEventListener("message", ({ source, data }) => {
    if (source !== parent || !data || data.jsonrpc !== "2.0") return;
    if (data.method === undefined) answered(data);
    else if (data.id !== undefined) asked(data);
    else handlers.get(data.method)?.(data.params || {});
  });
  // A host that listens late has not heard the first greeting: it is said again, under the same id, until it is answered.
  const greet = async (params) => {
    const greeting = request("ui/initialize", params), id = last;
    let pause = 3000;
    const again = () => {
      if (!waiting.has(id)) return;
      post({ id, method: "ui/initialize", params });
      pause = Math.min(1.5 * pause, 15000);
      setTimeout(again, pause);
    };
    setTimeout(again, pause);
    return greeting;
  };
  return { request, greet, notify: (method, params = {}) => post({ method, params }), on: (name, act) => handlers.set(name, act) };
})();
