/* A worker thread of Node's that looks like a browser's worker from within. */

import { parentPort, workerData } from "node:worker_threads";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const { threadCpuUsage } = process;
globalThis.self = globalThis;
globalThis.WorkerGlobalScope = class {
  static [Symbol.hasInstance] = (one) => one === globalThis;
};
globalThis.cpuSeconds = () => {
  const { user, system } = threadCpuUsage();
  return (user + system) / 1e6;
};
globalThis.postMessage = (message) => parentPort.postMessage(message);
globalThis.fetch = async (url) => new Response(await readFile(fileURLToPath(String(url))));
globalThis.location = { href: workerData, toString: () => workerData };
parentPort.on("message", (data) => self.onmessage({ data }));
globalThis.process = undefined; // else Pyodide takes this for Node
await import(workerData);
