/* Programs: coloured where they stand, and in an editor when they are to be changed. */

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python, pythonLanguage } from "@codemirror/lang-python";
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, drawSelection, EditorView, keymap, lineNumbers, WidgetType } from "@codemirror/view";
import { classHighlighter, highlightCode } from "@lezer/highlight";
import { make } from "./page.js";

/* A program as coloured text, into an element. */
export function colour(element, source) {
  const parts = [];
  highlightCode(
    source,
    pythonLanguage.parser.parse(source),
    classHighlighter,
    (text, classes) => parts.push(classes ? make("span", { class: classes }, text) : text),
    () => parts.push("\n"),
  );
  element.replaceChildren(...parts);
}

/* Marks of lines: `{ line, kind, says }`, each kind replacing its own earlier ones. */
const setMarks = StateEffect.define();

const marks = StateField.define({
  create: () => ({ marks: [], drawn: Decoration.none }),
  update(value, transaction) {
    let { marks, drawn } = value;
    drawn = drawn.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(setMarks)) continue;
      const { kind, lines } = effect.value;
      // Marks of the other kind stand where they stood, or go with the text that they were on.
      marks = [...marks.filter((mark) => mark.kind !== kind), ...lines.map((l) => ({ ...l, kind }))];
      drawn = draw(marks, transaction.state.doc);
    }
    if (transaction.docChanged) marks = marks.filter((mark) => mark.kind !== "stands");
    return { marks, drawn };
  },
  provide: (field) => EditorView.decorations.from(field, (value) => value.drawn),
});

function draw(marks, doc) {
  const within = marks.filter(({ line }) => line >= 1 && line <= doc.lines);
  const ranges = within.flatMap(({ line, kind, says }) => {
    const at = doc.line(line);
    const marked = Decoration.line({ class: `cm-${kind}` }).range(at.from);
    const words = Decoration.widget({ widget: new Words(says), block: true, side: 1 });
    return says ? [marked, words.range(at.to)] : [marked];
  });
  return Decoration.set(ranges, true);
}

/* A sentence below a line. */
class Words extends WidgetType {
  constructor(says) {
    super();
    this.says = says;
  }

  eq(other) {
    return other.says === this.says;
  }

  toDOM() {
    return make("div", { class: "cm-says" }, this.says);
  }
}

const LOOK = EditorView.theme({
  "&": { fontSize: "0.875rem", border: "1px solid var(--edge)", borderRadius: "6px", backgroundColor: "var(--paper)" },
  "&.cm-focused": { outline: "3px solid var(--link)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: 'ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace', lineHeight: "1.5" },
  ".cm-gutters": { backgroundColor: "var(--shade)", color: "var(--quiet)", border: "none" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--select)",
  },
});

/* An editor for Python.
 *   label      what it is called by a screen reader
 *   onChange   called with the text after each change that the learner makes
 *   onRun      Ctrl-Enter
 */
export class Editor {
  constructor(parent, { text, label, onChange = () => {}, onRun = () => {} }) {
    this.quiet = false;
    this.extensions = [
      lineNumbers(),
      history(),
      drawSelection(),
      indentOnInput(),
      bracketMatching(),
      indentUnit.of("    "),
      python(),
      syntaxHighlighting(classHighlighter),
      marks,
      LOOK,
      keymap.of([{ key: "Mod-Enter", run: () => (onRun(), true) }, indentWithTab, ...defaultKeymap, ...historyKeymap]),
      EditorView.contentAttributes.of({ "aria-label": `${label}. Escape, then Tab, leaves the editor.` }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged && !this.quiet) onChange(this.text);
      }),
    ];
    this.view = new EditorView({ parent, state: this.fresh(text) });
  }

  fresh(text) {
    return EditorState.create({ doc: text, extensions: this.extensions });
  }

  get text() {
    return this.view.state.doc.toString();
  }

  /* Another text, with a history of its own. */
  open(text) {
    this.view.setState(this.fresh(text));
  }

  /* Another text for the same thing: it can be undone. `onChange` isn't called. */
  replace(text) {
    this.quiet = true;
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
    this.quiet = false;
  }

  /* Marks lines, instead of those of the same kind that were marked before. */
  mark(kind, lines) {
    this.view.dispatch({ effects: setMarks.of({ kind, lines }) });
  }

  get hasFocus() {
    return this.view.hasFocus;
  }

  /* Goes to a line. */
  show(line) {
    const { doc } = this.view.state;
    const at = doc.line(Math.min(Math.max(1, line), doc.lines));
    this.view.dispatch({ selection: { anchor: at.from }, scrollIntoView: true });
    this.view.focus();
  }
}
