/* The workbench: an exercise in its editor, with all that is done to it. */

import { Editor } from "./code.js";
import { showDiff } from "./diff.js";
import { linked, linkTo } from "./links.js";
import { button, html, make, notify, say } from "./page.js";
import { hasEarned } from "./progress.js";
import { markOf, showResult } from "./result.js";
import { scrub } from "./scrubber.js";
import { Versions } from "./versions.js";

const PAUSE = 1500; // milliseconds without typing, after which an answer is graded by itself
const SIGNS = { passed: "✔", failed: "✘", todo: "·", broken: "!" };

export class Workbench {
  constructor(root, lesson, { machine, progress, store }) {
    Object.assign(this, { root, lesson, machine, progress, store });
    this.versions = new Versions(store, lesson.name);
    this.exercise = lesson.exercises[0];
    this.busy = false;
    this.build();
    this.enter(this.first());
    addEventListener("hashchange", () => this.follow());
    store.onElsewhere((key, value) => this.elsewhere(key, value));
    this.follow();
  }

  /* The elements */

  build() {
    this.picker = make("select", { id: "exercise", onchange: () => this.pick(Number(this.picker.value)) });
    this.own = make("input", { type: "checkbox", checked: true });
    this.runs = button("Run", () => this.run());
    this.grades = button("Grade", () => this.grade(true), { class: "main" });
    this.stops = button("Stop", () => this.machine.stop(), { disabled: true });
    this.hint = button("Hint", () => this.takeHint());
    this.solution = button("Solution", () => this.showSolution());
    this.resets = button("Reset", () => this.reset());
    this.link = button("Copy link", () => this.copyLink());
    this.earlier = make("select", { "aria-label": "Earlier answers", onchange: () => this.bringBack() });
    this.place = make("div", { class: "editor" });
    this.lacks = make("p", { class: "note", hidden: true });
    this.verdict = region("Verdict");
    this.output = region("Output");
    this.help = region("Hints");
    this.shown = region("Solution");
    this.root.replaceChildren(
      make("h2", {}, "Exercises"),
      make("p", { class: "bar" }, make("label", { for: "exercise" }, "Exercise "), this.picker),
      this.lacks,
      this.place,
      make("div", { class: "bar" }, this.grades, this.runs, this.stops, this.hint, this.solution),
      make("div", { class: "bar small" }, make("label", {}, this.own, " Grade as I type"), this.resets, this.link, this.earlier),
      this.verdict,
      this.output,
      this.help,
      this.shown,
    );
    this.editor = new Editor(this.place, {
      text: "",
      label: "Your answer",
      onChange: (text) => this.changed(text),
      onRun: () => this.grade(true),
    });
  }

  /* The one that a learner does next: the first that has not passed. */
  first() {
    const all = this.lesson.exercises;
    return all.find((each) => !this.known(each).passes) ?? all[0];
  }

  known(exercise = this.exercise) {
    return this.progress.exercise(this.lesson.name, exercise.number);
  }

  get key() {
    return `answer:${this.lesson.name}:${this.exercise.number}`;
  }

  get text() {
    return this.editor.text;
  }

  /* Going from one exercise to another */

  pick(number) {
    history.replaceState(null, "", `#exercise-${number}`);
    this.enter(this.lesson.exercises.find((each) => each.number === number));
  }

  enter(exercise) {
    clearTimeout(this.pause);
    this.exercise = exercise;
    this.editor.open(this.store.get(this.key) ?? exercise.stub);
    for (const each of [this.verdict, this.output, this.help, this.shown]) each.hidden = true;
    this.showHints(this.known().hints);
    this.refresh();
  }

  /* What the page's address says: an exercise, and maybe an answer to it. */
  async follow() {
    try {
      const found = await linked();
      const exercise = found && this.lesson.exercises.find((each) => each.number === found.number);
      if (!exercise) return;
      if (exercise !== this.exercise) this.enter(exercise);
      this.root.scrollIntoView();
      if (found.code === null || found.code === this.text) return;
      this.put(found.code);
      history.replaceState(null, "", `#exercise-${exercise.number}`);
      notify("This answer came with the link. What you had is among your earlier answers.");
    } catch (error) {
      notify(error.message);
    }
  }

