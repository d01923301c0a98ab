/* The kit in the page: runs and grades a learner's code in the browser.
 *
 *   import { Kernel } from "./kernel/kernel.js";
 *   const kernel = new Kernel({ base, onState });
 *   await kernel.ready;
 *
 * `base` is the URL of `OUT/kernel/` in the built site, with a slash at its end.
 * Nothing is loaded from any other place. `onState(state)` is called whenever the state changes:
 *
 *   { state, text, loaded, total }
 *     state   "loading" | "ready" | "busy" | "failed"
 *     text    a short sentence that can be shown as it is
 *     loaded, total   bytes; 0 where nothing is being loaded
 *
 * Members:
 *
 *   ready          a promise: the first program can run. Rejects with an `Error` whose message is
 *                  a sentence, for instance in a browser that is too old, or without a network.
 *                  The judge is loaded afterwards, by itself.
 *   capabilities   { threads }, a boolean; known once `ready` is resolved.
 *                  Without `threads`, a `def` endpoint, a pool or a thread can't be played.
 *
 *   run({ source, name, seed })  ->  a promise of
 *     { ended, output, error, plays, sentence, seconds }
 *       ended     "ok" | "failed" | "stopped" | "died"
 *       output    what it printed, cut at a bound
 *       error     null | { message, line, name, traceback }: what was raised out of the program,
 *                 or the syntax error, with the line of `source` (or null)
 *       plays     one for each `play()` of the program, in order:
 *                 { line, trace, timeline }
 *                   line      of `source` at which it was played, or null
 *                   trace     the trace as JSON, parsed: as `grader.testing` exports it
 *                   timeline  the timeline with its scrubber, as a fragment of a page, or ""
 *       sentence  what to tell the learner where `ended` isn't "ok"; "" otherwise
 *       seconds   real time
 *     `name` is the name that tracebacks show, such as "exercise.py".
 *
 *   grade({ lesson, exercise, source, seed })  ->  a promise of
 *     { report, html, problems, sentence, seconds }
 *       report    as `grade LESSON --format json` prints it, parsed; null where there is none
 *       html      the verdict as a fragment of a page
 *       problems  what the grader itself failed at: texts
 *       sentence  why there is no report: the exercise needs the installed kit, for instance, or the
 *                 grading was stopped; "" where there is a report
 *     `exercise` is a number, or null for all exercises of the lesson that the browser can grade.
 *     `seed` is optional.
 *
 *   needs({ lesson, exercise })  ->  "" or the sentence that says what the browser lacks for it
 *                 (synchronous, from the manifest; known once `ready` is resolved)
 *
 *   stop()         Ends what runs: its promise is resolved, with `ended: "stopped"` or a
 *                  `sentence`. The worker is replaced meanwhile; nothing of the page is lost.
 *   close()        Ends the workers.
 *
 * One thing runs at a time: what is asked for while something else runs waits in line. None of
 * these promises rejects on account of the learner's code.
 */

import { Loading } from "./loading.js";
import { Part } from "./part.js";

const PATIENCE = 8; // real seconds for one play, or for a program beyond what it may compute
const LONGEST_PROGRAM = 5; // as in programs.py
const LONGEST_GRADING = 180;
const JUDGE_AFTER = 2; // seconds, in which a program that is run at once has the machine to itself
const SPARE_AFTER = 1; // of a play or a program, which may never end

const STOPPED = "It was stopped.";
const CRASHED = "Python itself broke down on it, and was started again.";
const HUNG = "It never came back from a call into C, so it was ended.";
const JUDGE_FAILED = "The judge broke down, which is not your fault, and was started again.";

export class Kernel {
  #loading;
  #player;
  #judge = null;
  #judgeComes = null;
  #line = Promise.resolve();
  #asks = [];
  #isAsking = false;
  #load = null;
  #loadedIn = null;
  #stops = 0;
  #onState;
  #patience;

