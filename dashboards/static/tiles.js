// @ts-check
/** The strip of key figures. What they mean stands in `dashboards/live/kpi.py`. */

import { element, one } from "./dom.js";
import { ticking } from "./takeover.js";
import { elapsed, say, thousands } from "./words.js";

/** @typedef {import("./stream.js").Figures} Figures */
/** @typedef {import("./stream.js").Share} Share */

const ACK_TARGET = 120; // s

/** @param {Figures} figures */
export function showFigures(figures) {
  const { unacknowledged, ack_p95: ack, devices, covered, visits } = figures;
  const grave = unacknowledged.life ? "life" : unacknowledged.high ? "high" : "";
  const waits = oldest(unacknowledged.oldest);
  waits.append(" · ", say("kpi.load", { n: perSeat(figures.load) }));
  tile("unacknowledged", String(unacknowledged.count), waits, grave);
  const late = ack.seconds !== null && ack.seconds > ACK_TARGET;
  tile(
    "ack",
    duration(ack.seconds),
    say("kpi.ack_under", { target: ACK_TARGET, n: ack.n }),
    late ? "high" : "",
  );
  const few = devices.whole > 0 && devices.part / devices.whole < 0.95;
  const silent = say("kpi.silent", { n: thousands(devices.whole - devices.part) });
  const bare = say("kpi.uncovered", { n: thousands(covered.whole - covered.part) });
  tile("devices", percent(devices), `${silent} / ${thousands(devices.whole)} · ${bare}`, few ? "high" : "");
  tile("visits", percent(visits), visitsUnder(figures), "");
  showWorst(figures.worst);
  showRate(figures.rates);
  showMessages(figures);
}

/**
 * How late messages come and how many are refused; or that some were lost.
 * @param {Figures} figures
 */
function showMessages(figures) {
  const { lag_p95: lag, skewed, rejected, rejecting } = figures;
  const loss = lost(figures);
  const bad = rejecting.map(([family, share]) => `${family} ${percent(share)}`);
  one("#lag").textContent = say("kpi.lag", {
    s: lag.seconds === null ? "–" : lag.seconds.toFixed(1),
    n: thousands(skewed),
  });
  one("#lag").classList.toggle("high", (lag.seconds ?? 0) > 30);
  one("#sums").textContent =
    loss ||
    say("kpi.rejected", { share: percent(rejected) }) + bad.map((each) => ` · ${each}`).join("");
  one("#sums").classList.toggle("high", loss !== "" || bad.length > 0);
}

/**
 * What was lost on the way, by the broker or by us; "" where nothing was.
 * @param {Figures} figures
 */
function lost({ dropped, intruded, unsettled }) {
  if (intruded) return say("kpi.intruded");
  if (dropped) return say("kpi.dropped", { n: thousands(dropped) });
  const families = Object.keys(unsettled).join(" ");
  return families && say("kpi.unsettled", { families });
}

/** @param {import("./stream.js").CurrentLoad} load */
const perSeat = ({ raised_10m: n, seats }) => String(Math.round((n / seats) * 10) / 10);

/**
 * @param {string} key
 * @param {string} number
 * @param {Node | string} under
 * @param {string} colour
 */
function tile(key, number, under, colour) {
  const big = one(`#kpi-${key} .number`);
  big.textContent = number;
  big.className = `number ${colour}`;
  one(`#kpi-${key} .under`).replaceChildren(under);
}

/** @param {string | null} since */
function oldest(since) {
  if (!since) return element("span", "", say("kpi.none_waiting"));
  const time = ticking("", since);
  time.style.display = "inline";
  return element("span", "", `${say("kpi.oldest")} `, time);
}

/** @param {Figures} figures */
function visitsUnder({ visits, visits_late: late, visits_by_state: states }) {
  const parts = [ratio(visits)];
  if (states.begun) parts.push(say("kpi.begun", { n: thousands(states.begun) }));
  if (late) parts.push(say("kpi.late", { n: thousands(late) }));
  if (states.missed) parts.push(say("kpi.missed", { n: thousands(states.missed) }));
  return parts.join(" · ");
}

/** @param {number | null} seconds */
function duration(seconds) {
  if (seconds === null) return "–";
  return seconds < 600 ? `${Math.round(seconds)} s` : elapsed(seconds);
}

/** @param {Share} share */
function percent({ part, whole }) {
  if (!whole) return "–";
  const value = (part / whole) * 100;
  return `${value.toFixed(value === 100 || value < 10 ? 0 : 1)}%`;
}

/** @param {Share} share */
const ratio = ({ part, whole }) => `${thousands(part)} / ${thousands(whole)}`;

/** @param {import("./stream.js").AreaLoad[]} worst */
function showWorst(worst) {
  one("#worst").replaceChildren(
    ...worst.map((area) => {
      const open = element(area.open ? "b" : "span", "", String(area.open));
      const name = element("span", "name", area.name);
      return element("li", "", name, open, say("kpi.area_late", { n: area.late }));
    }),
  );
}

/** @param {number[]} rates */
function showRate(rates) {
  const latest = rates.slice(-5);
  const mean = latest.reduce((sum, n) => sum + n, 0) / Math.max(1, latest.length);
  one("#rate").textContent = thousands(Math.round(mean * 10) / 10);
  const canvas = /** @type {HTMLCanvasElement} */ (one("#spark"));
  const ratio = Math.min(2, devicePixelRatio || 1);
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const context = canvas.getContext("2d");
  if (!context) return;
  context.scale(ratio, ratio);
  const style = getComputedStyle(document.documentElement);
  const most = Math.max(1, ...rates) * 1.15;
  context.strokeStyle = style.getPropertyValue("--line");
  context.lineWidth = 1;
  context.strokeRect(0, height - 1, width, 0.01);
  context.strokeStyle = style.getPropertyValue("--carer");
  context.lineWidth = Math.max(1.5, innerHeight * 0.0028);
  context.beginPath();
  rates.forEach((rate, n) => {
    const x = (n / Math.max(1, rates.length - 1)) * width;
    const y = height - 2 - (rate / most) * (height - 6);
    if (n) context.lineTo(x, y);
    else context.moveTo(x, y);
  });
  context.stroke();
}
