/* The script of every page: the text stands already, and this brings it to life. */

import { Workbench } from "./workbench.js";
import { showHome } from "./home.js";
import { Machine, READY } from "./machine.js";
import { showMenu } from "./menu.js";
import { keepAll, keepOffline } from "./offline.js";
import { data, make, notify, say } from "./page.js";
import { liven } from "./programs.js";
import { Progress } from "./progress.js";
import { showQuiz } from "./quiz.js";
import { Store } from "./store.js";

const store = new Store(new URL(".", location.href).pathname, notify);
const progress = new Progress(store);
const status = document.getElementById("machine");

let isKept = false; // for use without a network

function showState(state, text, share) {
  status.dataset.state = state;
  if (isKept && state === "ready") text += " It works offline now.";
  const bar = share > 0 && share < 1 ? [" ", make("progress", { value: share, "aria-label": "Loaded" })] : [];
  status.replaceChildren(text, ...bar);
  if (state === "failed") say(text);
}

async function startLesson(lesson) {
  const controlled = keepOffline();
  const machine = new Machine(showState, controlled, () => begin());
  const parts = { machine, progress, store };
  liven(document.getElementById("text"), lesson.name, parts);
  const quiz = () => showQuiz(document.getElementById("quiz"), lesson, progress);
  quiz();
  const workbench = new Workbench(document.getElementById("workbench"), lesson, parts);
  showMenu(document.getElementById("menu"), progress, () => (quiz(), workbench.enter(workbench.exercise)));

  async function begin() {
    workbench.refresh();
    isKept = await keepAll();
    if (isKept && machine.isReady) showState("ready", READY, 0);
  }
}

function startHome(lessons) {
  showState("", "", 0);
  const home = () => showHome(document.getElementById("lessons"), lessons, progress);
  home();
  showMenu(document.getElementById("menu"), progress, home);
  store.onElsewhere(home);
  keepOffline();
}

addEventListener("beforeunload", (event) => {
  if (store.isForgetful) event.preventDefault();
});

const lesson = data("lesson");
if (lesson) startLesson(lesson);
else startHome(data("course"));
