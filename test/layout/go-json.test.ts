import test from "ava";
import { goObject, goString } from "../../src/layout/go-json.ts";
import { toByteString } from "../../src/model/bytes-path.ts";

const escapes: readonly (readonly [what: string, bytes: string, json: string])[] = [
  ["quotes and backslashes", 'a"b\\c', '"a\\"b\\\\c"'],
  ["characters that mean something in HTML", "<a>&'", '"\\u003ca\\u003e\\u0026\'"'],
  ["line ends, tabs, backspaces, form feeds", "\n\r\t\b\f", '"\\n\\r\\t\\b\\f"'],
  ["other control characters", "\u0000\u001b\u001f\u007f", '"\\u0000\\u001b\\u001f\u007f"'],
  ["text beyond ASCII", toByteString("é€𝄞"), '"é€𝄞"'],
  ["line separators of Unicode", toByteString("\u2028\u2029"), '"\\u2028\\u2029"'],
  ["a true replacement character", toByteString("\ufffd"), '"\ufffd"'],
  ["bytes that are not UTF-8, one by one", "\xff\xc3(\xe2\x82", '"\\ufffd\\ufffd(\\ufffd\\ufffd"'],
  ["overlong forms and surrogates", "\xc0\xaf\xed\xa0\x80", `"${"\\ufffd".repeat(5)}"`],
];

for (const [what, bytes, json] of escapes) {
  test(`strings: ${what}`, (t) => {
    t.is(goString(bytes), json);
  });
}

test("JSON.parse reads back every string of UTF-8", (t) => {
  for (const text of ["", 'a\u0001\u2028<>\\"', "ünïcödé 𝄞 \ufffd"]) {
    t.is(JSON.parse(goString(toByteString(text))), text);
  }
});

test("keys come in the order of their bytes, not of UTF-16 units", (t) => {
  const members = new Map([
    [toByteString("\u{10000}"), "3"],
    [toByteString("\uffff"), "2"],
    ["a", "1"],
  ]);
  t.is(goObject(members, "compact"), '{"a":"1","\uffff":"2","\u{10000}":"3"}');
});

test("indented objects have tabs and no line feed at their end", (t) => {
  t.is(
    goObject(
      new Map([
        ["b", "2"],
        ["a", "1"],
      ]),
      "indented",
    ),
    '{\n\t"a": "1",\n\t"b": "2"\n}',
  );
  t.is(goObject(new Map(), "indented"), "{}");
});
