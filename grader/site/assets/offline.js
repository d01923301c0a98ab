/* The service worker: it keeps the site, so that it works without a network. */

import { notify } from "./page.js";

/* Registers it, and waits until it answers for this page, so that what is loaded is kept as it
 * comes. Where there is none, the page works with a network. */
export async function keepOffline() {
  if (!("serviceWorker" in navigator)) return;
  try {
    await navigator.serviceWorker.register("sw.js");
    await Promise.race([controlled(), new Promise((resolve) => setTimeout(resolve, 5000))]);
  } catch {
    // Forbidden, or not to be had just now: the network will do.
  }
}

function controlled() {
  if (navigator.serviceWorker.controller) return Promise.resolve();
  return new Promise((resolve) => {
    navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true });
  });
}

/* Asks for all the rest to be kept. Resolves with whether it was. */
export async function keepAll() {
  const worker = navigator.serviceWorker?.controller;
  if (!worker) return false;
  const { port1, port2 } = new MessageChannel();
  const answer = new Promise((resolve) => (port1.onmessage = (event) => resolve(event.data)));
  worker.postMessage("keep all", [port2]);
  const { kept, sentence } = await answer;
  if (sentence) notify(sentence);
  return kept;
}
