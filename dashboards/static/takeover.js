// @ts-check
/** An SOS covers the map until a person elsewhere answers it. */

import { element, mark } from "./dom.js";
import { elapsed, OTHER, say, word } from "./words.js";

/** @typedef {import("./stream.js").Card} Card */

/**
 * The newest SOS large, the others below it, numbered; null when there is none.
 * @param {Card[]} cards unanswered SOS, newest first
 * @param {(at: string) => string} clock an instant as the town's time of day
 */
export function takeover(cards, clock) {
  const [card, ...others] = cards;
  if (!card?.sos) return null;
  const head = element("div", "head");
  head.append(
    mark("life"),
    element(
      "div",
      "what",
      say("rule.sos_pressed"),
      element("span", "other", say("rule.sos_pressed", {}, OTHER)),
    ),
    ticking("elapsed", card.raised_at),
  );
  const canvas = document.createElement("canvas");
  const stack = element("ol", "");
  stack.id = "stack";
  others.slice(0, 5).forEach((other, n) => stack.append(stacked(other, n + 2)));
  if (others.length > 5) stack.append(element("li", "", say("wall.more", more(others.slice(5)))));
  const foot = element("div", "foot", stack, element("div", "around", canvas));
  return { head, facts: facts(card, clock), foot, canvas };
}

/**
 * A time that the page's clock moves on.
 * @param {string} className
 * @param {string} since
 */
export function ticking(className, since) {
  const made = element("div", className);
  made.dataset.since = since;
  return made;
}

/**
 * Move every ticking time on.
 * @param {number} now ms since 1970
 */
export function tickAll(now) {
  for (const ticker of document.querySelectorAll("[data-since]")) {
    const since = Date.parse(/** @type {HTMLElement} */ (ticker).dataset.since ?? "");
    const text = elapsed((now - since) / 1000);
    if (ticker.textContent !== text) ticker.textContent = text;
  }
}

/** @param {Card[]} cards */
export function more(cards) {
  const count = (/** @type {string} */ severity) =>
    cards.filter((card) => card.severity === severity).length;
  return {
    n: cards.length,
    p1: count("life"),
    p2: count("high"),
    p3: count("medium"),
    p4: count("low"),
  };
}

/**
 * @param {Card} card
 * @param {number} n
 */
function stacked(card, n) {
  const place = [card.who, card.area_name].filter(Boolean).join(" · ");
  const time = ticking("", card.raised_at);
  time.style.display = "inline";
  return element("li", "", `${n}. SOS ${place || card.subject} `, time);
}

/**
 * @param {Card} card
 * @param {(at: string) => string} clock
 */
function facts(card, clock) {
  const sos = /** @type {import("./stream.js").Takeover} */ (card.sos);
  const list = element("dl", "facts");
  const id = card.subject.split(":")[1] ?? card.subject;
  const person = [card.who, described(sos), id, sos.lives_alone ? say("sos.alone") : ""];
  fact(list, "sos.who", person.filter(Boolean).join(" · "));
  fact(list, "sos.where", [card.area_name, sos.address].filter(Boolean).join(" · ") || "–");
  if (sos.buffered && sos.observed_at) {
    const late = element("span", "warn", say("sos.buffered", { at: clock(sos.observed_at) }));
    fact(list, "sos.pressed", late);
  } else if (card.occurrences > 1) {
    fact(list, "sos.pressed", say("sos.presses", { n: card.occurrences }));
  }
  fact(list, "sos.paged", sos.paged.length ? paged(sos.paged) : say("sos.nobody_yet"));
  fact(list, "sos.nearest", nearest(sos));
  return list;
}

/** @param {import("./stream.js").Paged[]} lines */
function paged(lines) {
  const made = element("span", "");
  lines.forEach((line, n) => {
    if (n) made.append(" → ");
    made.append(element("span", "whole", `${line.who} ${word("story", line.what)}`));
  });
  return made;
}

/** @param {import("./stream.js").Takeover} sos */
function described(sos) {
  const sex = sos.sex ? word("sex", sos.sex) : "";
  return [sex, sos.age ?? ""].filter((part) => part !== "").join(" ");
}

/** @param {import("./stream.js").Takeover} sos */
function nearest(sos) {
  if (!sos.nearest) return say("sos.nobody_near");
  const { who, metres, at } = sos.nearest;
  const far = metres < 1000 ? `${Math.round(metres)} m` : `${(metres / 1000).toFixed(1)} km`;
  return element("span", "", `${who} ${far} · ${say("sos.seen")} `, inline(at), ` ${say("sos.ago")}`);
}

/** @param {string} at */
function inline(at) {
  const time = ticking("", at);
  time.style.display = "inline";
  return time;
}

/**
 * @param {HTMLElement} list
 * @param {string} key
 * @param {Node | string} value
 */
function fact(list, key, value) {
  const term = element("dt", "", say(key), element("span", "other", say(key, {}, OTHER)));
  list.append(term, element("dd", "", value));
}

/**
 * Say how long until the next rung.
 * @param {number} now ms since 1970
 */
export function countDown(now) {
  for (const line of document.querySelectorAll("[data-until]")) {
    const { until = "", text = "" } = /** @type {HTMLElement} */ (line).dataset;
    line.textContent = text.replace("{t}", elapsed((Date.parse(until) - now) / 1000));
  }
}
