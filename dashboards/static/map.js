// @ts-check
/** The town on a canvas: areas' outlines, homes as grey cells, caregivers, and what is abnormal. */

import { MARKS } from "./dom.js";

/**
 * @typedef {{id: string, name: string, parent: string | null, rings: [number, number][][],
 *   given: boolean, label: [number, number] | null}} Outline
 * @typedef {{version: string, bounds: [number, number, number, number] | null, areas: Outline[],
 *   cell: [number, number], homes: [number, number, number][],
 *   facilities: [number, number, string][]}} Geometry
 * @typedef {{lat: number, lon: number, severity: string, hollow: boolean, ring: boolean,
 *   faint: boolean}} Point
 * @typedef {{lat: number, lon: number, lost: boolean}} Carer
 * @typedef {{points: Point[], carers: Carer[], tints: Map<string, string>}} Overlay
 */

const FOOT = 0.06; // of the height, kept free for the legend
const RANK = ["low", "medium", "high", "life"];
/** @type {Record<string, Path2D>} */
const SHAPES = Object.fromEntries(
  Object.entries(MARKS).map(([severity, { path }]) => [severity, new Path2D(path)]),
);

export class TownMap {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{foot?: boolean, unit?: number}} [options] `unit`: the height that marks and names
   *   are sized by, where it is not the canvas's own
   */
  constructor(canvas, { foot = true, unit = 0 } = {}) {
    this.unit = unit;
    this.canvas = canvas;
    this.foot = foot ? FOOT : 0;
    /** @type {Geometry | null} */
    this.geometry = null;
    /** @type {Overlay} */
    this.overlay = { points: [], carers: [], tints: new Map() };
    /** @type {[number, number, number, number] | null} */
    this.view = null; // west south east north; null = all of the town
    this.base = document.createElement("canvas");
    this.baseKey = "";
    this.baseMs = 0; // what the last drawing of the base took
    this.drawMs = 0;
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /** @param {Geometry} geometry */
  setGeometry(geometry) {
    this.geometry = geometry;
    this.baseKey = "";
    this.draw();
  }

  /** @param {Overlay} overlay */
  show(overlay) {
    this.overlay = overlay;
    this.draw();
  }

  /**
   * Look at one place, some kilometres around it.
   * @param {number} lat
   * @param {number} lon
   * @param {number} [kilometres]
   */
  lookAt(lat, lon, kilometres = 1.5) {
    const high = kilometres / 111;
    const wide = high / Math.cos((lat * Math.PI) / 180);
    this.view = [lon - wide, lat - high, lon + wide, lat + high];
    this.baseKey = "";
    this.draw();
  }

  draw() {
    const began = performance.now();
    const ratio = Math.min(2, devicePixelRatio || 1);
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!this.geometry || !width || !height) return;
    const colours = palette();
    const tints = [...this.overlay.tints].join();
    const key = [width, height, ratio, tints, this.geometry.version, colours.bg].join(" ");
    if (key !== this.baseKey) {
      this.baseKey = key;
      for (const canvas of [this.canvas, this.base]) {
        canvas.width = width * ratio;
        canvas.height = height * ratio;
      }
      this.drawBase(width, height, ratio, colours);
      this.baseMs = performance.now() - began;
    }
    const context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.base, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const project = this.projection(width, height);
    const unit = this.unit || height;
    drawCarers(context, project, this.overlay.carers, unit, colours);
    drawPoints(context, project, this.overlay.points, unit, colours);
    this.drawMs = performance.now() - began;
  }

  /**
   * @param {number} width
   * @param {number} height
   * @returns {(lat: number, lon: number) => [number, number]}
   */
  projection(width, height) {
    const bounds = this.view ?? this.geometry?.bounds ?? [0, 0, 1, 1];
    const [west, south, east, north] = bounds;
    const shrink = Math.cos((((south + north) / 2) * Math.PI) / 180);
    const free = height * (1 - this.foot);
    const scale = Math.min(width / ((east - west) * shrink), free / (north - south));
    const left = (width - (east - west) * shrink * scale) / 2;
    const top = (free - (north - south) * scale) / 2;
    return (lat, lon) => [
      left + (lon - west) * shrink * scale,
      top + (north - lat) * scale,
    ];
  }

  /**
   * @param {number} width
   * @param {number} height
   * @param {number} ratio
   * @param {Record<string, string>} colours
   */
  drawBase(width, height, ratio, colours) {
    const geometry = /** @type {Geometry} */ (this.geometry);
    const context = /** @type {CanvasRenderingContext2D} */ (this.base.getContext("2d"));
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const project = this.projection(width, height);
    for (const area of geometry.areas) {
      drawArea(context, project, area, this.overlay.tints.get(area.id), colours);
    }
    const unit = this.unit || height;
    drawCells(context, project, geometry, unit, colours);
    drawPlaces(context, project, geometry, unit, colours);
    drawNames(context, project, geometry.areas, unit, colours);
  }
}

