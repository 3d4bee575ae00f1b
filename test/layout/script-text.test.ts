import test from "ava";
import { scriptText } from "../../src/layout/script-text.ts";

const cases: readonly (readonly [title: string, argument: string, body: string, text: string])[] = [
  [
    "a body without its own first line runs in sh",
    "",
    'exec x "$@"\n',
    '#!/bin/sh\n\nexec x "$@"\n\n',
  ],
  [
    "a body brings its interpreter",
    "",
    "#!/usr/bin/python3 -u\nprint(1)\n",
    "#!/usr/bin/python3 -u\n\nprint(1)\n\n",
  ],
  ["the interpreter line is trimmed", "", "  #!/bin/bash  \nx\n", "#!/bin/bash\n\nx\n\n"],
  [
    "an empty line above it is taken for it",
    "",
    "\n#!/bin/bash\necho\n",
    "\n\n#!/bin/bash\necho\n\n",
  ],
  [
    "a comment above it makes it a comment",
    "",
    "# c\n#!/bin/bash\n",
    "#!/bin/sh\n\n# c\n#!/bin/bash\n\n",
  ],
  ["the heading's words follow, up to a #", "-e # foo", "echo\n", "#!/bin/sh -e \n\necho\n\n"],
  ["-c is a word like others", "-c /bin/bash", "echo\n", "#!/bin/sh -c /bin/bash\n\necho\n\n"],
  [
    "the words follow the body's own interpreter too",
    "-x",
    "#!/bin/bash\necho\n",
    "#!/bin/bash -x\n\necho\n\n",
  ],
  ["a body that is only an interpreter line", "", "#!/bin/true\n", "#!/bin/true\n\n\n"],
  [
    "a no-break space in another encoding is not trimmed",
    "",
    "#!/opt/\xc3\xa0\nx\n",
    "#!/opt/\xc3\xa0\n\nx\n\n",
  ],
];

for (const [title, argument, body, text] of cases) {
  test(title, (t) => {
    t.is(scriptText({ body, argument }), text);
  });
}
