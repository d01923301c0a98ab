/* The kit in the page: loaded once, when the text is there, and asked for one thing at a time. */

const OLD =
  "Programs can't run in this browser: it is too old. A Chrome, Edge, Firefox or Safari of this " +
  "year runs them. You can read, answer the quiz, and write; what you write is kept.";
const ABSENT =
  "Python could not be loaded: is the network there? When it is, try again, or reload the page.";

export const READY = "Python is ready.";

export class Machine {
  /* Args: `onState(state, text, share)`, the share being what is loaded of the whole, 0 to 1;
   * `after`, a promise of what has to be there before anything is loaded; `onReady()`, called when
   * programs can run. */
  constructor(onState, after, onReady) {
    this.onState = onState;
    this.after = after;
    this.onReady = onReady;
    this.state = "loading";
    this.kernel = null;
    this.canRun = false; // whether the first program could run
    this.ready = null;
    this.started();
  }

  /* A promise of the kernel. If it could not be loaded, it is tried again. */
  started() {
    if (this.ready === null) {
      this.ready = this.start();
      this.ready.catch(() => (this.ready = null)); // it has been told
    }
    return this.ready;
  }

  async start() {
    try {
      this.kernel?.close();
      if (!isModern()) throw new Error(OLD);
      this.changed({ state: "loading", text: "Python is loading; you can read meanwhile." });
      await this.after;
      const base = new URL("kernel/", document.baseURI).href;
      const { Kernel } = await import(`${base}kernel.js`).catch(() => {
        throw new Error(ABSENT);
      });
      this.kernel = new Kernel({ base, onState: (state) => this.changed(state) });
      await this.kernel.ready;
      this.canRun = true;
      this.changed({ state: "ready", text: READY });
      this.onReady();
      return this.kernel;
    } catch (error) {
      this.changed({ state: "failed", text: error.message });
      throw error;
    }
  }

  /* What is loaded once programs can run, for the judge, is nobody's concern. */
  changed({ state, text, loaded = 0, total = 0 }) {
    if (state === "loading" && this.canRun) return;
    this.state = state;
    this.onState(state, text, total ? loaded / total : 0);
  }

  get isReady() {
    return this.state === "ready";
  }

  /* What a program did; where there is no Python, the sentence that says so. */
  async run(request) {
    try {
      return await (await this.started()).run(request);
    } catch (error) {
      return { ended: "died", output: "", error: null, plays: [], sentence: error.message };
    }
  }

  async grade(request) {
    try {
      return await (await this.started()).grade(request);
    } catch (error) {
      return { report: null, html: "", sentence: error.message };
    }
  }

  stop() {
    this.kernel?.stop();
  }

  /* What the browser lacks for an exercise, as a sentence; empty if nothing or not known yet. */
  needs(request) {
    return this.kernel?.needs?.(request) ?? "";
  }
}

/* Who can unpack a compressed link came in 2023; workers of modules came before. */
function isModern() {
  return typeof WebAssembly === "object" && typeof DecompressionStream === "function";
}
