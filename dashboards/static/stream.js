// @ts-check
/** The server's stream: a whole snapshot first, then patches; and how old all of it is. */

/**
 * @typedef {{who: string, what: string, at: string}} Paged
 * @typedef {{caregiver: string, who: string, metres: number, at: string}} Nearest
 * @typedef {{age: number | null, sex: string | null, lives_alone: boolean | null, address: string,
 *   observed_at: string | null, buffered: boolean, paged: Paged[], nearest: Nearest | null}} Takeover
 * @typedef {{id: string, rule: string, severity: string, state: string, reason: string,
 *   subject: string, who: string, area: string | null, area_name: string, lat: number | null,
 *   lon: number | null, raised_at: string, ended_at: string | null, acked_at: string | null,
 *   acked_by: string, arrived_at: string | null, occurrences: number, sos: Takeover | null}} Card
 * @typedef {[number, number, number]} Mover lat, lon, Unix seconds
 * @typedef {{part: number, whole: number}} Share
 * @typedef {{seconds: number | null, n: number}} Timing
 * @typedef {{area: string, name: string, open: number, uncovered: number, late: number,
 *   free: number}} AreaLoad
 * @typedef {{seats: number, raised_10m: number, raised_1h: number, flood: boolean,
 *   causes: {rule: string, place: string, name: string, alarms: number}[]}} CurrentLoad
 * @typedef {{unacknowledged: {count: number, life: number, high: number, oldest: string | null},
 *   open: Record<string, number>, ack_p95: Timing, arrive_p50: Timing, devices: Share,
 *   covered: Share, visits: Share, visits_late: number, visits_by_state: Record<string, number>,
 *   caregivers: Share, lag_p95: Timing, skewed: number, rates: number[], suppressed: number,
 *   load: CurrentLoad, rejected: Share, rejecting: [string, Share][],
 *   unsettled: Record<string, number>, dropped: number, intruded: number, worst: AreaLoad[]}} Figures
 * @typedef {{at: string, map: string, cards: Record<string, Card>,
 *   caregivers: Record<string, Mover>, figures: Figures}} Screen
 * @typedef {{at: string, map?: string, cards?: Record<string, Card | null>,
 *   caregivers?: Record<string, Mover | null>, figures?: Figures}} Patch
 * @typedef {{at: string, lag: number | null, ingest: number | null, engine: number | null,
 *   assets: string}} Beat
 * @typedef {{age: number, cause: "stream" | "ingest" | "engine" | ""}} Staleness
 */

/** Seconds without which data counts as missing, by who is silent. */
export const LIMITS = { stream: 5, ingest: 5, engine: 15 };

/**
 * What a screen makes of a patch; the same as `dashboards.live.patch.patched`.
 * @param {Screen} screen
 * @param {Patch} patch
 * @returns {Screen}
 */
export function patched(screen, patch) {
  return {
    at: patch.at,
    map: patch.map ?? screen.map,
    cards: applied(screen.cards, patch.cards),
    caregivers: applied(screen.caregivers, patch.caregivers),
    figures: patch.figures ?? screen.figures,
  };
}

/**
 * @template V
 * @param {Record<string, V>} before
 * @param {Record<string, V | null> | undefined} changes
 * @returns {Record<string, V>}
 */
function applied(before, changes) {
  if (!changes) return before;
  const after = { ...before };
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) delete after[key];
    else after[key] = value;
  }
  return after;
}

const AGAIN = 2000; // ms

export class Stream {
  /**
   * @param {string} url
   * @param {(screen: Screen) => void} onScreen
   * @param {(beat: Beat) => void} [onBeat]
   */
  constructor(url, onScreen, onBeat = () => {}) {
    this.url = url;
    this.onScreen = onScreen;
    this.onBeat = onBeat;
    this.frames = 0;
    /** @type {Screen | null} */
    this.screen = null;
    /** @type {Beat | null} */
    this.beat = null;
    this.heardAt = performance.now();
    this.offset = 0; // server's clock - ours, in ms
    this.source = this.connected();
    addEventListener("pagehide", () => this.source.close());
    addEventListener("pageshow", (event) => event.persisted && location.reload());
  }

  connected() {
    const source = new EventSource(this.url);
    source.addEventListener("snapshot", (event) => {
      this.screen = JSON.parse(event.data);
      this.heard(this.screen);
      this.onScreen(/** @type {Screen} */ (this.screen));
    });
    source.addEventListener("delta", (event) => {
      const patch = JSON.parse(event.data);
      if (!this.screen) return;
      this.screen = patched(this.screen, patch);
      this.heard(patch);
      this.onScreen(this.screen);
    });
    source.addEventListener("heartbeat", (event) => {
      const beat = JSON.parse(event.data);
      this.beat = beat;
      this.heard(beat);
      this.onBeat(beat);
    });
    // A browser tries a lost connection again, but gives up for ever on an answer like 503.
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(() => (this.source = this.connected()), AGAIN);
    });
    return source;
  }

  /** @param {{at: string} | null} frame */
  heard(frame) {
    this.frames += 1;
    this.heardAt = performance.now();
    if (frame) this.offset = Date.parse(frame.at) - Date.now();
  }

  /** The server's clock, in ms since 1970. */
  now() {
    return Date.now() + this.offset;
  }

  /**
   * How long nothing new has come, and who is silent.
   * @returns {Staleness}
   */
  staleness() {
    const since = (performance.now() - this.heardAt) / 1000;
    if (since > LIMITS.stream) return { age: since, cause: "stream" };
    const ingest = this.beat ? (this.beat.ingest ?? Infinity) + since : 0;
    if (ingest > LIMITS.ingest) return { age: ingest, cause: "ingest" };
    const engine = this.beat ? (this.beat.engine ?? Infinity) + since : 0;
    if (engine > LIMITS.engine) return { age: engine, cause: "engine" };
    return { age: since, cause: "" };
  }
}
