/* Gives Node what the kernel's JavaScript finds in a browser: workers, and `fetch` of files. */

import { readFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker as Thread } from "node:worker_threads";

const INSIDE = new URL("inside.mjs", import.meta.url);

globalThis.fetch = fetchFile;

export async function fetchFile(url) {
  try {
    return new Response(await readFile(fileURLToPath(String(url.url ?? url))));
  } catch {
    return new Response("", { status: 404 });
  }
}

globalThis.Worker = class {
  constructor(url) {
    this.thread = new Thread(INSIDE, { workerData: String(url) });
    this.thread.on("message", (data) => this.onmessage?.({ data }));
    this.thread.on("error", (error) => this.onerror?.({ message: error.message }));
  }
  postMessage(message) {
    this.thread.postMessage(message);
  }
  terminate() {
    this.thread.terminate();
  }
};

/* The URL of a folder, with a slash at its end. */
export function urlOf(folder) {
  return pathToFileURL(folder).href.replace(/\/*$/, "/");
}
