/* What a learner has done so far, in the form of `.course/progress.json`, and by its rules. */

const VERSION = 1;
const KEY = "progress";
const STATUSES = ["todo", "passed", "failed", "broken"];

export class Progress {
  constructor(store) {
    this.store = store;
  }

  read() {
    try {
      return checked(JSON.parse(this.store.get(KEY)));
    } catch {
      return empty(); // there is none yet, or it can't be read
    }
  }

  /* Reads, lets `change` change it, and keeps it: nothing that another tab has kept is lost. */
  change(change) {
    const all = this.read();
    const result = change(all);
    this.store.set(KEY, JSON.stringify(all));
    return result;
  }

  exercise(lesson, number) {
    return exerciseOf(this.read(), lesson, number);
  }

  quiz(lesson) {
    return lessonOf(this.read(), lesson).quiz;
  }

  note(lesson, number, status, text, asked) {
    this.change((all) => noted(exerciseOf(all, lesson, number), status, digest(text), asked));
  }

  takeHint(lesson, number, steps) {
    return this.change((all) => {
      const known = exerciseOf(all, lesson, number);
      known.hints = Math.min(known.hints + 1, steps);
      return known.hints;
    });
  }

  noteQuiz(lesson, name, given, right) {
    this.change((all) => {
      lessonOf(all, lesson).quiz[name] = { given, right };
    });
  }

  exported() {
    return `${JSON.stringify(this.read(), null, 2)}\n`;
  }

  /* Adds what a file knows. Where both know an exercise, the one with more attempts counts.
   * Throws an Error with a sentence if the file isn't one of progress. */
  import(text) {
    const from = parsed(text);
    this.change((all) => {
      for (const [name, theirs] of Object.entries(from.lessons)) {
        const ours = lessonOf(all, name);
        Object.assign(ours.quiz, theirs.quiz);
        for (const [number, known] of Object.entries(theirs.exercises)) {
          ours.exercises[number] = further(exerciseOf(all, name, number), known);
        }
      }
    });
  }
}

export function empty() {
  return { version: VERSION, lessons: {} };
}

export function exerciseOf(all, lesson, number) {
  return (lessonOf(all, lesson).exercises[number] ??= exercise({}));
}

function lessonOf(all, lesson) {
  return (all.lessons[lesson] ??= { exercises: {}, quiz: {} });
}

/* What the grader broke isn't an attempt. Nor is passing once more with the same answer, or
 * failing where no verdict was asked for. */
export function noted(known, status, graded, asked) {
  const isSame = known.status === status && known.graded === graded;
  if (status === "broken") return;
  known.status = status;
  known.graded = graded;
  if (status === "passed" && !isSame) {
    known.attempts += 1;
    known.passes += 1;
    known.first_pass ??= new Date().toISOString();
  } else if (status === "failed" && asked) {
    known.attempts += 1;
  }
}

/* The solution may be seen after a pass, or after so many failures. */
export function hasEarned(known, tries) {
  return known.passes > 0 || known.attempts - known.passes >= tries;
}

function further(ours, theirs) {
  const more = theirs.attempts >= ours.attempts ? theirs : ours;
  return { ...more, hints: Math.max(ours.hints, theirs.hints) };
}

function parsed(text) {
  try {
    return checked(JSON.parse(text));
  } catch {
    throw new Error("This file isn't the progress of a course: choose .course/progress.json.");
  }
}

function checked(all) {
  if (all?.version !== VERSION) throw new Error("another version");
  const lessons = Object.entries(all.lessons).map(([name, each]) => [name, lesson(each)]);
  return { version: VERSION, lessons: Object.fromEntries(lessons) };
}

function lesson({ exercises = {}, quiz = {} }) {
  return {
    exercises: mapped(exercises, exercise),
    quiz: mapped(quiz, ({ given, right }) => ({ given: `${given}`, right: right === true })),
  };
}

function mapped(object, make) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, make(value)]));
}

function exercise({ status, graded, attempts, passes, first_pass, hints }) {
  const known = {
    status: STATUSES.includes(status) ? status : "todo",
    graded: typeof graded === "string" ? graded : "",
    attempts: count(attempts),
    passes: count(passes),
    hints: count(hints),
  };
  return typeof first_pass === "string" ? { ...known, first_pass } : known;
}

function count(number) {
  return Number.isInteger(number) && number > 0 ? number : 0;
}

/* Sixteen digits that tell one text from another (FNV-1a, 64 bits). */
export function digest(text) {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0");
}
