// @ts-check
/** The alarm tones. One at a time, the gravest first. Not a medical alarm. */

/** Hz, pulses, and how often it is heard again while it lasts (s). */
const TONES = {
  life: { pitch: 880, pulses: 5, every: 10, loud: 0.5 },
  lost: { pitch: 330, pulses: 2, every: 30, loud: 0.35 },
  high: { pitch: 660, pulses: 3, every: 60, loud: 0.35 },
  medium: { pitch: 520, pulses: 1, every: Infinity, loud: 0.15 },
};
const ORDER = /** @type {const} */ (["life", "lost", "high", "medium"]);

/** @typedef {keyof typeof TONES} Tone */

export class Sound {
  /** @param {boolean} wanted */
  constructor(wanted) {
    this.wanted = wanted;
    this.context = wanted ? new AudioContext() : null;
    /** @type {Map<Tone, {since: string, at: number}>} */
    this.played = new Map();
    this.bursts = 0;
    const wake = () => void this.context?.resume();
    addEventListener("pointerdown", wake);
    addEventListener("keydown", wake);
  }

  /** @returns {"on" | "blocked" | "off"} */
  state() {
    if (!this.context) return "off";
    return this.context.state === "running" ? "on" : "blocked";
  }

  /**
   * Sound what is due. `waiting` names each tone that has a reason, with what tells one
   * occurrence from the next (the newest alert's id).
   * @param {Map<Tone, string>} waiting
   * @param {number} now s
   */
  tick(waiting, now) {
    for (const tone of this.played.keys()) if (!waiting.has(tone)) this.played.delete(tone);
    for (const tone of ORDER) {
      const since = waiting.get(tone);
      if (since === undefined) continue;
      const last = this.played.get(tone);
      if (last && last.since === since && now - last.at < TONES[tone].every) return;
      this.played.set(tone, { since, at: now });
      this.burst(tone);
      return;
    }
  }

  /** @param {Tone} tone */
  burst(tone) {
    const context = this.context;
    if (!context || context.state !== "running") return;
    this.bursts += 1;
    const { pitch, pulses, loud } = TONES[tone];
    for (let n = 0; n < pulses; n += 1) {
      const begin = context.currentTime + n * 0.3 + (n > 2 ? 0.25 : 0);
      const oscillator = new OscillatorNode(context, { frequency: pitch });
      const gain = new GainNode(context, { gain: 0 });
      gain.gain.setValueAtTime(0, begin);
      gain.gain.linearRampToValueAtTime(loud, begin + 0.02);
      gain.gain.setValueAtTime(loud, begin + 0.14);
      gain.gain.linearRampToValueAtTime(0, begin + 0.18);
      oscillator.connect(gain).connect(context.destination);
      oscillator.start(begin);
      oscillator.stop(begin + 0.2);
    }
  }
}