  /* Another tab's answer is taken over; what this one had is in that one's history, for only one
   * tab is typed into at a time. */
  elsewhere(key, value) {
    if (key === this.key && value !== this.text) this.editor.replace(value ?? this.exercise.stub);
    this.refresh();
  }

  refresh() {
    const options = this.lesson.exercises.map((each) => {
      const known = this.known(each);
      const sign = SIGNS[known.passes ? "passed" : known.status];
      const title = each.number ? `${each.number} · ${each.title}` : `Warm-up · ${each.title}`;
      return make("option", { value: each.number, selected: each === this.exercise }, `${sign} ${title}`);
    });
    this.picker.replaceChildren(...options);
    this.hint.disabled = this.known().hints >= this.exercise.hints.length;
    this.solution.disabled = !hasEarned(this.known(), this.lesson.tries);
    this.solution.title = this.solution.disabled
      ? `You see it when your answer has passed, or after ${this.lesson.tries} attempts that did not.`
      : "";
    this.lacks.textContent = this.machine.needs({ lesson: this.lesson.name, exercise: this.exercise.number });
    this.lacks.hidden = !this.lacks.textContent;
    this.versions.list(this.earlier, this.exercise.number);
  }

  /* What the learner writes */

  changed(text) {
    this.store.set(this.key, text);
    this.editor.mark("said", []);
    clearTimeout(this.pause);
    if (this.own.checked) this.pause = setTimeout(() => this.gradeByItself(), PAUSE);
  }

  /* Puts another text into the editor, and keeps the one that was there. */
  put(text) {
    if (this.text !== this.exercise.stub) this.versions.keep(this.exercise.number, this.text);
    this.editor.replace(text);
    this.store.set(this.key, text);
    this.editor.mark("said", []);
    this.refresh();
  }

  reset() {
    this.put(this.exercise.stub);
    this.store.remove(this.key);
    say("The stub is back. What you had is among your earlier answers.");
  }

  bringBack() {
    const text = this.versions.text(this.exercise.number, this.earlier.value);
    if (text !== undefined) this.put(text);
    this.earlier.value = "";
  }

  async copyLink() {
    const link = await linkTo(this.exercise.number, this.text);
    try {
      await navigator.clipboard.writeText(link);
      notify("The link is copied. It carries your answer, and no server sees it.");
    } catch {
      history.replaceState(null, "", link);
      notify("The link of your answer is in the address bar: copy it from there.");
    }
  }

  /* Running and grading */

  async run() {
    const [exercise, source] = [this.exercise, this.text];
    const result = await this.working(this.output, () =>
      this.machine.run({ source: withPlay(source, exercise), name: "exercise.py" }),
    );
    if (exercise !== this.exercise) return;
    say(showResult(this.output, result, this.pointing()));
    this.editor.mark("said", markOf(result.error));
  }

  gradeByItself() {
    const isFree = !this.busy && this.machine.isReady && this.lacks.hidden;
    if (isFree && this.text !== this.exercise.stub) this.grade(false);
  }

  /* Args: `asked`, whether the learner asked for the verdict. */
  async grade(asked) {
    clearTimeout(this.pause);
    const [exercise, source] = [this.exercise, this.text];
    const request = { lesson: this.lesson.name, exercise: exercise.number, source };
    const reply = await this.working(asked ? this.verdict : null, () => this.machine.grade(request));
    const isStale = source !== this.text || exercise !== this.exercise;
    if (isStale && !asked) return;
    if (reply.report) this.note(exercise, source, reply.report, asked);
    if (exercise === this.exercise) this.showVerdict(reply, asked, isStale);
  }

  note(exercise, source, report, asked) {
    const [found] = report.exercises;
    const status = source === exercise.stub ? "todo" : found.status;
    this.progress.note(this.lesson.name, exercise.number, status, source, asked);
    this.refresh();
  }

