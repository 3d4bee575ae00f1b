import { doubleQuoted, singleQuoted } from "./shell-quote.ts";

/**
 * The runscript of an image whose base has an Entrypoint and a Cmd. Arguments of the caller take the place of Cmd.
 *
 * The second and third line are read by other programs, and the line with `eval "set …` has to be exactly this one: a
 * runtime that finds it runs the script with its own interpreter, so that images without a shell work too.
 *
 * The image's words are literal. The caller's arguments are evaluated by the shell (`$HOME` expands) unless
 * SINGULARITY_NO_EVAL is set, which is what people know from Apptainer. Two differences: words that start with a dash
 * work, and an image with nothing to run starts a shell rather than print its variables.
 */
export function ociRunscript(entrypoint: readonly string[], cmd: readonly string[]): string {
  const literal = entrypoint.map(singleQuoted);
  return `#!/bin/sh
OCI_ENTRYPOINT=${quoted(entrypoint)}
OCI_CMD=${quoted(cmd)}

if [ -n "\${SINGULARITY_NO_EVAL:-}" ]; then
    # Words as they are, whatever characters are in them.
    if [ $# -gt 0 ]; then
        ${list(...literal, '"$@"')}
    else
        ${list(...literal, ...cmd.map(singleQuoted))}
    fi
else
    # Arguments are evaluated, so variables in them have the container's values.
    OCI_ARGUMENTS=""
    for argument in "$@"; do
        OCI_ARGUMENTS="\${OCI_ARGUMENTS} \\"\${argument}\\""
    done
    SINGULARITY_OCI_RUN="-- \${OCI_ENTRYPOINT} \${OCI_ARGUMENTS:-\${OCI_CMD}}"
eval "set \${SINGULARITY_OCI_RUN}"
fi

if [ $# -eq 0 ]; then
    echo "The image has neither an entrypoint nor a command: starting /bin/sh" >&2
    set -- /bin/sh
fi
exec "$@"
`;
}

/** Words as text for a shell to evaluate, in a variable. */
const quoted = (words: readonly string[]) => singleQuoted(words.map(doubleQuoted).join(" "));
const list = (...words: readonly string[]) => ["set --", ...words].join(" ");
