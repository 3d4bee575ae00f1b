import { setTimeout } from "node:timers/promises";
import test from "ava";
import { inOrder } from "../../src/squashfs/in-order.ts";

test("results come in the order of the jobs, of which only so many are under way", async (t) => {
  let running = 0;
  let most = 0;
  const jobs = Array.from({ length: 12 }, (_, index) => async () => {
    running += 1;
    most = Math.max(most, running);
    await setTimeout(index % 3 === 0 ? 20 : 1);
    running -= 1;
    return index;
  });
  const results: number[] = [];
  for await (const result of inOrder(jobs, 4)) results.push(result);
  t.deepEqual(results, [...jobs.keys()]);
  t.is(most, 4);
});

test("a failure is told in its turn, and nothing is started after it", async (t) => {
  let started = 0;
  const jobs = Array.from({ length: 9 }, (_, index) => async () => {
    started += 1;
    await setTimeout(index === 2 ? 0 : 10);
    if (index === 2) throw new Error("the third");
    return index;
  });
  const results: number[] = [];
  await t.throwsAsync(
    async () => {
      for await (const result of inOrder(jobs, 3)) results.push(result);
    },
    { message: "the third" },
  );
  t.deepEqual(results, [0, 1]);
  t.is(started, 5);
});

test("who leaves early leaves nothing running", async (t) => {
  let running = 0;
  const jobs = Array.from({ length: 9 }, () => async () => {
    running += 1;
    await setTimeout(20);
    running -= 1;
  });
  for await (const result of inOrder(jobs, 4)) {
    t.is(result, undefined);
    break;
  }
  t.is(running, 0);
});
