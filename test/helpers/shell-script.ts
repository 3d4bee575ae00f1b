import fc from "fast-check";

/** Lines of shell scripts with all that makes it hard to tell where a command ends, and placeholders `V` and `2`. */
const simple = fc.constantFrom(
  "echo a",
  "  echo indented",
  "x=1; echo $x",
  `echo "$x" 'q  r' \\" \\' \\\\ "\\""`,
  "echo then",
  "echo do",
  "echo if {",
  "# a comment \\",
  "   # it's another {{ V }}",
  "echo a # it's a comment",
  "echo a#b '#' \"# x\" \\# x",
  'echo "$(echo "a # b")" `echo "c"` $(echo $(echo d))',
  "echo a \\",
  "echo \\",
  "{ echo x; } 2>/dev/null",
  "echo a;",
  "{ true; } &",
  "wait",
  "",
  "   ",
  "false",
  "false || echo b",
  "! false",
  "echo ${x:-y} ${x#1} ${x%1} ${#x} $# $((1 + (2)))",
  'echo "${x:-\'a}" "${x:-}"',
  "set +e",
  "(exit 3)",
  "exit 0",
  "exit 4",
  "echo {{ V }} z",
  "echo {{ V }}{{ 2 }}",
  "echo '{{ V }}' \"{{ V }}\" \"'{{ V }}'\" \\'{{ 2 }}\\'",
  "Y={{ 2 }}; echo $Y",
  'Y="{{ V }}"; echo $Y',
  'echo "$(echo {{ V }} "{{ V }}")"',
  "echo $V ${V:-unset}",
  "V={{ V }} echo $V",
  "echo a\\ ",
  "read line || echo no input",
  "echo 'single",
  'echo "double',
  'x="$(echo',
  "echo é😀 ' ' x",
);

const generated = fc.letrec<{ script: string[]; block: string[] }>((tie) => ({
  script: fc
    .array(fc.oneof({ arbitrary: simple.map((line) => [line]), weight: 4 }, tie("block")), {
      maxLength: 5,
    })
    .map((blocks) => blocks.flat()),
  block: fc
    .tuple(fc.nat(11), tie("script"), tie("script"))
    .map(([kind, first, second]): string[] => {
      switch (kind) {
        case 0:
          return ["if true; then", ...first, "fi"];
        case 1:
          return ["if false", "then", ...first, "else", ...second, "echo", "fi"];
        case 2:
          return ["for i in 1 2; do", "echo $i", ...first, "done"];
        case 3:
          return ["f() {", "echo f", ...first, "}", "f"];
        case 4:
          return ["f()", "{", "echo f", ...first, "}", "f"];
        case 5:
          return ["(", "echo sub", ...first, ")"];
        case 6:
          return ["case x in", "x) echo y", ...first, ";;", "esac"];
        case 7:
          return ["cat <<E", ...first, "$x `echo y` \\", "E"];
        case 8:
          return ["cat <<'E'; echo z", ...first, "E"];
        case 9:
          return ["true &&", "echo o", "echo a |", "cat", ...first];
        case 10:
          return ["{", "echo g", ...first, "}"];
        default:
          return ["while false", "do", "echo", "done", "false ||", "echo o", ...first];
      }
    }),
}));

/** A script that ends, as lines. Not all are valid. */
export const shellScript: fc.Arbitrary<string[]> = generated.script;
