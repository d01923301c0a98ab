/* The kit in the page: runs and grades a learner's code in the browser.
 *
 *   import { Kernel } from "./kernel/kernel.js";
 *   const kernel = new Kernel({ base, onState });
 *   await kernel.ready;
 *
 * `base` is the URL of the folder that this file lies in, in the built site (`OUT/kernel/`).
 * Nothing is loaded from any other place. `onState(state)` is called whenever the state changes:
 *
 *   { state, text, loaded, total }
 *     state   "loading" | "ready" | "busy" | "failed"
 *     text    a short sentence that can be shown as it is
 *     loaded, total   bytes; 0 where nothing is being loaded
 *
 * Members:
 *
 *   ready          a promise: the first program can run. Rejects with an `Error` whose message is
 *                  a sentence, for instance in a browser that is too old, or without a network.
 *                  The judge is loaded afterwards, by itself.
 *   capabilities   { threads, postgres, mongo }, booleans; known once `ready` is resolved.
 *                  Without `threads`, a `def` endpoint, a pool or a thread can't be played.
 *
 *   run({ source, name, seed })  ->  a promise of
 *     { ended, output, error, plays, sentence, seconds }
 *       ended     "ok" | "failed" | "stopped" | "died"
 *       output    what it printed, cut at a bound
 *       error     null | { message, line, name, traceback }: what was raised out of the program,
 *                 or the syntax error, with the line of `source` (or null)
 *       plays     one for each `play()` of the program, in order:
 *                 { line, trace, timeline }
 *                   line      of `source` at which it was played, or null
 *                   trace     the trace as JSON, parsed: as `grader.testing` exports it
 *                   timeline  the timeline as an SVG fragment (HTML text), or ""
 *       sentence  what to tell the learner where `ended` isn't "ok"; "" otherwise
 *       seconds   real time
 *     `name` is the name that tracebacks show, such as "exercise.py".
 *
 *   grade({ lesson, exercise, source, seed })  ->  a promise of
 *     { report, sentence, seconds }
 *       report    as `grade LESSON --format json` prints it, parsed; null where there is none
 *       sentence  why there is none: the exercise needs the installed kit, for instance, or the
 *                 grading was stopped; "" where there is a report
 *     `exercise` is a number, or null for all exercises of the lesson that the browser can grade.
 *     `seed` is optional.
 *
 *   needs({ lesson, exercise })  ->  "" or the sentence that says what the browser lacks for it
 *                 (synchronous, from the manifest; known once `ready` is resolved)
 *
 *   stop()         Ends what runs: its promise is resolved, with `ended: "stopped"` or a
 *                  `sentence`. The worker is replaced meanwhile; nothing of the page is lost.
 *   close()        Ends the workers.
 *
 * One thing runs at a time: what is asked for while something else runs waits in line. None of
 * these promises rejects on account of the learner's code.
 */
