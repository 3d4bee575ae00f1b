import { readSync } from "node:fs";
import { giveBack } from "../system/give-back.ts";
import { loadDecompressor, type Decompress } from "./decompressors.ts";
import { storedDataBit } from "./format.ts";
import { numbersForEachBlock, type VerifySetup } from "./verify-job.ts";

/** Reads blocks of an image back and unpacks them. */
export class BlockVerifier {
  readonly #setup: VerifySetup;
  readonly #blocks: Float64Array;
  readonly #decompress: Decompress;
  readonly #buffer: Buffer;

  private constructor(setup: VerifySetup, decompress: Decompress) {
    this.#setup = setup;
    this.#blocks = new Float64Array(setup.blocks);
    this.#decompress = decompress;
    this.#buffer = Buffer.alloc(setup.blockSizeBytes);
  }

  static async create(setup: VerifySetup): Promise<BlockVerifier> {
    return new BlockVerifier(setup, await loadDecompressor(setup.compressorId, "the image"));
  }

  /** Why a block is not what it should be, and where; undefined when it is. */
  async problem(
    index: number,
  ): Promise<{ readonly position: number; readonly reason: string } | undefined> {
    const [position = 0, word = 0, least = 0, most = 0] = this.#blocks.subarray(
      numbersForEachBlock * index,
      numbersForEachBlock * (index + 1),
    );
    try {
      const stored = this.#read(position, word % storedDataBit);
      const length = word >= storedDataBit ? stored.length : await this.#unpackedLength(stored);
      if (length >= least && length <= most) return undefined;
      return { position, reason: `it has ${length} bytes` };
    } catch (error) {
      return { position, reason: error instanceof Error ? error.message : String(error) };
    }
  }

  async #unpackedLength(stored: Buffer): Promise<number> {
    const bytes = await this.#decompress(stored, this.#setup.blockSizeBytes);
    const { length } = bytes;
    giveBack(bytes);
    return length;
  }

  #read(position: number, length: number): Buffer {
    const bytes = this.#buffer.subarray(0, length);
    for (let done = 0; done < length;) {
      const at = this.#setup.offset + position + done;
      const got = readSync(this.#setup.descriptor, bytes, done, length - done, at);
      if (got === 0) throw new Error("the file ends before it");
      done += got;
    }
    return bytes;
  }
}