  constructor({ base, onState = () => {}, patience = PATIENCE }) {
    this.#onState = onState;
    this.#patience = patience;
    this.#loading = new Loading(base, (loaded, total) =>
      this.#say("loading", "Python is being loaded.", loaded, total),
    );
    this.#player = new Part(this.#loading, "player", { spareAfter: SPARE_AFTER });
    this.ready = this.#begin();
  }

  async #begin() {
    this.#say("loading", "Python is being loaded.");
    try {
      await this.#loading.begun;
      await this.#player.ready;
    } catch (error) {
      this.#say("failed", error.message);
      throw error;
    }
    this.capabilities = this.#player.abilities;
    this.#say("ready", "Python is ready.");
    this.#judgeComes = setTimeout(() => this.#theJudge(), 1000 * JUDGE_AFTER);
  }

  #theJudge() {
    if (this.#judge === null) {
      this.#judge = new Part(this.#loading, "judge", { onAsk: (message) => this.#asked(message) });
      this.#judge.ready.catch(() => {}); // the next call of `grade` says so
    }
    return this.#judge;
  }

  needs({ lesson, exercise }) {
    return this.#loading.manifest?.needs[lesson]?.[exercise] ?? "";
  }

  run({ source, name = "program.py", seed = null }) {
    return this.#inLine(async (stopped) => {
      const program = JSON.stringify({ source, name, seed });
      const longest = LONGEST_PROGRAM + this.#patience;
      const extras = this.#loading.extrasFor(source);
      const { kind, body, seconds } = await this.#player.call("run", program, longest, extras);
      if (kind === "result" || kind === "report") return { ...JSON.parse(body), seconds };
      if (stopped()) return this.#notRun("stopped", STOPPED, seconds);
      if (kind === "absent") return this.#notRun("died", body, seconds);
      return this.#notRun("died", kind === "hung" ? HUNG : CRASHED, seconds);
    });
  }

  #notRun(ended, sentence, seconds = 0) {
    return { ended, output: "", error: null, plays: [], sentence, seconds };
  }

  grade({ lesson, exercise = null, source, seed = null }) {
    return this.#inLine(async (stopped) => {
      const exercises = this.#gradable(lesson, exercise);
      if (!exercises.length) return this.#noReport(this.needs({ lesson, exercise }));
      const extras = this.#loading.extrasFor(source, lesson);
      const asked = JSON.stringify({ lesson, exercises, source, seed });
      const judge = this.#theJudge(); // which plays the solution itself
      const { kind, body, seconds } = await judge.call("grade", asked, LONGEST_GRADING, extras);
      if (kind === "result") return { report: null, ...JSON.parse(body), seconds };
      this.#forgetAsks();
      if (stopped()) return this.#noReport(STOPPED, seconds);
      return this.#noReport(kind === "absent" ? body : JUDGE_FAILED, seconds);
    });
  }

  #gradable(lesson, exercise) {
    const numbers = exercise === null ? this.#loading.manifest.exercises[lesson] : [exercise];
    return (numbers ?? []).filter((number) => !this.needs({ lesson, exercise: number }));
  }

  #noReport(sentence, seconds = 0) {
    return { report: null, sentence: sentence || "The site has no such exercise.", seconds };
  }

  stop() {
    this.#stops += 1;
    this.#forgetAsks();
    if (this.#player.isBusy) this.#player.replace("stopped");
    if (this.#judge?.isBusy) this.#judge.replace("stopped");
  }

  close() {
    this.#player.close();
    clearTimeout(this.#judgeComes);
    this.#judge?.close();
  }

  /* One thing after another. What is told whether it was stopped can say so. */
  #inLine(work) {
    const done = this.#line.then(async () => {
      await this.ready;
      const stops = this.#stops;
      this.#say("busy", "It runs.");
      try {
        return await work(() => this.#stops > stops);
      } finally {
        this.#say("ready", "Python is ready.");
      }
    });
    this.#line = done.catch(() => {});
    return done;
  }

  #say(state, text, loaded = 0, total = 0) {
    this.#onState({ state, text, loaded, total });
  }

  /* The judge asks for plays of the learner's file, which the player plays one by one. */
  #asked(message) {
    if (message.load) this.#asks.push({ load: message.load });
    else if (message.drop) this.#asks = this.#asks.filter((ask) => ask.ask !== message.drop);
    else if (message.ask) this.#asks.push(message);
    this.#answer();
  }

  async #answer() {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      while (this.#asks.length) {
        const { load, ask, body } = this.#asks.shift();
        if (load) [this.#load, this.#loadedIn] = [load, null];
        else this.#judge.tell({ answer: { id: ask, ...(await this.#play(body)) } });
      }
    } finally {
      this.#isAsking = false;
    }
  }

  /* A play that ended a worker in which others were played before may have died of what one of
   * them left behind. To know, it is played again, alone. */
  async #play(body) {
    const first = await this.#playOnce(body);
    const isClear = ["result", "report", "stopped"].includes(first.kind);
    return isClear || first.wasFresh ? first : await this.#playOnce(body);
  }

  async #playOnce(body) {
    const wasFresh = this.#player.isFresh;
    if (this.#loadedIn !== this.#player.worker) {
      const extras = this.#loading.extrasFor(this.#load);
      const loaded = await this.#player.call("load", this.#load, this.#patience, extras);
      if (loaded.kind !== "result") return { ...loaded, wasFresh };
      this.#loadedIn = this.#player.worker;
    }
    return { ...(await this.#player.call("play", body, this.#patience)), wasFresh };
  }

  #forgetAsks() {
    this.#asks = [];
  }
}
