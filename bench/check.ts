// How long a definition takes to be read and checked in a program that runs already, an editor's server say: one of 2,000
// lines, and longer ones up to ten megabytes, which must take no longer for each line.
//
//   npx -c 'node bench/check.ts'

import { checkDefinition } from "../src/definition/check-definition.ts";
import { readDefinition } from "../src/definition/read-definition.ts";

/** What a long definition is made of: one stage, with as many steps of every kind as asked for. */
function definitionOf(steps: number): string {
  const each = (line: (step: number) => string) =>
    Array.from({ length: steps }, (_, step) => line(step)).join("");
  return [
    "Bootstrap: docker\nFrom: debian:12\nInclude: a b \\\n  c\n\n%arguments\n    VERSION=1.2\n\n%files\n",
    each((step) => `    tool-${step}.sh /opt/tool/bin/tool-${step}\n`),
    "\n%post\n    set -eu\n    apt-get update\n",
    each(
      (step) =>
        `    # step ${step}\n    apt-get install -y --no-install-recommends "lib${step}"\n` +
        `    if [ -x /opt/tool/bin/tool-${step} ]; then\n        ln -s "/opt/tool/bin/tool-${step}" /usr/local/bin/\n    fi\n` +
        `    echo "{{ VERSION }} $(date +%s)" | tee -a /opt/log > /dev/null\n`,
    ),
    "    rm -rf /var/lib/apt/lists/*\n\n%environment\n",
    each((step) => `    export TOOL_${step}="/opt/tool/${step}:\${PATH}"\n`),
    '\n%runscript\n    exec tool "$@"\n',
  ].join("");
}

const check = (text: string) => checkDefinition(readDefinition(text, { file: "long.def" }));

function processorMs(action: () => void): number {
  const before = process.cpuUsage();
  action();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

console.log(`Node ${process.version}`);
console.log(
  `${"lines".padStart(9)}${"MB".padStart(8)}${"first ms".padStart(11)}${"warm ms".padStart(11)}${"µs a line".padStart(11)}`,
);
for (const [steps, runs] of [
  [250, 50],
  [2_500, 10],
  [25_000, 3],
] as const) {
  const text = definitionOf(steps);
  const lines = text.split("\n").length;
  const first = processorMs(() => check(text));
  const times = Array.from({ length: runs }, () => processorMs(() => check(text)));
  const warm = times.toSorted((a, b) => a - b)[runs >> 1] ?? Number.NaN;
  const cells = [
    lines.toLocaleString("en"),
    (text.length / 1e6).toFixed(1),
    first.toFixed(0),
    warm.toFixed(1),
    ((warm * 1000) / lines).toFixed(1),
  ];
  console.log(cells.map((cell, index) => cell.padStart([9, 8, 11, 11, 11][index] ?? 0)).join(""));
}
