import type { BuildEvent } from "../model/event.ts";
import { isolationText } from "./isolation-text.ts";
import type { Look } from "./live-region.ts";
import { levelLine, type Verbosity } from "./message-level.ts";
import { settledLine, visibleText } from "./plain-text.ts";
import { progressLine, type Progress } from "./progress-line.ts";
import { formatElapsed, formatSize } from "./quantity.ts";
import { stepText } from "./step-text.ts";
import type { Style, StyledLine } from "./styled-line.ts";
import { warningText } from "./warning-text.ts";

/** Lines of a script's output that are shown while it runs, and pieces of work with a bar of their own. */
const outputLines = 6;
const progressLines = 4;

interface RunningStep {
  readonly step: number;
  readonly title: string;
  readonly startedMs: number;
  readonly output: string[];
}

/** What a terminal shows of a build: pure state, told events and the time, giving lines. */
export class BuildScreen {
  readonly #look: Look;
  readonly #verbosity: Verbosity;
  readonly #tasks = new Map<string, Progress>();
  readonly #warnings: string[] = [];
  #steps = 0;
  #running: RunningStep | undefined;

  constructor(look: Look, verbosity: Verbosity) {
    this.#look = look;
    this.#verbosity = verbosity;
  }

  /** Takes an event in and gives the lines that stay on the terminal because of it. */
  tell(event: BuildEvent, nowMs: number): readonly StyledLine[] {
    switch (event.type) {
      case "build-start":
        this.#steps = event.steps;
        return [
          [
            { text: "Building " },
            { text: visibleText(event.target), style: "bold" },
            { text: ` from ${visibleText(event.spec)}` },
          ],
        ];
      case "step-start":
        this.#tasks.clear();
        this.#running = {
          step: event.step,
          title: visibleText(event.title),
          startedMs: nowMs,
          output: [],
        };
        return [];
      case "step-output":
        return this.#output(event.line);
      case "command":
        return this.#verbosity === "verbose"
          ? messageLines("VERBOSE", `Running ${event.command}`)
          : [];
      case "step-end": {
        const line = [
          ...this.#stepLine(this.#mark("✔", "ok"), "green", event.elapsedMs),
          ...(this.#verbosity === "verbose" ? messageLines("VERBOSE", stepText(event)) : []),
        ];
        this.#tasks.clear();
        this.#running = undefined;
        return line;
      }
      case "progress":
        if (event.done === event.total) this.#tasks.delete(event.task);
        else this.#tasks.set(event.task, { ...event, task: visibleText(event.task) });
        return [];
      case "isolation":
        return messageLines("INFO", isolationText(event));
      case "note":
        return messageLines("INFO", event.message);
      case "warning":
        this.#warnings.push(warningText(event, this.#verbosity));
        return messageLines("WARNING", warningText(event, this.#verbosity));
      case "build-end":
        return [
          // Steps may have pushed them off the screen.
          ...this.#warnings.flatMap((warning) => messageLines("WARNING", warning)),
          [
            { text: `${this.#mark("✔", "ok")} `, style: "green" },
            { text: `Build complete: ${visibleText(event.target)}`, style: "bold" },
            { text: `  ${formatSize(event.sizeBytes)} in ${formatElapsed(event.elapsedMs)}` },
          ],
        ];
      default:
        return event satisfies never;
    }
  }

  /** The lines that change while the build goes on; none between steps. */
  live(nowMs: number, columns: number): readonly StyledLine[] {
    const running = this.#running;
    if (running === undefined) return [];
    const bar = this.#mark("│", "|");
    const tasks = [...this.#tasks.values()];
    const more = tasks.length - progressLines;
    return [
      ...this.#stepLine(this.#spinner(nowMs), "cyan", nowMs - running.startedMs),
      ...running.output.map((line): StyledLine => [{ text: `    ${bar} ${line}`, style: "dim" }]),
      ...tasks.slice(0, progressLines).map((task) => progressLine(task, columns, this.#look)),
      ...(more > 0 ? [[{ text: `    and ${more} more`, style: "dim" } as const]] : []),
    ];
  }

  /** The lines that stay when the build ends before its end: which step it was in. */
  broken(nowMs: number): readonly StyledLine[] {
    const running = this.#running;
    if (running === undefined) return [];
    const line = this.#stepLine(this.#mark("✘", "!!"), "red", nowMs - running.startedMs);
    this.#running = undefined;
    return line;
  }

  #output(line: string): readonly StyledLine[] {
    if (this.#verbosity === "verbose") {
      return [[{ text: `    ${settledLine(line)}`, style: "dim" }]];
    }
    const { output } = this.#running ?? {};
    // A line may have megabytes, and is measured at every drawing. The last state of a progress bar is at its end.
    output?.push(settledLine(line.slice(-65_536)).slice(0, 1000));
    if (output !== undefined && output.length > outputLines) output.shift();
    return [];
  }

  #stepLine(mark: string, style: Style, elapsedMs: number): readonly StyledLine[] {
    const running = this.#running;
    if (running === undefined) return [];
    return [
      [
        { text: mark, style },
        { text: ` [${running.step}/${this.#steps}] ` },
        { text: running.title, style: "bold" },
        { text: `  ${formatElapsed(elapsedMs)}`, style: "dim" },
      ],
    ];
  }

  #mark(unicode: string, ascii: string): string {
    return this.#look.hasUnicode ? unicode : ascii;
  }

  #spinner(nowMs: number): string {
    const frames = this.#mark("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "-\\|/");
    return frames.charAt(Math.floor(nowMs / 100) % frames.length);
  }
}

function messageLines(level: "INFO" | "WARNING" | "VERBOSE", text: string): readonly StyledLine[] {
  return levelLine(level, text)
    .split("\n")
    .map((line) => [{ text: line, ...(level === "WARNING" ? { style: "yellow" as const } : {}) }]);
}
