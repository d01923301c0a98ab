/* Asks a part for what its worker never answers, then for something else, and prints what each of
 * its workers was asked: `node part.mjs FOLDER`. The workers are stand-ins without a Python. */

import { urlOf } from "./browser.mjs";

const workers = [];

globalThis.Worker = class {
  constructor() {
    workers.push(this);
    this.asked = [];
  }
  postMessage({ boot, call, id }) {
    if (boot) this.onmessage({ data: { ready: {} } });
    else if (this.asked.push(call) && call !== "hang") this.onmessage({ data: { id, result: "" } });
  }
  terminate() {
    this.asked.push(`terminated when there were ${workers.length}`);
  }
};

const { Part } = await import(urlOf(process.argv[2]) + "part.js");
const loading = { base: "", boot: async () => ({}) };
const part = new Part(loading, "player", { spareAfter: 0 });
const hung = await part.call("hang", "", 0.1);
const after = await part.call("play", "", 60);
console.log(JSON.stringify({ kinds: [hung.kind, after.kind], asked: workers.map((w) => w.asked) }));
