// Railroad diagrams as SVG. Every part is drawn from left to right on a line; a part knows how wide it is and how far it
// reaches above and below that line.
//
//   sequence   ──[a]──[b]──          choice   ─┬─[a]─┬─      optional  ─┬───────┬─      repeated  ─┬───────┬─
//                                              └─[b]─┘                  └─[part]┘                  └─[part]┘ and back

import type { Part } from "./production.ts";

interface Drawing {
  readonly width: number;
  readonly up: number;
  readonly down: number;
  /** SVG for the part with the start of its line at the place. */
  draw(x: number, y: number): string;
}

const letterWidth = 8;
const boxHeight = 26;
const gap = 10;
const bend = 10;

const line = (x1: number, y1: number, x2: number, y2: number) =>
  x1 === x2 && y1 === y2 ? "" : `<path d="M${x1} ${y1}L${x2} ${y2}"/>`;

/** From a line down (or up) to another and on: two quarter circles and what is between. */
const branch = (x: number, y: number, toY: number, isStart: boolean) => {
  const turn = toY > y ? bend : -bend;
  return isStart
    ? `<path d="M${x} ${y}q${bend} 0 ${bend} ${turn}V${toY - turn}q0 ${turn} ${bend} ${turn}"/>`
    : `<path d="M${x} ${toY}q${bend} 0 ${bend} ${-turn}V${y + turn}q0 ${-turn} ${bend} ${-turn}"/>`;
};

function box(name: string, isRule: boolean): Drawing {
  const width = name.length * letterWidth + 24;
  return {
    width,
    up: boxHeight / 2,
    down: boxHeight / 2,
    draw: (x, y) =>
      `<rect x="${x}" y="${y - boxHeight / 2}" width="${width}" height="${boxHeight}" rx="${isRule ? 0 : 13}"/>` +
      `<text x="${x + width / 2}" y="${y + 5}">${name}</text>`,
  };
}

function inSequence(parts: readonly Drawing[]): Drawing {
  return {
    width: parts.reduce((sum, part) => sum + part.width + gap, -gap),
    up: Math.max(...parts.map(({ up }) => up)),
    down: Math.max(...parts.map(({ down }) => down)),
    draw(x, y) {
      let at = x;
      return parts
        .map((part, index) => {
          const joint = index === 0 ? "" : line(at - gap, y, at, y);
          const drawn = joint + part.draw(at, y);
          at += part.width + gap;
          return drawn;
        })
        .join("");
    },
  };
}

/** From the end of a part around below it to its start. */
function wayBack(left: number, y: number, width: number, depth: number): string {
  const right = left + width;
  const turn = bend / 2;
  const bottom = y + depth;
  return [
    `<path d="M${right} ${y}q${turn} 0 ${turn} ${turn}V${bottom - turn}q0 ${turn} ${-turn} ${turn}"/>`,
    line(right, bottom, left, bottom),
    `<path d="M${left + width / 2 + 4} ${bottom - 4}l-8 4l8 4"/>`,
    `<path d="M${left} ${bottom}q${-turn} 0 ${-turn} ${-turn}V${y + turn}q0 ${-turn} ${turn} ${-turn}"/>`,
  ].join("");
}

/** A part once, or again and again. */
function inLoop(part: Drawing): Drawing {
  const depth = part.down + gap;
  return {
    width: part.width + 2 * bend,
    up: part.up,
    down: depth + gap,
    draw: (x, y) =>
      line(x, y, x + bend, y) +
      part.draw(x + bend, y) +
      line(x + bend + part.width, y, x + part.width + 2 * bend, y) +
      wayBack(x + bend, y, part.width, depth),
  };
}

const nothing: Drawing = { width: 0, up: 0, down: 0, draw: () => "" };

/** The first part on the line, the others below it. */
function inChoice(parts: readonly Drawing[], goesBack = false): Drawing {
  const inner = Math.max(...parts.map(({ width }) => width));
  const [first = nothing, ...rest] = parts;
  const width = inner + 4 * bend;
  const offsets: number[] = [];
  let below = first.down;
  for (const part of rest) {
    offsets.push(Math.max(below + gap + part.up, 2 * bend));
    below = (offsets.at(-1) ?? 0) + part.down;
  }
  return {
    width,
    up: first.up,
    down: below + (goesBack ? gap + bend : 0),
    draw(x, y) {
      const left = x + 2 * bend;
      const right = left + inner;
      const drawn = [
        line(x, y, left, y) + first.draw(left, y) + line(left + first.width, y, x + width, y),
      ];
      for (const [index, part] of rest.entries()) {
        const at = y + (offsets[index] ?? 0);
        drawn.push(
          branch(x, y, at, true) + part.draw(left, at) + line(left + part.width, at, right, at),
          branch(right, y, at, false),
        );
        if (goesBack) drawn.push(wayBack(left, at, inner, part.down + gap));
      }
      return drawn.join("");
    },
  };
}

function drawingOf(part: Part): Drawing {
  switch (part.kind) {
    case "rule":
    case "token":
      return box(part.name, part.kind === "rule");
    case "sequence":
      return inSequence(part.parts.map(drawingOf));
    case "choice":
      return inChoice(part.parts.map(drawingOf));
    case "optional":
      return inChoice([nothing, drawingOf(part.part)]);
    case "several":
      return inLoop(drawingOf(part.part));
    case "repeated":
      return inChoice([nothing, drawingOf(part.part)], true);
  }
  return part satisfies never;
}

/** The diagram of a rule as an SVG element that needs nothing from elsewhere. */
export function railroad(name: string, part: Part): string {
  const drawing = drawingOf(part);
  const margin = 20;
  const width = drawing.width + 2 * margin + 20;
  const height = drawing.up + drawing.down + 2 * 10;
  const x = margin + 10;
  const y = drawing.up + 10;
  const ends = [
    line(margin, y, x, y) + line(x + drawing.width, y, x + drawing.width + 10, y),
    `<circle cx="${margin - 4}" cy="${y}" r="4"/><circle cx="${x + drawing.width + 14}" cy="${y}" r="4"/>`,
  ];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="Railroad diagram of ${name}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `fill="none" stroke="#555" stroke-width="1.5" font-family="monospace" font-size="13" text-anchor="middle">` +
    `<style>text{fill:#111;stroke:none}rect{fill:#fff7e0}circle{fill:#555}</style>${ends.join("")}${drawing.draw(x, y)}</svg>`
  );
}
