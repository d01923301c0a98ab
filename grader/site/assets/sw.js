/* Keeps the site's files. `FILES` are their paths, each with a digest, and `POLICY` is what the
 * browser lets a script do; the builder puts them above this. A file is kept under its digest: a
 * new version of the site fetches only what has changed, and pages never mix two versions. */

const CACHE = `course:${registration.scope}`;
const SHELL = Object.keys(FILES).filter((path) => !path.startsWith("kernel/"));

addEventListener("install", (event) => event.waitUntil(keep(SHELL).then(() => skipIfFirst())));
addEventListener("activate", (event) => event.waitUntil(Promise.all([forget(), clients.claim()])));

addEventListener("fetch", (event) => {
  const path = pathOf(event.request);
  if (event.request.method === "GET" && path in FILES) event.respondWith(answer(path));
});

addEventListener("message", (event) => {
  if (event.data === "keep all") event.waitUntil(keepAll(event.ports[0]));
});

/* The first version may begin at once. Another one waits until no page shows this one. */
function skipIfFirst() {
  return registration.active ? undefined : skipWaiting();
}

function pathOf(request) {
  const url = request.url.split(/[?#]/)[0];
  if (!url.startsWith(registration.scope)) return null;
  return decodeURIComponent(url.slice(registration.scope.length)) || "index.html";
}

function keyOf(path) {
  return new URL(`${path}?kept=${FILES[path]}`, registration.scope).href;
}

async function answer(path) {
  const cache = await caches.open(CACHE);
  const found = await cache.match(keyOf(path));
  return guarded(path, found ?? (await fetched(cache, path)));
}

async function fetched(cache, path) {
  const response = await fetch(new URL(path, registration.scope), { cache: "no-cache" });
  if (await isOurs(path, response)) await cache.put(keyOf(path), response.clone()).catch(() => {}); // no room
  return response;
}

/* While a new version is being published, a server may have files of both. */
async function isOurs(path, response) {
  if (!response.ok) return false;
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await response.clone().arrayBuffer()));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.startsWith(FILES[path]);
}

/* A worker's script is held to the policy of the page; only its own headers can do that. */
function guarded(path, response) {
  if (!/\.m?js$/.test(path) || !response.ok) return response;
  const headers = new Headers(response.headers);
  headers.set("Content-Security-Policy", POLICY);
  return new Response(response.body, { status: response.status, headers });
}

async function keep(paths) {
  const cache = await caches.open(CACHE);
  for (const path of paths) {
    if (await cache.match(keyOf(path))) continue;
    const response = await fetch(new URL(path, registration.scope), { cache: "no-cache" });
    if (!(await isOurs(path, response))) throw new Error(`${path} isn't of this version`);
    await cache.put(keyOf(path), response);
  }
}

async function keepAll(port) {
  try {
    await keep(Object.keys(FILES));
    port.postMessage({ kept: true, sentence: "" });
  } catch (error) {
    const full = error.name === "QuotaExceededError";
    const sentence = full ? "Your browser has no room to keep the course: it works only with a network." : "";
    port.postMessage({ kept: false, sentence });
  }
}

async function forget() {
  const cache = await caches.open(CACHE);
  const wanted = new Set(Object.keys(FILES).map(keyOf));
  const kept = await cache.keys();
  await Promise.all(kept.filter((request) => !wanted.has(request.url)).map((r) => cache.delete(r)));
}
