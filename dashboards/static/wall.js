// @ts-check
/** The wall: draws what the stream says, and says so itself when the stream says nothing. */

import { element, mark, one } from "./dom.js";
import { TownMap } from "./map.js";
import { Sound } from "./sound.js";
import { Stream } from "./stream.js";
import { more, takeover, tickAll, ticking } from "./takeover.js";
import { showFigures } from "./tiles.js";
import { LANG, OTHER, say, word } from "./words.js";

/** @typedef {import("./stream.js").Card} Card */

const { stream: streamUrl, map: mapUrl, assets, zone } = document.body.dataset;
const ROWS = 6;
const LOST_AFTER = 600; // s without a position, as in the key figure "caregivers active"
const RANK = ["life", "high", "medium", "low"];
const GREY_AFTER = 15; // s without data

const query = new URLSearchParams(location.search);
const sound = new Sound(query.get("sound") !== "0");
const map = new TownMap(/** @type {HTMLCanvasElement} */ (document.querySelector("#map canvas")));
const time = new Intl.DateTimeFormat("en-GB", { timeZone: zone, timeStyle: "medium" });
const date = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short" }); // 2026-11-02
const weekday = new Intl.DateTimeFormat(LANG, { timeZone: zone, weekday: "short" });
const began = Date.now();
let mapVersion = "";
let shownTakeover = "";
let spoken = new Set();
let dirty = false;

const scale = Number(query.get("scale"));
if (scale >= 0.8 && scale <= 1.6) {
  document.documentElement.style.setProperty("--scale", String(scale));
}

const stream = new Stream(
  streamUrl ?? "",
  () => (dirty = true),
  (beat) => beat.assets !== assets && location.reload(),
);
setInterval(tick, 250);
for (const event of ["visibilitychange", "pageshow"]) addEventListener(event, stayAwake);
stayAwake();

/** @type {any} */ (window).__m = {
  get screen() {
    return stream.screen;
  },
  get frames() {
    return stream.frames;
  },
  get stale() {
    return stream.staleness();
  },
  get sound() {
    return sound.state();
  },
  get bursts() {
    return sound.bursts;
  },
  get drawMs() {
    return map.drawMs;
  },
  get baseMs() {
    return map.baseMs;
  },
};

function tick() {
  const now = stream.now();
  if (dirty && stream.screen) {
    dirty = false;
    draw(stream.screen);
  }
  tickAll(now);
  one("#time").textContent = time.format(now);
  one("#date").textContent = `${date.format(now)} ${weekday.format(now)}`;
  showHealth();
  sound.tick(reasons(), now / 1000);
  rest(now);
}

/** @param {import("./stream.js").Screen} screen */
function draw(screen) {
  const cards = Object.values(screen.cards).sort(byUrgency);
  if (screen.map !== mapVersion) void fetchMap(screen.map);
  showRows(cards, screen.figures.open);
  showTakeover(cards);
  showFlood(screen.figures.load);
  showFigures(screen.figures);
  one("#suppressed").textContent = screen.figures.suppressed
    ? say("wall.suppressed", { n: screen.figures.suppressed })
    : "";
  const now = stream.now() / 1000;
  map.show({
    points: cards.flatMap(point),
    carers: Object.values(screen.caregivers).map(([lat, lon, at]) => ({
      lat,
      lon,
      lost: now - at > LOST_AFTER,
    })),
    tints: tints(cards),
  });
}

/**
 * Priority, then unanswered first, then oldest.
 * @param {Card} a
 * @param {Card} b
 */
function byUrgency(a, b) {
  return (
    RANK.indexOf(a.severity) - RANK.indexOf(b.severity) ||
    Number(a.state !== "open") - Number(b.state !== "open") ||
    Date.parse(a.raised_at) - Date.parse(b.raised_at)
  );
}

/** @param {string} version */
async function fetchMap(version) {
  mapVersion = version;
  try {
    const answer = await fetch(mapUrl ?? "");
    map.setGeometry(await answer.json());
    dirty = true; // a takeover may be waiting for its map
  } catch {
    mapVersion = ""; // the next frame tries again
  }
}

/**
 * @param {Card[]} cards
 * @param {Record<string, number>} open how many there are in all, by severity
 */
function showRows(cards, open) {
  one("#rows").replaceChildren(...cards.slice(0, ROWS).map(row));
  const all = Object.values(open).reduce((sum, n) => sum + n, 0);
  one("#count").textContent = String(all);
  const shown = more(cards.slice(0, ROWS).filter((card) => card.state !== "cleared"));
  const left = {
    n: all - shown.n,
    p1: (open.life ?? 0) - shown.p1,
    p2: (open.high ?? 0) - shown.p2,
    p3: (open.medium ?? 0) - shown.p3,
    p4: (open.low ?? 0) - shown.p4,
  };
  one("#more").textContent = left.n > 0 ? say("wall.more", left) : cards.length ? "" : say("wall.calm");
  const urgent = cards.filter((card) => card.severity === "life" && card.state === "open");
  const fresh = urgent.filter((card) => !spoken.has(card.id));
  spoken = new Set(urgent.map((card) => card.id));
  if (!fresh.length) return;
  one("#spoken").textContent = fresh
    .map((card) => `${word("rule", card.rule)} ${card.who} ${card.area_name}`)
    .join("; ");
}

