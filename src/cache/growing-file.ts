/** A file that is still being written, for a reader that doesn't want to wait for its end. */
export class GrowingFile {
  #bytes = 0;
  #isWhole = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void)[] = [];

  /** The writer says how many bytes there are by now. */
  grow(bytes: number): void {
    this.#bytes = bytes;
    this.#wakeAll();
  }

  /** The writer says that nothing follows. */
  end(): void {
    this.#isWhole = true;
    this.#wakeAll();
  }

  /** The writer says that nothing follows, and why. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.#wakeAll();
  }

  /**
   * Waits until there are more than `bytes` bytes, or no more will come, and gives how many there are. Throws what the
   * writer failed with.
   */
  async moreThan(bytes: number): Promise<number> {
    while (this.#bytes <= bytes && !this.#isWhole) {
      if (this.#failure !== undefined) throw this.#failure.error;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
    return this.#bytes;
  }

  #wakeAll(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const one of wake) one();
  }
}
