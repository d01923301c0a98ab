/* Progress to be taken along: to a file in the form of `.course/progress.json`, and from one. */

import { button, download, make, notify } from "./page.js";

export function showMenu(root, progress, onImport) {
  const file = make("input", { type: "file", accept: ".json,application/json", class: "hidden", tabindex: "-1", "aria-hidden": "true" });
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    try {
      progress.import(await file.files[0].text());
      notify("The progress from the file is here now.");
      onImport();
    } catch (error) {
      notify(error.message);
    }
    file.value = "";
  });
  root.replaceChildren(
    make(
      "details",
      {},
      make("summary", {}, "Progress"),
      make(
        "div",
        { class: "bar" },
        button("Export", () => download("progress.json", progress.exported(), "application/json")),
        button("Import", () => file.click()),
        file,
      ),
    ),
  );
}
