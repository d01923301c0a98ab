/* A worker of the page's, the player or the judge, and the one that takes its place when it ends.
 *
 * A call is always answered: `{ kind, body, seconds }`, where `kind` is
 *   "result"   what was asked for
 *   "report"   why it ended itself
 *   "hung"     it did not answer in time
 *   "crashed"  Python broke down
 *   "stopped"  the page ended it
 *   "absent"   it could not be started, or an extra could not be had; `body` says why
 * After all but the first, and after a result that has spoiled it, another worker takes its place: one
 * that could not be started is tried again by the next call.
 * Where a call may never come back, that other one is started while it lasts: `spareAfter` says
 * after how many seconds.
 */

export class Part {
  #loading;
  #name;
  #onAsk;
  #pending = null;
  #calls = 0;
  #isAbsent = false;
  #spareAfter;
  #spare = null;

  constructor(loading, name, { onAsk = () => {}, spareAfter = null } = {}) {
    this.#loading = loading;
    this.#name = name;
    this.#onAsk = onAsk;
    this.#spareAfter = spareAfter;
    this.#start();
  }

  get isBusy() {
    return this.#pending !== null;
  }

  get isFresh() {
    return this.#calls === 0;
  }

  #start() {
    this.#calls = 0;
    this.#isAbsent = false;
    const { worker, ready } = this.#spare ?? this.#begun();
    this.#spare = null;
    this.worker = worker;
    this.ready = ready.then((abilities) => (this.abilities = abilities));
    this.ready.catch(() => {
      if (worker === this.worker) this.#isAbsent = true;
    });
  }

  /* A worker that is being made ready. It is heard as long as it is the one that is asked. */
  #begun() {
    const worker = new Worker(this.#loading.base + "worker.js", { type: "module" });
    const ready = new Promise((resolve, reject) => {
      let isReady = false;
      worker.onmessage = ({ data }) => {
        isReady ||= Boolean(data.ready);
        if (data.ready) resolve(data.ready);
        else if (data.failed) reject(new Error(data.failed));
        else if (worker === this.worker) this.#heard(data);
      };
      worker.onerror = (event) => {
        event.preventDefault?.();
        reject(new Error(event.message || "Python could not be started: is the network there?"));
        if (isReady && worker === this.worker) this.#end("crashed", event.message);
      };
    });
    ready.catch(() => {});
    this.#loading.boot(this.#name).then(
      (boot) => worker.postMessage({ boot }),
      (error) => worker.onerror({ message: error.message }),
    );
    return { worker, ready };
  }

  /* `extras`: the names of the packs that it needs beside those that the worker began with. */
  async call(call, body, seconds, extras = []) {
    const began = performance.now();
    if (this.#isAbsent) this.#renew();
    const answer = await new Promise((resolve) => {
      const pending = (this.#pending = { resolve, id: ++this.#calls, timers: [] });
      const isOpen = () => this.#pending === pending; // it may be ended while the worker starts
      const packs = Promise.all(extras.map((name) => this.#loading.extra(name)));
      Promise.all([packs, this.ready]).then(
        ([packs]) => isOpen() && this.#ask(call, body, seconds, packs),
        (error) => isOpen() && this.#resolve("absent", error.message),
      );
    });
    return { ...answer, seconds: (performance.now() - began) / 1000 };
  }

  #ask(call, body, seconds, packs) {
    const { timers } = this.#pending;
    const { slowness = 1 } = this.abilities; // of the machine, by how long it took to start
    timers.push(setTimeout(() => this.#end("hung"), seconds * slowness * 1000));
    if (this.#spareAfter !== null) {
      timers.push(setTimeout(() => (this.#spare ??= this.#begun()), this.#spareAfter * 1000));
    }
    this.worker.postMessage({ call, id: this.#pending.id, body, packs });
  }

  tell(message) {
    this.worker.postMessage(message);
  }

  #heard(data) {
    if (data.report !== undefined) this.#end("report", data.report);
    else if (data.died !== undefined) this.#end("crashed", data.died);
    else if (data.id !== undefined) this.#answered(data);
    else this.#onAsk(data);
  }

  #answered({ id, result, spoiled }) {
    if (this.#pending?.id !== id) return;
    if (spoiled) this.#renew();
    this.#resolve("result", result);
  }

  /* End the worker, and let what it was asked for be answered with why. */
  replace(kind) {
    this.#end(kind);
  }

  #end(kind, body = "") {
    this.#renew();
    this.#resolve(kind, body);
  }

  #renew() {
    this.worker.terminate();
    this.#start();
  }

  #resolve(kind, body) {
    const pending = this.#pending;
    this.#pending = null;
    if (pending === null) return;
    pending.timers.forEach((timer) => clearTimeout(timer));
    pending.resolve({ kind, body });
  }

  close() {
    this.worker.terminate();
    this.#spare?.worker.terminate();
    this.#resolve("stopped", "");
  }
}
