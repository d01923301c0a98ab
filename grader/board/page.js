"use strict";

// What others have sent goes into the page as text, never as HTML.
const SIGNS = {passed: "✔", failed: "✘", todo: "○", broken: "!"};
const WORDS = {passed: "passes", failed: "fails", todo: "not begun", broken: "the grader broke"};
const COME_BACK_AFTER = 2000;

const at = id => document.getElementById(id);
const counted = (number, thing) => `${number} ${thing}${number === 1 ? "" : "s"}`;
const opened = new Set();  // examples that stay open when the page is drawn anew
let token = sessionStorage.getItem("token") ?? "";
let names = false;
let reading = null;

function make(tag, kind, ...children) {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  element.append(...children.filter(child => child !== null));
  return element;
}

// The token stands behind the #, which no browser sends. It is taken from sight at once, as
// the page may be on the wall.
function takeToken() {
  const given = decodeURIComponent(location.hash.slice(1));
  if (!given) return;
  history.replaceState(null, "", location.pathname);
  keepToken(given);
}

function keepToken(given) {
  token = given.trim();
  sessionStorage.setItem("token", token);
}

// Drawing

function draw(overview) {
  at("now").textContent = overview.learners
    ? `${counted(overview.here, "learner")} at work, of ${overview.learners} who have reported`
    : "Nobody has reported yet.";
  at("names").hidden = !overview.may_name;
  at("names").textContent = names ? "Hide names" : "Show names";
  at("board").replaceChildren(
    ...(overview.join_token ? [drawJoin(overview.join_token)] : []),
    ...(overview.learners ? [drawReasons(overview.misunderstandings)] : []),
    ...overview.lessons.map(drawLesson),
    ...(overview.learners ? [drawLegend()] : []),
  );
  at("board").hidden = false;
  at("enter").hidden = true;
}

function drawJoin(join) {
  const command = `grade --watch --report-to ${location.origin}/#${join}`;
  return make("p", "join", "To join: ", make("code", "", command));
}

function drawReasons(reasons) {
  const list = make("ol", "reasons", ...reasons.map(drawReason));
  return make("section", "", make("h2", "", "Most misunderstood right now"),
    reasons.length ? list : make("p", "quiet", "Nothing fails."));
}

function drawReason(one) {
  const share = make("div", "");
  share.style.width = `${100 * one.count / Math.max(one.tried, one.count, 1)}%`;
  return make("li", "",
    make("p", "", make("strong", "", `${one.count} of ${one.tried}`), ` ${one.says}`),
    make("div", "share", share),
    make("p", "quiet", `${one.lesson}, exercise ${one.exercise}: ${one.title} `,
      one.reason ? make("code", "", one.reason) : null),
    one.example ? drawExample(one) : null);
}

function drawExample(one) {
  const key = `${one.lesson} ${one.exercise} ${one.reason}`;
  const {text, first_line, line} = one.example;
  const lines = text.replace(/\n$/, "").split("\n").map((code, index) => {
    const number = first_line + index;
    return make(number === line ? "mark" : "span", "", `${String(number).padStart(4)}  ${code}\n`);
  });
  const fold = make("details", "", make("summary", "", "An example"), make("pre", "", ...lines));
  fold.open = opened.has(key);
  fold.addEventListener("toggle", () => fold.open ? opened.add(key) : opened.delete(key));
  return fold;
}

function drawLesson(lesson) {
  return make("section", "", make("h2", "", `${lesson.name}: ${lesson.title}`),
    make("ol", "exercises", ...lesson.exercises.map(drawExercise)));
}

function drawLegend() {
  const parts = Object.keys(SIGNS).filter(status => status !== "broken");
  return make("p", "legend quiet", ...parts.map(status =>
    make("span", status, make("span", "sign", SIGNS[status]), ` ${WORDS[status]}`)));
}

function drawExercise(one) {
  return make("li", "",
    make("span", "", `${one.number} · ${one.title}`),
    make("span", "counts", one.passed + one.failed ? `${one.passed} pass, ${one.failed} fail` : ""),
    make("ul", "places", ...one.here.map(drawPlace)));
}

function drawPlace(place) {
  const sign = make("span", "sign", SIGNS[place.status]);
  sign.setAttribute("aria-hidden", "true");
  const item = make("li", place.status, sign,
    place.name ? make("span", "name", place.name) : null,
    make("span", "hidden", WORDS[place.status]),
    place.minutes ? make("span", "quiet", `${place.minutes} min`) : null);
  item.title = `${place.name ?? "A learner"}: ${WORDS[place.status]}, for ${place.minutes} min`;
  return item;
}

// Events. `EventSource` can't send a token, so the stream is read here.

async function follow() {
  reading?.abort();
  const own = reading = new AbortController();
  at("now").textContent = "Connecting …";
  while (!own.signal.aborted) {
    try {
      await read(own.signal);
    } catch {
      if (own.signal.aborted) return;
      at("now").textContent = "The board doesn't answer. Trying again …";
    }
    await new Promise(resolve => setTimeout(resolve, COME_BACK_AFTER));
  }
}

async function read(signal) {
  const headers = {Authorization: `Bearer ${token}`};
  const answer = await fetch(`/events${names ? "?names=true" : ""}`, {headers, signal});
  if (answer.status === 401 || answer.status === 403) {
    ask((await answer.json()).detail);
    return reading.abort();
  }
  if (!answer.ok) throw new Error(answer.statusText);
  let text = "";
  const decoder = new TextDecoderStream();
  answer.body.pipeTo(decoder.writable, {signal}).catch(() => {});
  for (const reader = decoder.readable.getReader();;) {
    const {done, value} = await reader.read();
    if (done) return;
    const events = (text + value).split("\n\n");
    text = events.pop();
    events.forEach(hear);
  }
}

function hear(event) {
  const data = event.split("\n").filter(line => line.startsWith("data: "));
  if (data.length) draw(JSON.parse(data.map(line => line.slice(6)).join("\n")));
}

// Entering

function ask(why) {
  at("now").textContent = why;
  at("board").hidden = true;
  at("enter").hidden = false;
}

function start() {
  takeToken();
  if (token) follow();
  else ask("");
}

at("enter").addEventListener("submit", event => {
  event.preventDefault();
  keepToken(new FormData(event.target).get("token"));
  follow();
});
at("names").addEventListener("click", () => { names = !names; follow(); });
addEventListener("hashchange", start);
start();
