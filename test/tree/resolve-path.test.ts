import test from "ava";
import { Directory } from "../../src/tree/file-tree.ts";
import { resolvePath } from "../../src/tree/resolve-path.ts";
import { link, tree } from "../helpers/tree.ts";

const sample = () =>
  tree({
    "usr/bin/dash": "#!",
    "usr/bin/sh": link("dash"),
    bin: link("usr/bin"),
    "etc/alternatives/editor": link("/usr/bin/sh"),
    "a/up": link("../../../.."),
    "a/b/rel": link("../../usr/./bin//dash"),
    dangling: link("/no/such"),
    self: link("self"),
    slash: link("/"),
  });

const where = (path: string, followLast?: boolean) =>
  resolvePath(sample(), path, followLast === undefined ? {} : { followLast }).path;

test("symlinks are followed as after a chroot", (t) => {
  t.is(where("bin/sh"), "usr/bin/dash");
  t.is(where("/bin//./sh"), "usr/bin/dash");
  t.is(where("etc/alternatives/editor"), "usr/bin/dash");
  t.is(where("a/b/rel"), "usr/bin/dash");
  t.is(where("slash/slash/bin/sh"), "usr/bin/dash");
  t.is(resolvePath(sample(), "bin/sh").node?.type, "file");
});

test("the last part is followed only if asked for, or by a trailing slash", (t) => {
  t.is(where("bin/sh", false), "usr/bin/sh");
  t.is(where("bin", false), "bin");
  t.is(where("bin/", false), "usr/bin");
  t.is(resolvePath(sample(), "bin", { followLast: false }).node?.type, "symlink");
});

test(".. stops at the root and follows where links led", (t) => {
  t.is(where("../../etc"), "etc");
  t.is(where("a/up/etc"), "etc");
  t.is(where("bin/.."), "usr");
  t.is(where("a/b/rel/.."), "usr/bin");
  t.is(where(""), "");
  t.is(where("/.."), "");
});

test("what is missing is taken literally", (t) => {
  const missing = resolvePath(sample(), "dangling/x/../y");
  t.deepEqual(missing, { path: "no/such/y", node: undefined, held: undefined });
  t.deepEqual(resolvePath(sample(), "bin/dash/x").node, undefined);
  t.is(where("bin/dash/x"), "usr/bin/dash/x");
});

test("directories come with their children", (t) => {
  const { held, node } = resolvePath(sample(), "bin");
  t.true(held instanceof Directory && held.children.has("dash"));
  t.is(node?.type, "directory");
  t.is(resolvePath(sample(), "/").node?.type, "directory");
});

test("loops end with an error", (t) => {
  t.throws(() => where("self"), { code: "tree/link-loop" });
  t.throws(() => where("self/x"), { code: "tree/link-loop" });
  t.is(where("self", false), "self");
});

test("40 links pass and 41 don't, as on Linux", (t) => {
  const links = Object.fromEntries(
    Array.from({ length: 41 }, (_, index) => [`l${index}`, link(`l${index + 1}`)]),
  );
  const made = tree({ ...links, l41: "end" });
  t.is(resolvePath(made, "l1").path, "l41");
  t.throws(() => resolvePath(made, "l0"), { code: "tree/link-loop" });
});
