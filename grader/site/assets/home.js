/* The overview: what is done of each lesson. */

export function showHome(root, lessons, progress) {
  for (const item of root.querySelectorAll("[data-lesson]")) {
    const numbers = lessons[item.dataset.lesson];
    const passed = numbers.filter((n) => progress.exercise(item.dataset.lesson, n).passes).length;
    item.querySelector(".done").textContent = passed ? `${passed} of ${numbers.length} exercises pass` : "";
  }
}
