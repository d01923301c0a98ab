/* Compiles the Python files of some packs with the Python of the page:
 * `node compile.mjs PYODIDE FOLDER`, where each folder in FOLDER is to be one pack. A `.pyc` takes the place of its `.py`; those that the kit reads as text keep theirs. */

import { pathToFileURL } from "node:url";

const [pyodide, folder] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(pyodide).href);
const python = await loadPyodide();
python.FS.mkdirTree("/pack");
python.FS.mount(python.FS.filesystems.NODEFS, { root: folder }, "/pack");
python.runPython(`
import compileall, os, py_compile, re
READ_AS_TEXT = re.compile(r"(test|rules)_\\w+\\.py$|/fastapi_async_course_content/")
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
for folder, _, names in os.walk("/pack"):
    for name in names:
        path = os.path.join(folder, name)
        if name.endswith(".py") and not READ_AS_TEXT.search(path):
            shown = "/lib/python3.14/site-packages/" + path.split("/", 3)[3]
            py_compile.compile(path, path + "c", dfile=shown, doraise=True, invalidation_mode=mode)
            os.unlink(path)
`);
