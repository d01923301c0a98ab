/* Whether an answer to a question of the quiz is right, by the rules of `grade quiz`. */

/* Whether an answer is right, and the sentence that says so. */
export function judged({ kind, key }, given) {
  if (kind === "choice") return { right: given === key, says: given === key ? "Right." : `No: ${named(key)} right.` };
  const different = firstDifference(given, key);
  if (!different) return { right: true, says: "Right." };
  const { line, ours, theirs } = different;
  const says = `That is not what it prints. Line ${line} is the first that differs: yours is ${ours || "(nothing)"}, printed is ${theirs || "(nothing)"}.`;
  return { right: false, says };
}

function named(key) {
  const most = [...key.slice(0, -1)].join(", ");
  return most ? `${most} and ${key.at(-1)} are` : `${key} is`;
}

/* Where the given lines leave the printed ones; null if they are the same. */
export function firstDifference(given, printed) {
  const [mine, its] = [given, printed].map(linesOf);
  for (let n = 0; n < Math.max(mine.length, its.length); n++) {
    const [ours, theirs] = [mine[n] ?? "", its[n] ?? ""];
    if (words(ours) !== words(theirs)) return { line: n + 1, ours, theirs };
  }
  return null;
}

function linesOf(text) {
  return text.split(/\r\n|[\n\r]/).map((line) => line.trim()).filter(Boolean);
}

/* The words, numbers and signs of a line, so that lines that mean the same give the same. */
function words(line) {
  const found = line.replaceAll('"', "'").toLowerCase().match(/\d+(?:\.\d+)?|[\p{L}_][\p{L}\p{N}_]*|[^\p{L}\p{N}_\s]/gu);
  return JSON.stringify((found ?? []).map((word) => (/^\d/.test(word) ? Number(word) : word)));
}
