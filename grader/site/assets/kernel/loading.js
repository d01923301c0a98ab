/* What the workers are made of: fetched once, and kept for those that replace them. */

const TOO_OLD = "This browser is too old to run Python.";
const NO_NETWORK = "Python could not be loaded: is the network there?";

export class Loading {
  constructor(base, onProgress) {
    this.base = base;
    this.manifest = null;
    this.#onProgress = onProgress;
    this.#loaded = 0;
    this.#packs = new Map();
    this.begun = this.#begin();
    this.begun.catch(() => {});
  }

  #onProgress;
  #loaded;
  #total = 0;
  #packs;

  async #begin() {
    if (typeof WebAssembly !== "object" || typeof DecompressionStream !== "function") {
      throw new Error(TOO_OLD);
    }
    this.manifest = await (await this.#fetch("manifest.json")).json();
    const { core, files, packs } = this.manifest;
    this.#total = [core, ...files, ...packs.player].reduce((sum, file) => sum + file.bytes, 0);
    const [module, ...contents] = await Promise.all([
      this.#compile(core),
      ...files.map((file) => this.#bytes(file)),
      ...packs.player.map((pack) => this.#pack(pack)),
    ]);
    this.module = module;
    this.files = Object.fromEntries(files.map((file, i) => [file.as, contents[i]]));
    this.files[core.as] = new Blob(); // Pyodide asks for it, and is given the module
  }

  /* What a worker is told to begin with. */
  async boot(part) {
    await this.begun;
    const { base, module, files, manifest } = this;
    const packs = await Promise.all(manifest.packs[part].map((pack) => this.#pack(pack)));
    return { part: manifest.parts[part], base, module, files, packs };
  }

  /* The names of what a text needs beside what all need; what is graded needs what its solution does. */
  extrasFor(text, lesson) {
    const extras = Object.entries(this.manifest.extras);
    return extras
      .filter(([, { pattern, lessons }]) => lessons.includes(lesson) || new RegExp(pattern).test(text))
      .map(([name]) => name);
  }

  async extra(name) {
    return [name, await this.#pack(this.manifest.extras[name].pack)];
  }

  #pack(file) {
    if (!this.#packs.has(file.name)) {
      const bytes = this.#bytes(file);
      bytes.catch(() => this.#packs.delete(file.name)); // the next worker asks for it again
      this.#packs.set(file.name, bytes);
    }
    return this.#packs.get(file.name);
  }

  /* A blob isn't in the memory of the page, nor copied for each worker that is given it. */
  async #bytes(file) {
    return (await this.#unpacked(file)).blob();
  }

  async #compile(file) {
    const whole = await this.#asWebAssembly(file);
    if (whole === null) return WebAssembly.compileStreaming(this.#unpacked(file, "application/wasm"));
    const module = await WebAssembly.compileStreaming(whole);
    this.#count(file.bytes);
    return module;
  }

  /* A browser keeps what it has compiled, for the next visit, of what the network gave it as
   * WebAssembly. Null without a network, or from a server that doesn't compress it: that would be
   * nearly three times as much. */
  async #asWebAssembly(file) {
    const response = await fetch(this.base + file.plain).catch(() => null);
    if (response?.ok && response.headers.has("Content-Encoding")) return response;
    response?.body?.cancel();
    return null;
  }

  async #unpacked(file, type = "application/octet-stream") {
    const counted = (await this.#fetch(file.name)).body.pipeThrough(this.#counter());
    const plain = file.name.endsWith(".gz")
      ? counted.pipeThrough(new DecompressionStream("gzip"))
      : counted;
    return new Response(plain, { headers: { "Content-Type": type } });
  }

  #counter() {
    return new TransformStream({
      transform: (chunk, controller) => {
        this.#count(chunk.byteLength);
        controller.enqueue(chunk);
      },
    });
  }

  #count(bytes) {
    this.#loaded += bytes;
    this.#onProgress(Math.min(this.#loaded, this.#total), this.#total);
  }

  async #fetch(name) {
    let response;
    try {
      response = await fetch(this.base + name);
    } catch {
      throw new Error(NO_NETWORK);
    }
    if (!response.ok) throw new Error(`${NO_NETWORK} (${name}: ${response.status})`);
    return response;
  }
}
