/**
 * The results of jobs, in their order, while the next ones are at work already.
 * @param most jobs under way at a time
 */
export async function* inOrder<Result>(
  jobs: Iterable<() => Promise<Result>>,
  most: number,
): AsyncGenerator<Result, void, undefined> {
  const started: Promise<Result>[] = [];
  try {
    for (const job of jobs) {
      const result = job();
      // What fails is told when its turn comes; until then nobody waits for it.
      result.catch(() => {});
      started.push(result);
      const next = started.length < most ? undefined : started.shift();
      if (next !== undefined) yield await next;
    }
    for (let next = started.shift(); next !== undefined; next = started.shift()) yield await next;
  } finally {
    // Nothing goes on behind the back of who leaves early.
    await Promise.allSettled(started);
  }
}
