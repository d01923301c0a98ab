/* Small tools for building the page. */

/* An element: `make("button", { class: "x", onclick }, "words", child)`. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export function button(words, onclick, attributes = {}) {
  return make("button", { type: "button", onclick, ...attributes }, words);
}

/* An element with HTML that the course or the kit has made. */
export function html(tag, text, attributes = {}) {
  const element = make(tag, attributes);
  element.innerHTML = text;
  return element;
}

export function data(id) {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : null;
}

/* Says a sentence to those who hear the page. The same sentence twice is said twice. */
export function say(sentence) {
  const live = document.getElementById("said");
  live.textContent = live.textContent === sentence ? `${sentence}\u00a0` : sentence;
}

/* Shows a sentence above the page until it is put away, and says it. */
export function notify(sentence) {
  if ([...document.querySelectorAll(".notice span")].some((s) => s.textContent === sentence)) return;
  const notice = make("p", { class: "notice" }, make("span", {}, sentence));
  notice.append(button("OK", () => notice.remove()));
  document.querySelector(".top").after(notice);
  say(sentence);
}

/* Saves a text as a file. */
export function download(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
