/* The quiz of a lesson: each question with its answer, checked as `grade quiz` does it. */

import { colour } from "./code.js";
import { judged } from "./judging.js";
import { button, html, make, say } from "./page.js";

export function showQuiz(root, lesson, progress) {
  if (!lesson.quiz.length) return;
  const score = make("p", { class: "score", role: "status" });
  const tell = () => (score.textContent = scoreOf(lesson, progress.quiz(lesson.name)));
  const questions = lesson.quiz.map((q, n) => new Question(q, n + 1, lesson, progress, tell).element);
  root.replaceChildren(make("h2", {}, "Quiz"), score, make("ol", { class: "questions" }, ...questions));
  root.querySelectorAll("code.language-python").forEach((code) => colour(code, code.textContent));
  tell();
}

function scoreOf(lesson, known) {
  const answers = lesson.quiz.map((question) => known[question.name]).filter(Boolean);
  const right = answers.filter((answer) => answer.right).length;
  return `${right} of ${lesson.quiz.length} right, ${lesson.quiz.length - answers.length} not answered yet.`;
}

class Question {
  constructor(question, number, lesson, progress, onAnswer) {
    Object.assign(this, { question, lesson, progress, onAnswer });
    this.verdict = make("div", { class: "answer", hidden: true });
    this.form = make("form", { onsubmit: (event) => this.submit(event) }, ...this.controls(number));
    this.element = make(
      "li",
      { class: "question" },
      make("h3", { id: `question-${number}` }, `${number}. ${question.name}`),
      html("div", question.text),
      this.form,
      this.verdict,
    );
    const known = progress.quiz(lesson.name)[question.name];
    if (known) this.recall(known);
  }

  controls(number) {
    const labelled = { "aria-labelledby": `question-${number}` };
    if (this.question.kind === "choice") {
      const type = this.question.key.length > 1 ? "checkbox" : "radio";
      const options = this.question.options.map(({ letter, text }) =>
        make("label", { class: "option" }, make("input", { type, name: "given", value: letter }), html("span", text)),
      );
      return [make("fieldset", { role: "group", ...labelled }, ...options), check()];
    }
    if (this.question.kind === "typed") {
      return [make("textarea", { name: "given", rows: "4", spellcheck: "false", ...labelled }), check()];
    }
    return [make("button", { type: "submit" }, "Show the answer")];
  }

  submit(event) {
    event.preventDefault();
    if (this.question.kind === "open") {
      this.show("", [this.own()]);
      return;
    }
    const given = this.given();
    if (!given.trim()) return say("Answer first.");
    const { right, says } = judged(this.question, given);
    this.keep(given, right, says);
  }

  given() {
    const values = new FormData(this.form).getAll("given");
    return this.question.kind === "choice" ? values.sort().join("") : values[0];
  }

  own() {
    const keep = (right) => () => this.keep(right ? "y" : "n", right, right ? "Right." : "Not this time.");
    return make("p", { class: "bar" }, "Did you get it right? ", button("Yes", keep(true)), button("No", keep(false)));
  }

  keep(given, right, says) {
    this.progress.noteQuiz(this.lesson.name, this.question.name, given, right);
    this.show(says, [], right);
    say(says);
    this.onAnswer();
  }

  recall({ given, right }) {
    for (const control of this.form.elements) {
      if (control.type === "textarea") control.value = given;
      else if (control.name === "given") control.checked = given.includes(control.value);
    }
    const says = this.question.kind === "open" ? (right ? "Right." : "Not this time.") : judged(this.question, given).says;
    this.show(says, [], right);
  }

  show(says, more, right) {
    const { kind, key, explanation, again } = this.question;
    const parts = says ? [make("p", { class: right ? "right" : "wrong" }, make("strong", {}, `${right ? "✔" : "✘"} ${says}`))] : [];
    if (kind === "typed" && !right) parts.push(make("p", {}, "All that is printed:"), make("pre", {}, key));
    parts.push(html("div", explanation), ...more);
    if (again) parts.push(make("p", { class: "quiet" }, right ? "More about it: " : "Read again: ", make("a", { href: again[1] }, again[0])));
    this.verdict.replaceChildren(...parts);
    this.verdict.hidden = false;
  }
}

function check() {
  return make("button", { type: "submit" }, "Check");
}
