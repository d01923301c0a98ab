/* Earlier answers to an exercise: what a reset or a link has replaced is kept. */

import { make } from "./page.js";

const MOST = 10; // of one exercise; the oldest goes

export class Versions {
  constructor(store, lesson) {
    this.store = store;
    this.lesson = lesson;
  }

  keep(exercise, text) {
    const others = this.all(exercise).filter((version) => version.text !== text);
    const all = [{ at: new Date().toISOString(), text }, ...others].slice(0, MOST);
    this.store.set(this.key(exercise), JSON.stringify(all));
  }

  text(exercise, at) {
    return this.all(exercise).find((version) => version.at === at)?.text;
  }

  /* Fills a select with them. */
  list(select, exercise) {
    const versions = this.all(exercise);
    const shown = versions.map(({ at }) => make("option", { value: at }, new Date(at).toLocaleString()));
    select.replaceChildren(make("option", { value: "" }, "Earlier answers"), ...shown);
    select.hidden = versions.length === 0;
  }

  all(exercise) {
    try {
      return JSON.parse(this.store.get(this.key(exercise))) ?? [];
    } catch {
      return [];
    }
  }

  key(exercise) {
    return `earlier:${this.lesson}:${exercise}`;
  }
}
