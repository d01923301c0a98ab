/* Runs `compiling.py` in the Python of the page: `node compile.mjs PYODIDE COMPILING FOLDER`. */

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [pyodide, compiling, folder] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(pyodide).href);
// In which columns something stands is never shown of what is compiled here.
const python = await loadPyodide({ env: { PYTHONNODEBUGRANGES: "1" } });
python.FS.mkdirTree("/packs");
python.FS.mount(python.FS.filesystems.NODEFS, { root: folder }, "/packs");
python.runPython(readFileSync(compiling, "utf-8"));
python.globals.get("compile_packs")("/packs");
