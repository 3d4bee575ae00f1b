import { randomBytes } from "node:crypto";
import { readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { DownloadClaim, type ClaimWait } from "../../src/cache/download-claim.ts";
import { ownIdentity } from "../../src/system/process-identity.ts";
import { scratch } from "../helpers/scratch.ts";

const timing = { beatMs: 20, staleMs: 600, firstPollMs: 5, longestPollMs: 20 };
const nothing: ClaimWait = { isThere: async () => false, timing };

async function claimFile(t: ExecutionContext): Promise<string> {
  return join(await scratch(t), "x.claim");
}

test("one at a time has the claim, in turn, and it is gone afterwards", async (t) => {
  const file = await claimFile(t);
  let holders = 0;
  let turns = 0;
  let waits = 0;
  await Promise.all(
    Array.from({ length: 12 }, async () => {
      const claim = await DownloadClaim.take(file, { ...nothing, onWait: () => waits++ });
      holders++;
      t.is(holders, 1);
      await sleep(10);
      holders--;
      turns++;
      await claim?.release();
    }),
  );
  t.is(turns, 12);
  t.true(waits >= 11);
  await t.throwsAsync(stat(file), { code: "ENOENT" });
});

test("whoever waits is told once, and gets nothing when it is there", async (t) => {
  const file = await claimFile(t);
  const first = await DownloadClaim.take(file, nothing);
  let isThere = false;
  let waits = 0;
  const second = DownloadClaim.take(file, {
    timing,
    isThere: async () => isThere,
    onWait: () => waits++,
  });
  await sleep(150);
  isThere = true;
  t.is(await second, undefined);
  t.is(waits, 1);
  await first?.release();
  // What came between the last look and the claim is seen too.
  t.is(await DownloadClaim.take(file, { ...nothing, isThere: async () => true }), undefined);
  await t.throwsAsync(stat(file), { code: "ENOENT" });
});

test("the claim of a living owner lasts, however long it takes", async (t) => {
  const file = await claimFile(t);
  const owner = await DownloadClaim.take(file, nothing);
  const stop = new AbortController();
  const waiter = DownloadClaim.take(file, { ...nothing, signal: stop.signal });
  await sleep(timing.staleMs * 2);
  stop.abort(new Error("enough"));
  await t.throwsAsync(waiter, { message: "enough" });
  t.truthy(await stat(file));
  await owner?.release();
});

const abandoned: readonly (readonly [string, () => object | string])[] = [
  ["a process that is gone", () => ({ ...ownIdentity(), pid: 2 ** 22 - 1, nonce: "x" })],
  ["a machine that was started anew", () => ({ ...ownIdentity(), boot: "000000", nonce: "x" })],
  [
    "another machine, which says nothing any more",
    () => ({ ...ownIdentity(), host: "000000", nonce: "x" }),
  ],
  ["nobody knows whom", () => "{"],
];
for (const [whose, owner] of abandoned) {
  test(`the claim of ${whose} is taken over by one of those who wait`, async (t) => {
    const file = await claimFile(t);
    const text = owner();
    await writeFile(file, typeof text === "string" ? text : JSON.stringify(text));
    // A clock that is wrong by years makes no difference.
    await utimes(file, 2_000_000_000, 2_000_000_000);
    let holders = 0;
    let most = 0;
    await Promise.all(
      [1, 2, 3].map(async () => {
        const claim = await DownloadClaim.take(file, nothing);
        most = Math.max(most, ++holders);
        await sleep(20);
        holders--;
        await claim?.release();
      }),
    );
    t.is(most, 1);
    t.deepEqual(await readdir(join(file, "..")), []);
  });
}

test("an owner that lost its claim leaves the next one's alone", async (t) => {
  const file = await claimFile(t);
  const first = await DownloadClaim.take(file, nothing);
  const mine = await readFile(file, "utf8");
  await writeFile(
    file,
    mine.replace(/"nonce":"[^"]+"/, `"nonce":"${randomBytes(9).toString("base64url")}"`),
  );
  await first?.release();
  t.truthy(await stat(file));
});

test("a folder that can't hold claims gives one all the same", async (t) => {
  const claim = await DownloadClaim.take("/proc/nowhere/x.claim", nothing);
  t.truthy(claim);
  await claim?.release();
});
