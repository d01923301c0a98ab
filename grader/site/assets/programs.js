/* The programs of a lesson's text, each with what it takes to change it and to run it there. */

import { colour, Editor } from "./code.js";
import { button, make, say } from "./page.js";
import { digest } from "./progress.js";
import { markOf, showResult } from "./result.js";

export function liven(root, lesson, { machine, store }) {
  root.querySelectorAll("pre > code.language-python").forEach((code, number) => {
    if (!code.closest("#quiz, #workbench")) new Program(code, number + 1, lesson, machine, store);
  });
}

export class Program {
  constructor(code, number, lesson, machine, store) {
    this.original = code.textContent;
    this.pre = code.parentElement;
    this.label = `Program ${number}`;
    this.machine = machine;
    this.store = store;
    this.key = `program:${lesson}:${digest(this.original)}`;
    colour(code, this.original);
    this.editor = null;
    this.isRunning = false;
    this.result = make("div", { class: "result", hidden: true });
    this.runs = button("Run", () => (this.isRunning ? machine.stop() : this.run()), { class: "main", "aria-label": `Run ${this.label}` });
    this.changes = button("Change", () => this.change(), { "aria-label": `Change ${this.label}` });
    this.resets = button("Undo all changes", () => this.reset(), { hidden: true });
    this.bar = make("div", { class: "bar" }, this.runs, this.changes, this.resets);
    this.frame = make("div", { class: "program", role: "group", "aria-label": this.label });
    this.pre.before(this.frame);
    this.frame.append(this.pre, this.bar, this.result);
    const kept = store.get(this.key);
    if (kept !== null && kept !== this.original) this.change(kept, false);
  }

  get text() {
    return this.editor ? this.editor.text : this.original;
  }

  change(text = this.original, isAsked = true) {
    this.pre.hidden = true;
    const place = make("div");
    this.pre.after(place);
    this.editor = new Editor(place, {
      text: typeof text === "string" ? text : this.original,
      label: this.label,
      onChange: (changed) => this.changed(changed),
      onRun: () => this.run(),
    });
    this.place = place;
    this.changes.hidden = true;
    this.resets.hidden = false;
    if (isAsked) this.editor.show(1);
  }

  changed(text) {
    this.editor.mark("said", []);
    if (text === this.original) this.store.remove(this.key);
    else this.store.set(this.key, text);
  }

  /* The editor's own undo brings the changes back as long as it is open. */
  reset() {
    if (this.text !== this.original) {
      this.editor.replace(this.original);
      this.changed(this.original);
      say("The program is as it was.");
      return;
    }
    this.place.remove();
    this.editor = null;
    this.resets.hidden = true;
    this.pre.hidden = this.changes.hidden = false;
    this.changes.focus();
  }

  async run() {
    if (this.isRunning) return;
    this.isRunning = true;
    this.runs.textContent = "Stop";
    this.result.hidden = false;
    this.result.replaceChildren(make("p", { class: "quiet" }, "Running …"));
    const result = await this.machine.run({ source: this.text, name: "program.py" });
    say(showResult(this.result, result, this.pointing()));
    this.editor?.mark("said", markOf(result.error));
    this.runs.textContent = "Run";
    this.isRunning = false;
  }

  pointing() {
    return {
      onLine: (line) => (this.editor || this.change(), this.editor.show(line)),
      onLines: (lines) => this.editor?.mark("stands", lines.map((line) => ({ line }))),
    };
  }
}
