import test from "ava";
import { buildTime, setting, switchSetting, temporaryParent } from "../../src/cli/settings.ts";
import { cacheFolder } from "../../src/cli/cache-folder.ts";

test("tsbuild's own variables win over Apptainer's, and those over Singularity's", (t) => {
  t.is(setting({ TSBUILD_X: "1", APPTAINER_X: "2", SINGULARITY_X: "3" }, "X"), "1");
  t.is(setting({ APPTAINER_X: "2", SINGULARITY_X: "3" }, "X"), "2");
  t.is(setting({ TSBUILD_X: "", SINGULARITY_X: "3" }, "X"), "3");
  t.is(setting({}, "X"), undefined);
});

test("a switch is read as Go reads a truth value", (t) => {
  for (const value of ["1", "t", "TRUE", "true"])
    t.true(switchSetting({ APPTAINER_X: value }, "X"));
  for (const value of ["0", "F", "false", ""]) t.false(switchSetting({ APPTAINER_X: value }, "X"));
  const error = t.throws(() => switchSetting({ APPTAINER_X: "yes" }, "X"));
  t.like(error, { code: "usage/environment" });
});

test("temporary folders go where the flag says, then the variables, then /tmp", (t) => {
  t.is(temporaryParent("/flag", { APPTAINER_TMPDIR: "/a", TMPDIR: "/t" }), "/flag");
  t.is(temporaryParent(undefined, { APPTAINER_TMPDIR: "/a", TMPDIR: "/t" }), "/a");
  t.is(temporaryParent(undefined, { TMPDIR: "/t" }), "/t");
  t.is(temporaryParent(undefined, {}), "/tmp");
});

test("the cache lies in its own variable's folder, then in the user's cache folder", (t) => {
  t.is(cacheFolder({ TSBUILD_CACHEDIR: "/c", XDG_CACHE_HOME: "/x" }), "/c");
  t.is(cacheFolder({ XDG_CACHE_HOME: "/x", HOME: "/h" }), "/x/tsbuild");
  t.is(cacheFolder({ XDG_CACHE_HOME: "relative", HOME: "/h" }), "/h/.cache/tsbuild");
});

test("a given time is fixed, the current one is not", (t) => {
  t.deepEqual(buildTime(undefined, { SOURCE_DATE_EPOCH: "1700000000" }), {
    seconds: 1_700_000_000,
    isFixed: true,
  });
  t.deepEqual(buildTime("2026-11-24T00:00:00Z", { SOURCE_DATE_EPOCH: "1" }), {
    seconds: 1_795_478_400,
    isFixed: true,
  });
  const now = buildTime(undefined, {});
  t.false(now.isFixed);
  t.true(Math.abs(now.seconds - Date.now() / 1000) < 5);
});

for (const text of ["-1", "4294967296", "tomorrow"]) {
  test(`${text} is no time that an image can hold`, (t) => {
    t.like(
      t.throws(() => buildTime(text, {})),
      { code: "usage/timestamp" },
    );
  });
}
