/* Stands for the kit in the tests of the page: it answers with what the kit said natively. */

export class Kernel {
  constructor({ base, onState }) {
    this.onState = onState;
    this.capabilities = { threads: true, postgres: false, mongo: true };
    this.ready = fetch(`${base}replies.json`)
      .then((response) => response.json())
      .then((replies) => {
        this.replies = replies;
        onState({ state: "ready", text: "Python is ready.", loaded: 0, total: 0 });
        setTimeout(() => onState({ state: "loading", text: "The judge is loaded.", loaded: 1, total: 2 }));
        return this;
      })
      .catch(() => Promise.reject(new Error("There is no network.")));
  }

  needs({ exercise }) {
    return exercise === 3 ? "This exercise needs PostgreSQL, and so the installed kit: grade day53 3" : "";
  }

  async run({ source }) {
    if (source.includes("while True")) return new Promise((resolve) => (this.end = resolve));
    if (source.includes("1 / 0")) return this.replies.failed;
    return this.replies.run;
  }

  async grade({ source }) {
    return this.replies[source.includes("TaskGroup") ? "right" : "wrong"];
  }

  stop() {
    this.end?.({ ended: "stopped", output: "", error: null, plays: [], sentence: "You stopped it." });
  }
}
