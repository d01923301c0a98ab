/* What a run of a program did: its output, its error, its plays with their timelines. */

import { button, html, make } from "./page.js";
import { scrub } from "./scrubber.js";

const MOST_BODY = 300; // characters of a response that are shown

/* Shows a result in an element, and returns it in a sentence.
 *   onLine    called with the line of an error that is pressed
 *   onLines   called with the lines at which something stands, at a moment of a timeline
 */
export function showResult(element, result, { onLine = () => {}, onLines = () => {} } = {}) {
  element.replaceChildren();
  const { output, error, plays, sentence } = result;
  if (output) element.append(make("pre", { class: "printed", tabindex: "0", "aria-label": "Output" }, output));
  if (sentence) element.append(...ending(sentence, error, onLine));
  plays.forEach((play, number) => element.append(...played(play, plays.length > 1 ? ` ${number + 1}` : "")));
  if (!element.childNodes.length) element.append(make("p", { class: "quiet" }, "It ended, and printed nothing."));
  scrub(element, onLines);
  return sentence || (output ? `It printed: ${output.slice(0, 200)}` : "It ran.");
}

/* Why it ended as it did: the sentence, the line to go to, and Python's own words. */
function* ending(sentence, error, onLine) {
  const where = error?.line ? [" ", button(`Go to line ${error.line}`, () => onLine(error.line))] : [];
  yield make("p", { class: "error" }, make("strong", {}, sentence), ...where);
  if (error?.traceback) {
    yield make("details", { class: "fold" }, make("summary", {}, "Traceback"), make("pre", {}, error.traceback));
  }
}

function played({ trace, timeline }, number) {
  const exchanges = (trace?.exchanges ?? []).slice(0, 10).map(answered);
  const list = exchanges.length ? [make("ul", { class: "answers", "aria-label": `Answers${number}` }, ...exchanges)] : [];
  return timeline ? [...list, html("figure", timeline)] : list;
}

/* `GET /dashboard: 200 after 2 s`, and what was answered. */
function answered({ method, path, status, started, completed, chunks }) {
  const after = completed ? ` after ${Number(((completed[0] - started[0]) / 1e6).toFixed(3))} s` : "";
  const words = `${method} ${path}: ${status ?? "no answer"}${after} `;
  const body = chunks.map(({ body }) => text(body)).join("");
  const shown = body.length > MOST_BODY ? `${body.slice(0, MOST_BODY)}…` : body;
  return make("li", {}, words, ...(shown ? [make("code", {}, shown)] : []));
}

/* The trace holds bytes in base 64. */
function text(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}

/* What an editor marks of an error. */
export function markOf(error) {
  return error?.line ? [{ line: error.line, says: [error.name, error.message].filter(Boolean).join(": ") }] : [];
}
