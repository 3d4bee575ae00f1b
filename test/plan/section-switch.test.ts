import test from "ava";
import { sectionSwitch } from "../../src/plan/section-switch.ts";

test("without names, and with all, every section takes effect", (t) => {
  for (const names of [[], ["all"]]) t.true(sectionSwitch(names)("runscript"));
});

test("only the named sections take effect, but %post always does", (t) => {
  const isOn = sectionSwitch(["labels", "bogus"]);
  t.true(isOn("labels"));
  t.false(isOn("runscript"));
  t.true(isOn("post"));
  t.false(sectionSwitch(["none"])("labels"));
});

for (const names of [
  ["all", "post"],
  ["none", "post"],
]) {
  test(`${names.join(" and ")} can't stand together`, (t) => {
    t.like(
      t.throws(() => sectionSwitch(names)),
      { code: "usage/section" },
    );
  });
}
