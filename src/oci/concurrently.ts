/**
 * Maps values with at most `limit` at work at once; results keep the values' order. After a failure nothing new is
 * begun, what runs is waited for, and the first failure is thrown.
 */
export async function concurrently<Value, Result>(
  values: readonly Value[],
  limit: number,
  work: (value: Value, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const failures: unknown[] = [];
  const waiting = values.entries();
  const worker = async () => {
    for (const [index, value] of waiting) {
      try {
        results[index] = await work(value, index);
      } catch (error) {
        failures.push(error);
      }
      if (failures.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, values.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return results;
}