/** @param {Card} card */
function row(card) {
  const made = element("li", `row ${card.severity} ${card.state}`);
  made.dataset.id = card.id;
  const times = card.occurrences > 1 ? ` ×${card.occurrences}` : "";
  const [, id = ""] = card.subject.split(":");
  const owner = card.acked_by || word("state", card.state);
  made.append(
    mark(card.severity, card.state === "cleared"),
    element(
      "div",
      "",
      element("div", "title", word("rule", card.rule) + times),
      element("div", "line", [card.who, id, card.area_name].filter(Boolean).join(" · ")),
      element("div", "line other", detail(card)),
    ),
    element("div", "side", ticking("elapsed", card.raised_at), element("div", "owner", owner)),
  );
  return made;
}

/**
 * More alarms than the seats can answer: how many, and of what.
 * @param {import("./stream.js").CurrentLoad} load
 */
function showFlood({ flood, raised_10m: n, causes }) {
  one("#flood").hidden = !flood;
  const of = causes
    .map(({ rule, name, alarms }) => `${word("rule", rule)}${name && ` (${name})`} ${alarms}`)
    .join(" · ");
  one("#flood").textContent = flood ? `${say("wall.flood", { n })} · ${of}` : "";
}

/** @param {Card} card */
function detail(card) {
  const other = word("rule", card.rule, OTHER);
  const reason = word("reason", card.reason);
  return reason === card.reason || reason === word("rule", card.rule) ? other : `${other} · ${reason}`;
}

/** @param {Card[]} cards */
function showTakeover(cards) {
  const sos = cards
    .filter((card) => card.sos)
    .sort((a, b) => Date.parse(b.raised_at) - Date.parse(a.raised_at));
  const key = JSON.stringify([sos, map.geometry?.version]);
  if (key === shownTakeover) return;
  shownTakeover = key;
  const panel = one("#takeover");
  const shown = takeover(sos, (at) => time.format(new Date(at)));
  panel.hidden = shown === null;
  panel.replaceChildren();
  if (!shown) return;
  panel.append(shown.head, shown.facts, shown.foot);
  const [{ lat, lon }] = sos;
  if (lat === null || lon === null || !map.geometry) return;
  const around = new TownMap(shown.canvas, { foot: false, unit: map.canvas.clientHeight });
  around.setGeometry(map.geometry);
  around.lookAt(lat, lon);
  around.show({ ...map.overlay, points: cards.flatMap(point) });
}

/**
 * @param {Card} card
 * @returns {import("./map.js").Point[]}
 */
function point(card) {
  if (card.lat === null || card.lon === null) return [];
  const ring = card.severity === "life" && card.state === "open";
  const { lat, lon, severity, state } = card;
  return [{ lat, lon, severity, hollow: state === "cleared", ring, faint: state === "acknowledged" }];
}

/**
 * An area is tinted only while it holds an open P1 or P2.
 * @param {Card[]} cards
 */
function tints(cards) {
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const { area, severity, state } of cards) {
    if (!area || state === "cleared") continue;
    if (severity === "life" || (severity === "high" && !found.has(area))) found.set(area, severity);
  }
  return found;
}

function showHealth() {
  const { age, cause } = stream.staleness();
  const seconds = Number.isFinite(age) ? String(Math.floor(age)) : "–";
  one("#banner").hidden = cause === "";
  one("#map").classList.toggle("stale", cause !== "" && age > GREY_AFTER);
  if (cause) {
    one("#banner-text").textContent = say(`stale.${cause}`, { s: seconds });
    one("#banner-other").textContent = say(`stale.${cause}`, { s: seconds }, OTHER);
  }
  const lag = stream.beat?.lag ?? null;
  const data = one("#data");
  data.textContent = stream.beat
    ? say("wall.live", { s: lag === null ? "–" : lag.toFixed(1) })
    : say("wall.connecting");
  data.className = lag !== null && lag > 30 ? "warn" : "";
  const state = sound.state();
  one("#sound").textContent = say(`sound.${state}`);
  one("#sound").className = state === "blocked" ? "warn" : "";
}

function reasons() {
  /** @type {Map<import("./sound.js").Tone, string>} */
  const waiting = new Map();
  if (stream.staleness().cause) waiting.set("lost", "data");
  for (const card of Object.values(stream.screen?.cards ?? {})) {
    const { severity, state, raised_at } = card;
    if (state !== "open" || severity === "low") continue;
    const tone = /** @type {import("./sound.js").Tone} */ (severity);
    if ((waiting.get(tone) ?? "") < raised_at) waiting.set(tone, raised_at);
  }
  return waiting;
}

/**
 * Against burn-in the layout moves by a pixel each hour; at 04:00 the page begins afresh.
 * @param {number} now
 */
function rest(now) {
  const hour = Math.floor(now / 3_600_000);
  document.body.style.transform = `translate(${hour % 3}px, ${Math.floor(hour / 3) % 2}px)`;
  if (Date.now() - began > 3_600_000 && time.format(now).startsWith("04:00:")) location.reload();
}

async function stayAwake() {
  if (document.visibilityState !== "visible") return;
  await navigator.wakeLock?.request("screen").catch(() => undefined);
}
