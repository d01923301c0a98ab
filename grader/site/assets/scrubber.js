/* Moves through the moments of a timeline, which stand in its `data-axis` and `data-moments`. */

import { make } from "./page.js";

const STEPS = 1000;
const SVG = "http://www.w3.org/2000/svg";

/* Gives each timeline in `root` a scrubber.
 *   onLines   called with the lines at which something stands at the moment that is shown
 */
export function scrub(root, onLines = () => {}) {
  for (const element of root.querySelectorAll(".scrubbable:not([data-ready])")) {
    element.dataset.ready = "";
    new Scrubber(element, onLines);
  }
}

class Scrubber {
  constructor(element, onLines) {
    this.axis = JSON.parse(element.dataset.axis);
    this.moments = JSON.parse(element.dataset.moments);
    this.onLines = onLines;
    this.svg = element.querySelector("svg");
    this.line = this.svg.appendChild(document.createElementNS(SVG, "path"));
    this.line.setAttribute("class", "now");
    this.range = make("input", { type: "range", min: "0", max: `${STEPS}`, value: "0", "aria-label": "Moment" });
    this.when = make("output");
    this.says = make("ul", { class: "stands" });
    const left = this.axis[0][1], right = 1 - this.axis.at(-1)[1];
    // Half of the thumb stands out on each side, so that its middle is on the moment.
    this.range.style.marginLeft = `calc(${100 * left}% - 0.5rem)`;
    this.range.style.width = `calc(${100 * (1 - left - right)}% + 1rem)`;
    element.querySelector(".picture").append(this.range);
    element.append(make("p", { class: "when" }, "At ", this.when), this.says);
    this.range.addEventListener("input", () => this.show(this.secondsAt(this.range.value / STEPS)));
    this.range.addEventListener("keydown", (event) => this.key(event));
    this.svg.addEventListener("pointerdown", (event) => this.drag(event));
    this.show(0, false);
  }

  /* The arrow keys go to the next moment at which anything changes. */
  key(event) {
    const ways = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
    const way = ways[event.key];
    if (!way) return;
    event.preventDefault();
    const times = this.moments.map(([at]) => at);
    const next = way > 0 ? times.find((at) => at > this.seconds) : times.findLast((at) => at < this.seconds);
    if (next !== undefined) this.show(next);
  }

  drag(event) {
    this.svg.setPointerCapture(event.pointerId);
    const move = (at) => {
      const box = this.svg.getBoundingClientRect();
      const [first, last] = [this.axis[0][1], this.axis.at(-1)[1]];
      const part = ((at.clientX - box.left) / box.width - first) / (last - first);
      this.show(this.secondsAt(Math.min(1, Math.max(0, part))));
    };
    move(event);
    this.svg.onpointermove = move;
    this.svg.onpointerup = this.svg.onpointercancel = () => (this.svg.onpointermove = null);
  }

  /* The seconds at a part of what is drawn, from 0 to 1. */
  secondsAt(part) {
    const [first, last] = [this.axis[0][1], this.axis.at(-1)[1]];
    return between(this.axis.map(([s, x]) => [x, s]), first + part * (last - first));
  }

  show(seconds, isAsked = true) {
    this.seconds = seconds;
    const place = between(this.axis, seconds);
    const [first, last] = [this.axis[0][1], this.axis.at(-1)[1]];
    const [, says, lines] = this.moments.findLast(([at]) => at <= seconds + 1e-9) ?? this.moments[0];
    const { width, height } = this.svg.viewBox.baseVal;
    this.line.setAttribute("d", `M${place * width} 18V${height}`);
    this.range.value = `${Math.round((STEPS * (place - first)) / (last - first || 1))}`;
    this.when.textContent = `${Number(seconds.toFixed(3))} s`;
    this.range.setAttribute("aria-valuetext", `${this.when.textContent}. ${says.join(". ")}`);
    this.says.replaceChildren(...says.map((each) => make("li", {}, each)));
    if (isAsked) this.onLines(lines);
  }
}

/* The value at `x` on a line through points, each `[x, y]`. */
export function between(points, x) {
  const next = Math.max(1, points.findIndex(([at]) => at >= x));
  const [[x0, y0], [x1, y1]] = points.length > 1 ? [points[next - 1], points[next]] : [points[0], points[0]];
  return x1 === x0 ? y0 : y0 + ((x - x0) * (y1 - y0)) / (x1 - x0);
}
