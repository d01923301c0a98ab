/* What the page keeps in the browser: under the site's own path, for several sites may share one
 * host. Where nothing can be kept, it lasts as long as the page, and `onTrouble` is told why. */

export class Store {
  constructor(place, onTrouble) {
    this.place = `course:${place}:`;
    this.onTrouble = onTrouble;
    this.held = new Map(); // what could not be kept
  }

  get(key) {
    if (this.held.has(key)) return this.held.get(key);
    try {
      return localStorage.getItem(this.place + key);
    } catch (error) {
      this.trouble(error);
      return null;
    }
  }

  set(key, value) {
    try {
      localStorage.setItem(this.place + key, value);
      this.held.delete(key);
    } catch (error) {
      this.held.set(key, value);
      this.trouble(error);
    }
  }

  remove(key) {
    this.held.delete(key);
    try {
      localStorage.removeItem(this.place + key);
    } catch (error) {
      this.trouble(error);
    }
  }

  /* Whether something would be lost with the page. */
  get isForgetful() {
    return this.held.size > 0;
  }

  trouble(error) {
    const why = error.name === "QuotaExceededError" ? "has no room left" : "keeps nothing for this page";
    this.onTrouble(
      `Your browser ${why}: what you write is gone when you close the page. ` +
        "Before that, copy the link of your answer, or export your progress.",
    );
  }

  /* Calls back with a key and its value whenever another tab has changed it. */
  onElsewhere(callback) {
    addEventListener("storage", (event) => {
      if (event.key?.startsWith(this.place)) {
        callback(event.key.slice(this.place.length), event.newValue);
      }
    });
  }
}
