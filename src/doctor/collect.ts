import { TsbuildError } from "../model/error.ts";
import type { Finding } from "./finding.ts";

/** Takes findings in. */
export class Findings {
  readonly #all: Finding[] = [];

  /** The errors first, each code and message once. */
  get all(): readonly Finding[] {
    return (["error", "warning"] as const).flatMap((wanted) =>
      this.#all.filter(({ severity }) => severity === wanted),
    );
  }

  add(finding: Finding): void {
    const isKnown = this.#all.some(
      ({ code, message }) => code === finding.code && message === finding.message,
    );
    if (!isKnown) this.#all.push(finding);
  }

  /**
   * Does something as a build does it. What a build would say when it fails is a finding.
   * @returns what it gives, or undefined when it failed
   */
  async attempt<T>(severity: Finding["severity"], work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      const told = error instanceof SuppressedError ? (error.suppressed as unknown) : error;
      if (!(told instanceof TsbuildError)) throw told;
      this.add({ code: told.code, severity, message: told.message, hint: told.hint });
      return undefined;
    }
  }
}