/** @typedef {(lat: number, lon: number) => [number, number]} Project */

function palette() {
  const style = getComputedStyle(document.documentElement);
  const names =
    "bg panel land grid text second muted cell carer life high medium low ink outline life-tint high-tint font";
  return Object.fromEntries(
    names.split(" ").map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
  );
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Project} project
 * @param {Outline} area
 * @param {string | undefined} tint
 * @param {Record<string, string>} colours
 */
function drawArea(context, project, area, tint, colours) {
  context.beginPath();
  for (const ring of area.rings) {
    ring.forEach(([lon, lat], n) => {
      const [x, y] = project(lat, lon);
      if (n) context.lineTo(x, y);
      else context.moveTo(x, y);
    });
    context.closePath();
  }
  context.fillStyle = tint ? colours[`${tint}-tint`] : colours.land;
  context.fill("evenodd");
  context.setLineDash(area.given ? [] : [6, 4]); // an outline nobody has given is dashed
  context.strokeStyle = colours.grid;
  context.lineWidth = 1.2;
  context.stroke();
  context.setLineDash([]);
}

/**
 * One rectangle a cell, batched by brightness: 37,100 homes are a few thousand rectangles.
 * @param {CanvasRenderingContext2D} context
 * @param {Project} project
 * @param {Geometry} geometry
 * @param {number} height
 * @param {Record<string, string>} colours
 */
function drawCells(context, project, geometry, height, colours) {
  if (!geometry.bounds) return;
  const [west, south] = geometry.bounds;
  const [wide, high] = geometry.cell;
  const most = Math.log(1 + Math.max(1, ...geometry.homes.map((cell) => cell[2])));
  /** @type {[number, number, number][][]} */
  const shades = [[], [], [], []];
  for (const cell of geometry.homes) {
    shades[Math.min(3, Math.floor((Math.log(1 + cell[2]) / most) * 4))].push(cell);
  }
  const least = height * 0.006; // a lonely home must still be seen
  context.fillStyle = colours.cell;
  shades.forEach((cells, shade) => {
    context.globalAlpha = 0.22 + shade * 0.17;
    for (const [column, row] of cells) {
      const [x, y] = project(south + (row + 1) * high, west + column * wide);
      const [right, bottom] = project(south + row * high, west + (column + 1) * wide);
      const wideEnough = Math.max(least, right - x - 0.6);
      context.fillRect(x, y, wideEnough, Math.max(least, bottom - y - 0.6));
    }
  });
  context.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Project} project
 * @param {Geometry} geometry
 * @param {number} height
 * @param {Record<string, string>} colours
 */
function drawPlaces(context, project, geometry, height, colours) {
  const size = height * 0.009;
  context.strokeStyle = colours.second;
  context.lineWidth = 1.5;
  for (const [lat, lon] of geometry.facilities) {
    const [x, y] = project(lat, lon);
    context.strokeRect(x - size, y - size, size * 2, size * 2);
  }
}

