/* Asks the kernel for one thing after another, and prints each answer as a line of JSON.
 *
 * `node ask.mjs FOLDER` reads lines of JSON: `{ "run": {...} }`, `{ "grade": {...} }`. With
 * `"stopAfter": seconds` beside it, it is stopped then. */

import { createInterface } from "node:readline";
import { urlOf } from "./browser.mjs";

const base = urlOf(process.argv[2]);
const patience = Number(process.argv[3] ?? 60);
const { Kernel } = await import(base + "kernel.js");
const states = [];
const kernel = new Kernel({ base, patience, onState: (state) => states.push(state) });
const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");

try {
  await kernel.ready;
  say({ ready: kernel.capabilities, seconds: performance.now() / 1000 });
} catch (error) {
  say({ failed: error.message });
  process.exit(1);
}
for await (const line of createInterface({ input: process.stdin })) {
  const { stopAfter, ...asked } = JSON.parse(line);
  const [[what, value]] = Object.entries(asked);
  const answer = kernel[what](value);
  if (stopAfter !== undefined) setTimeout(() => kernel.stop(), stopAfter * 1000);
  say(await answer);
}
say({ memory: process.memoryUsage().rss });
process.exit(0);
