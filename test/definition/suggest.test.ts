import test from "ava";
import { suggest } from "../../src/definition/suggest.ts";
import { editDistance } from "../../src/model/edit-distance.ts";

test("distances count letters put in, left out, replaced and swapped", (t) => {
  t.is(editDistance("", "abc"), 3);
  t.is(editDistance("post", "post"), 0);
  t.is(editDistance("psot", "post"), 1);
  t.is(editDistance("enviroment", "environment"), 1);
  t.is(editDistance("label", "labels"), 1);
  t.is(editDistance("kitten", "sitting"), 3);
});

test("the nearest is suggested, whatever its case", (t) => {
  t.is(suggest("Psot", ["pre", "post", "test"]), "post");
  t.is(suggest("form", ["Stage", "From"]), "From");
});

test("nothing is suggested for what is not near", (t) => {
  t.is(suggest("zebra", ["help", "post"]), undefined);
  t.is(suggest("x", ["a", "b"]), undefined);
  t.is(suggest("x".repeat(1000), ["x"]), undefined);
  t.is(suggest("post", []), undefined);
});
