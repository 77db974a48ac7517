// @ts-check
/** Elements out of values. Text is only ever set as text: nothing a device says becomes markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} selector
 * @returns {HTMLElement}
 */
export function one(selector) {
  const found = document.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`no element ${selector}`);
  return found;
}

/**
 * @param {string} tag
 * @param {string} className
 * @param {...(Node | string)} children
 */
export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

/** @type {Record<string, {digit: string, path: string, y: number}>} */
export const MARKS = {
  life: { digit: "1", path: "M8 2h8l6 6v8l-6 6H8l-6-6V8z", y: 16.6 },
  high: { digit: "2", path: "M12 1l11 11-11 11L1 12z", y: 16.6 },
  medium: { digit: "3", path: "M12 1.5L23 22H1z", y: 19.6 },
  low: { digit: "4", path: "M12 1.5a10.5 10.5 0 1 0 .01 0z", y: 16.6 },
};

/**
 * A severity as shape and digit, because colour alone fails one man in twelve.
 * @param {string} severity
 * @param {boolean} [hollow]
 */
export function mark(severity, hollow = false) {
  const { digit, path, y } = MARKS[severity] ?? MARKS.low;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `mark ${severity}${hollow ? " hollow" : ""}`);
  const shape = document.createElementNS(SVG, "path");
  shape.setAttribute("d", path);
  const text = document.createElementNS(SVG, "text");
  text.setAttribute("x", "12");
  text.setAttribute("y", String(y));
  text.textContent = digit;
  svg.append(shape, text);
  return svg;
}
