/* A link that carries an answer: behind the `#`, so that no server is ever sent it. */

export async function linkTo(exercise, text) {
  const url = new URL(location.href);
  url.hash = `exercise-${exercise}&code=${await packed(text)}`;
  return url.href;
}

/* The exercise that the page's address names, and the code that it carries: `{ number, code }`. */
export async function linked(hash = location.hash) {
  const found = /^#exercise-(\d+)(?:&code=([\w-]+))?$/.exec(hash);
  if (!found) return null;
  return { number: Number(found[1]), code: found[2] ? await unpacked(found[2]) : null };
}

const MOST = 1_000_000; // characters: a small link can unpack to a very large text

async function packed(text) {
  const bytes = await bytesOf(new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw")));
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/* The text, or an Error with a sentence. */
async function unpacked(word) {
  try {
    const binary = atob(word.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return new TextDecoder("utf-8", { fatal: true }).decode(await bytesOf(stream));
  } catch {
    throw new Error("The link is damaged: it carries no answer that can be read. Copy it again, whole.");
  }
}

async function bytesOf(stream) {
  const parts = [];
  let size = 0;
  for (const reader = stream.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > MOST) throw new Error("too large");
    parts.push(value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