/**
 * The largest areas' names first; a name that would cover another is left out.
 * @param {CanvasRenderingContext2D} context
 * @param {Project} project
 * @param {Outline[]} areas
 * @param {number} height
 * @param {Record<string, string>} colours
 */
function drawNames(context, project, areas, height, colours) {
  const size = height * 0.026;
  context.font = `500 ${size}px ${colours.font}`;
  context.textAlign = "center";
  context.fillStyle = colours.muted;
  /** @type {[number, number, number][]} */
  const taken = [];
  for (const area of areas) {
    if (!area.label) continue;
    const [x, y] = project(area.label[1], area.label[0]);
    const half = context.measureText(area.name).width / 2;
    const covers = taken.some(
      ([tx, ty, th]) => Math.abs(tx - x) < th + half + 4 && Math.abs(ty - y) < size * 1.2,
    );
    if (covers) continue;
    taken.push([x, y, half]);
    context.fillText(area.name, x, y);
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Project} project
 * @param {Carer[]} carers
 * @param {number} height
 * @param {Record<string, string>} colours
 */
function drawCarers(context, project, carers, height, colours) {
  const size = Math.max(4, height * (carers.length > 300 ? 0.0085 : 0.012));
  for (const lost of [true, false]) {
    context.beginPath();
    for (const carer of carers) {
      if (carer.lost !== lost) continue;
      const [x, y] = project(carer.lat, carer.lon);
      context.moveTo(x, y - size);
      context.lineTo(x + size * 0.8, y + size * 0.7);
      context.lineTo(x - size * 0.8, y + size * 0.7);
      context.closePath();
    }
    context.lineWidth = 1.4;
    context.strokeStyle = lost ? colours.muted : colours.bg;
    context.stroke();
    if (lost) continue;
    context.fillStyle = colours.carer;
    context.fill();
  }
}

/**
 * The gravest last, so that it lies on top.
 * @param {CanvasRenderingContext2D} context
 * @param {Project} project
 * @param {Point[]} points
 * @param {number} height
 * @param {Record<string, string>} colours
 */
function drawPoints(context, project, points, height, colours) {
  const weight = (/** @type {Point} */ point) =>
    point.hollow ? -1 : RANK.indexOf(point.severity) - (point.faint ? 0.5 : 0);
  const ordered = [...points].sort((a, b) => weight(a) - weight(b));
  for (const point of ordered) {
    const [x, y] = project(point.lat, point.lon);
    const size = height * (point.severity === "life" ? 0.045 : 0.034);
    drawMark(context, x, y, size, point, colours);
    if (!point.ring) continue;
    context.beginPath();
    context.arc(x, y, size * 1.1, 0, Math.PI * 2);
    context.strokeStyle = colours[point.severity];
    context.lineWidth = height * 0.004;
    context.stroke();
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {number} size
 * @param {Point} point
 * @param {Record<string, string>} colours
 */
function drawMark(context, x, y, size, point, colours) {
  context.save();
  context.translate(x - size / 2, y - size / 2);
  context.scale(size / 24, size / 24);
  context.globalAlpha = point.faint ? 0.75 : 1;
  context.fillStyle = point.hollow ? colours.bg : colours[point.severity];
  context.strokeStyle = point.hollow ? colours[point.severity] : colours.ink;
  context.lineWidth = point.hollow ? 2.5 : 1.5;
  const shape = SHAPES[point.severity] ?? SHAPES.low;
  context.stroke(shape);
  context.fill(shape);
  context.fillStyle = point.hollow ? colours[point.severity] : colours.ink;
  context.font = `700 13px ${colours.font}`;
  context.textAlign = "center";
  const { digit, y: baseline } = MARKS[point.severity] ?? MARKS.low;
  context.fillText(digit, 12, baseline);
  context.restore();
}
