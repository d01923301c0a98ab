/* Asks a part while there is no network, then with one; then for what its worker never answers, and
 * for something else. Prints how each call ended, and what each of its workers was asked:
 * `node part.mjs FOLDER`. The workers are stand-ins without a Python. */

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
let isThere = false;
const loading = {
  base: "",
  boot: async () => {
    if (!isThere) throw new Error("no network");
    return {};
  },
};
const part = new Part(loading, "player", { spareAfter: 0 });
const absent = await part.call("play", "", 60);
isThere = true;
const back = await part.call("play", "", 60);
const hung = await part.call("hang", "", 0.1);
const after = await part.call("play", "", 60);
const kinds = [absent, back, hung, after].map(({ kind }) => kind);
console.log(JSON.stringify({ kinds, why: absent.body, asked: workers.map((w) => w.asked) }));
