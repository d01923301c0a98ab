/* Two programs as one list of lines: those that are the same, taken away, and put in. */

import { Chunk } from "@codemirror/merge";
import { Text } from "@codemirror/state";
import { make } from "./page.js";

/* Lines as `[sign, text]`, the sign being " ", "-" or "+". */
export function compared(yours, solution) {
  const [a, b] = [yours, solution].map((text) => Text.of(text.trimEnd().split("\n")));
  const lines = [];
  let at = 1;
  for (const chunk of Chunk.build(a, b, { scanLimit: 10_000 })) {
    const [first, last] = linesOf(a, chunk.fromA, chunk.toA);
    const [begin, end] = linesOf(b, chunk.fromB, chunk.toB);
    lines.push(...taken(a, at, first - 1, " "), ...taken(a, first, last, "-"), ...taken(b, begin, end, "+"));
    at = last + 1;
  }
  return [...lines, ...taken(a, at, a.lines, " ")];
}

/* The first and the last line of a stretch; the last is before the first if there is none. */
function linesOf(text, from, to) {
  if (from === to) {
    const line = from > text.length ? text.lines + 1 : text.lineAt(from).number;
    return [line, line - 1];
  }
  return [text.lineAt(from).number, text.lineAt(Math.min(to - 1, text.length)).number];
}

function taken(text, first, last, sign) {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, n) => [sign, text.line(first + n).text]);
}

const TAGS = { " ": "span", "-": "del", "+": "ins" };
const WORDS = { " ": "", "-": "yours: ", "+": "the solution: " };

export function showDiff(yours, solution) {
  const lines = compared(yours, solution).map(([sign, text]) =>
    make(TAGS[sign], { class: "line" }, make("span", { class: "hidden" }, WORDS[sign]), `${sign} ${text}\n`),
  );
  return make("pre", { class: "diff", tabindex: "0", "aria-label": "Your answer and the solution" }, ...lines);
}