  showVerdict({ report, html: shown, sentence }, asked, isStale) {
    this.verdict.hidden = false;
    if (!report) {
      this.verdict.replaceChildren(make("p", { class: "note" }, sentence));
      if (asked) say(sentence);
      return;
    }
    this.verdict.replaceChildren(html("div", shown, { class: "verdict" }));
    if (isStale) this.verdict.prepend(make("p", { class: "note" }, "You have changed your answer since."));
    scrub(this.verdict, this.pointing().onLines);
    const found = firstDiagnosis(report);
    if (found?.line && !isStale) this.editor.mark("said", [{ line: found.line, says: sentenceOf(found.text) }]);
    say(spoken(report, asked ? found : null));
  }

  async working(place, work) {
    this.busy = true;
    this.runs.disabled = this.grades.disabled = true;
    this.stops.disabled = false;
    if (place) {
      place.hidden = false;
      place.replaceChildren(make("p", { class: "quiet" }, "Working …"));
    }
    try {
      return await work();
    } finally {
      this.busy = false;
      this.runs.disabled = this.grades.disabled = false;
      this.stops.disabled = true;
    }
  }

  pointing() {
    return {
      onLine: (line) => this.editor.show(line),
      onLines: (lines) => this.editor.mark("stands", lines.map((line) => ({ line }))),
    };
  }

  /* Help */

  takeHint() {
    const shown = this.progress.takeHint(this.lesson.name, this.exercise.number, this.exercise.hints.length);
    this.showHints(shown);
    this.refresh();
    say(this.help.lastElementChild.textContent);
    this.help.lastElementChild.scrollIntoView({ block: "nearest" });
  }

  showHints(number) {
    const hints = this.exercise.hints;
    this.help.hidden = number === 0;
    this.help.replaceChildren(
      ...hints.slice(0, number).map((hint, n) =>
        make("section", {}, make("h3", {}, `Hint ${n + 1} of ${hints.length}`), html("div", hint)),
      ),
    );
  }

  showSolution() {
    const { asks, solution, reason } = this.exercise;
    this.shown.hidden = false;
    const yours = this.text.replace(asks, "");
    this.shown.replaceChildren(
      make("h3", {}, "Your answer and the solution"),
      make("p", { class: "quiet" }, "− only in yours, + only in the solution"),
      showDiff(yours, solution),
      make("h3", {}, "Why"),
      html("div", reason),
    );
    this.shown.scrollIntoView({ block: "nearest" });
    say("The solution is shown below your answer.");
  }
}

function region(label) {
  return make("section", { class: "region", "aria-label": label, hidden: true });
}

/* A factory alone does nothing. Unless its file plays it, each endpoint that can be asked without
 * more is asked once, all at the same time. No line of the file moves. */
function withPlay(source, { number }) {
  if (/\bplay\s*\(/.test(source)) return source;
  return `${source}

def _play():
    from grader import get, play
    app = exercise_${number}()
    paths = [r.path for r in app.routes if "GET" in (getattr(r, "methods", None) or ()) and getattr(r, "include_in_schema", False)]
    trace = play(app, *(get(path) for path in paths if "{" not in path)) if paths else None
    print("Asked each endpoint that takes a GET without parameters, with the values of the stub." if trace else "No endpoint takes a GET without parameters. Play others: play(exercise_${number}(), post(...))")

_play()
`;
}

function firstDiagnosis(report) {
  const checks = report.exercises.flatMap((exercise) => exercise.checks);
  const failed = checks.find((check) => check.status === "failed" && check.diagnoses.length);
  return failed?.diagnoses.find((diagnosis) => diagnosis.line) ?? failed?.diagnoses[0];
}

/* The first sentence of a diagnosis. */
function sentenceOf(text) {
  return /^.*?[.?!:](?=\s|$)/s.exec(text)?.[0] ?? text;
}

function spoken(report, found) {
  const [{ title, status, checks }] = report.exercises;
  const passed = checks.filter((check) => check.status === "passed").length;
  const first = checks.find((check) => check.status === "failed");
  const words = [`${title}: ${status}, ${passed} of ${checks.length} checks pass.`];
  if (first) words.push(first.says);
  if (found) words.push(found.line ? `Line ${found.line}. ${found.text}` : found.text);
  return words.join(" ");
}
