/* A worker of the kit's: Pyodide, with the packages, and one of the kit's two parts in it.
 *
 * The page tells it its part first, `{ boot: { part, base, module, files, packs } }`, where `part` is
 * a module of `grader.wasm`, `module` is the compiled WebAssembly, and of these blobs `files` are what
 * Pyodide asks for, by name, and `packs` are archives of packages. Then it says
 * `{ call, id, body, packs }`, one call at a time, where `packs` are more of them, each with its name,
 * and is answered `{ id, result, spoiled }`, or `{ id, died }`. What ends itself says `{ report }`.
 */

const threads = typeof WebAssembly.Suspending === "function";
const USUAL_START = 2; // seconds
const LARGEST = 1 << 29; // bytes of memory: more than any honest play takes

let python = null;
let part = null;
let slowness = 1;
let spoiled = false;
let grown = 0; // bytes of memory, since it was ready
let asked = 0;
const answers = new Map();
const unpacked = new Set(); // the names of packs that came with a call

self.onmessage = async ({ data }) => {
  if (data.boot) await boot(data.boot);
  else if (data.answer) take(data.answer);
  else await perform(data);
};

function limitMemory() {
  const grow = WebAssembly.Memory.prototype.grow;
  WebAssembly.Memory.prototype.grow = function (pages) {
    if (this.buffer.byteLength + pages * 65536 > LARGEST) throw new RangeError("out of memory");
    grown += pages * 65536;
    return grow.call(this, pages);
  };
}

/* Pyodide fetches its files by name: these are here already, and were compiled once. What is returned
 * ends that, so that they need no room any more. */
function give(module, files) {
  const real = self.fetch;
  const instantiateStreaming = WebAssembly.instantiateStreaming;
  self.fetch = (url, options) => {
    const name = String(url.url ?? url).split("/").pop();
    return name in files ? Promise.resolve(new Response(files[name])) : real(url, options);
  };
  WebAssembly.instantiateStreaming = async (_, imports) => ({
    module,
    instance: await WebAssembly.instantiate(module, imports),
  });
  return () => {
    self.fetch = real;
    WebAssembly.instantiateStreaming = instantiateStreaming;
  };
}

async function boot({ part: name, base, module, files, packs }) {
  const began = performance.now();
  try {
    limitMemory();
    const end = give(module, files);
    const { loadPyodide } = await import(base + "pyodide.mjs");
    python = await loadPyodide({ indexURL: base, checkAPIVersion: false });
    end();
    python.registerJsModule("grader_kernel", given());
    for (const pack of packs) await unpack(pack);
    const imported = python.pyimport("importlib").import_module;
    part = threads ? await imported.callPromising(name) : imported(name);
    grown = 0;
    slowness = Math.max(1, (performance.now() - began) / 1000 / USUAL_START);
    postMessage({ ready: { threads, slowness } });
  } catch (error) {
    postMessage({ failed: `Python could not be started: ${String(error.message ?? error).slice(-2000)}` });
  }
}

/* An archive is the length of its index, the index, and the files after one another. */
async function unpack(pack) {
  const { FS } = python;
  const site = python.runPython("import sys; '/lib/python%d.%d/site-packages' % sys.version_info[:2]");
  const bytes = new Uint8Array(await pack.arrayBuffer());
  const length = new DataView(bytes.buffer).getUint32(0);
  const index = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  let at = 4 + length;
  const folders = new Set();
  for (const [path, size] of index) {
    const file = `${site}/${path}`;
    const folder = file.slice(0, file.lastIndexOf("/"));
    if (!folders.has(folder)) FS.mkdirTree(folder);
    folders.add(folder);
    FS.writeFile(file, bytes.subarray(at, at + size));
    at += size;
  }
  python.runPython("import importlib; importlib.invalidate_caches()");
}

/* What Python has of the page: `import grader_kernel`. */
function given() {
  return {
    gate: () => {
      let open;
      const opened = new Promise((resolve) => (open = resolve));
      return { opened, open };
    },
    begin: async (life) => {
      await null; // the stack that begins it is suspended first
      await life.callPromising();
      life.destroy();
    },
    // A phone, or a busy machine, needs longer to start Python, and is given longer to compute.
    seconds: self.cpuSeconds ?? (() => performance.now() / 1000 / slowness),
    grown: () => grown,
    spoil: () => (spoiled = true),
    leave: (report) => {
      postMessage({ report });
      for (;;); // until the page ends this worker, which it does at once
    },
    load: (body) => postMessage({ load: body }),
    ask: (body) => {
      postMessage({ ask: ++asked, body });
      return asked;
    },
    drop: (id) => postMessage({ drop: id }),
    answer: (id) => wanted(id).promise,
  };
}

function wanted(id) {
  if (!answers.has(id)) answers.set(id, Promise.withResolvers());
  return answers.get(id);
}

function take(answer) {
  wanted(answer.id).resolve(answer);
}

async function perform({ call, id, body, packs }) {
  spoiled = false;
  try {
    for (const [name, pack] of packs) {
      if (!unpacked.has(name)) await unpack(pack);
      unpacked.add(name);
    }
    const result = await (threads ? part[call].callPromising(body) : part[call](body));
    postMessage({ id, result, spoiled });
  } catch (error) {
    const died = String(error.message ?? error).slice(-2000);
    postMessage({ id, died, fatal: Boolean(error.pyodide_fatal_error) || !error.type });
  }
}
