import { readFileSync } from "node:fs";

/** What `tools/libdeflate/shim.c` exports. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  /** Where bytes go in. */
  input(): number;
  /** Where they come out. */
  output(): number;
  compress(level: number, lengthBytes: number): number;
}

/** As much of WebAssembly's interface as is used here; its types are with those of browsers. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
};

/** What fits: the longest block of the format. */
const capacityBytes = 1024 * 1024;

/**
 * libdeflate as WebAssembly, `tools/libdeflate` says how it is made. It gives the same bytes on every machine, in the
 * memory of its own (3 MB and, for levels above 9, 9 MB more) that each instance has.
 */
export class Libdeflate {
  readonly #exports: Exports;
  readonly #input: number;
  readonly #output: number;

  constructor() {
    const file = new URL("../../tools/libdeflate/libdeflate.wasm", import.meta.url);
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)));
    this.#exports = exports as Exports;
    this.#input = this.#exports.input();
    this.#output = this.#exports.output();
  }

  /**
   * Makes a zlib stream (RFC 1950).
   * @param level 1 to 12
   * @param input at most 1 MiB
   * @param output at least as long as the input
   * @returns how many bytes were written to the output, or 0 when they would not be fewer than the input's
   */
  compress(level: number, input: Uint8Array, output: Uint8Array): number {
    if (input.length > capacityBytes) throw new RangeError(`a block of ${input.length} bytes`);
    const { memory } = this.#exports;
    new Uint8Array(memory.buffer, this.#input, input.length).set(input);
    const length = this.#exports.compress(level, input.length);
    if (length < 0) throw new Error(`libdeflate has no memory, or no level ${level}`);
    // A new view: the memory may have grown.
    output.set(new Uint8Array(memory.buffer, this.#output, length));
    return length;
  }
}
