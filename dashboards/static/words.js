// @ts-check
/** Every word the pages show: `texts.json`, which the server's templates read too. */

/** @type {Record<string, [string, string]>} */
const TEXTS = await (await fetch(new URL("./texts.json", import.meta.url))).json();

/** @typedef {"zh" | "en"} Lang */

/** @type {Lang} */
export const LANG = document.body.dataset.lang === "en" ? "en" : "zh";
/** @type {Lang} */
export const OTHER = LANG === "zh" ? "en" : "zh";

/**
 * The text of a key, its {places} filled; a key nobody has translated shows itself.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 * @param {Lang} [lang]
 */
export function say(key, values = {}, lang = LANG) {
  const found = TEXTS[key];
  const text = found ? found[lang === "en" ? 1 : 0] : key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/**
 * A machine word of a group ("reason", "no_data"); an unknown one as it is.
 * @param {string} group
 * @param {string} word
 * @param {Lang} [lang]
 */
export function word(group, word, lang = LANG) {
  const found = TEXTS[`${group}.${word}`];
  return found ? found[lang === "en" ? 1 : 0] : word;
}

/** @param {number} n */
export const thousands = (n) => n.toLocaleString("en-US");

/**
 * Elapsed time: m:ss, then h:mm:ss.
 * @param {number} seconds
 */
export function elapsed(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  if (hours === 0) return `${minutes}:${pad(whole % 60)}`;
  return `${hours}:${pad(minutes)}:${pad(whole % 60)}`;
}
