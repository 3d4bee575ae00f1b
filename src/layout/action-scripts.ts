// The scripts under /.singularity.d/actions: what `run`, `exec`, `shell`, `test` and `instance start` do with an image.
// Apptainer and SingularityCE have this built in and use these files only as a fallback; other tools start them by the
// links /.run, /.exec, /.shell and /.test.

const sourceEnvironment = `for environment_script in /.singularity.d/env/*.sh; do
    if [ -f "\${environment_script}" ]; then
        . "\${environment_script}"
    fi
done
unset environment_script
`;

/** A script of the app that was asked for, or nothing but an error: never another one in its place. */
const runApp = (script: string, what: string) => `if [ -n "\${SINGULARITY_APPNAME:-}" ]; then
    if [ -x "/scif/apps/\${SINGULARITY_APPNAME}/scif/${script}" ]; then
        exec "/scif/apps/\${SINGULARITY_APPNAME}/scif/${script}" "$@"
    fi
    echo "No ${what} for the app \${SINGULARITY_APPNAME}" >&2
    exit 1
fi
`;

/** Name under `/.singularity.d/actions` → text. */
export const actionScripts: Readonly<Record<string, string>> = {
  exec: `#!/bin/sh
${sourceEnvironment}
exec "$@"
`,

  run: `#!/bin/sh
${sourceEnvironment}
${runApp("runscript", "runscript")}
if [ -x /.singularity.d/runscript ]; then
    exec /.singularity.d/runscript "$@"
fi
echo "No runscript found in container, executing /bin/sh" >&2
exec /bin/sh "$@"
`,

  shell: `#!/bin/sh
${sourceEnvironment}
if [ -n "\${SINGULARITY_SHELL:-}" ] && [ -x "\${SINGULARITY_SHELL}" ]; then
    exec "\${SINGULARITY_SHELL}" "$@"
fi
if [ -x /bin/bash ]; then
    PS1="\${SINGULARITY_NAME:-Apptainer}> "
    export PS1
    exec /bin/bash --norc "$@"
fi
if [ -x /bin/sh ]; then
    exec /bin/sh "$@"
fi
echo "No shell found in container" >&2
exit 1
`,

  start: `#!/bin/sh
# The runtime's process 1 stopped itself until the instance is ready to start.
kill -CONT 1

${sourceEnvironment}
if [ -n "\${SINGULARITY_APPNAME:-}" ]; then
    if [ -x "/scif/apps/\${SINGULARITY_APPNAME}/scif/startscript" ]; then
        exec "/scif/apps/\${SINGULARITY_APPNAME}/scif/startscript" "$@"
    fi
elif [ -x /.singularity.d/startscript ]; then
    exec /.singularity.d/startscript "$@"
fi
`,

  test: `#!/bin/sh
${sourceEnvironment}
${runApp("test", "test")}
if [ -x /.singularity.d/test ]; then
    exec /.singularity.d/test "$@"
fi
echo "No test found in container, executing /bin/sh -c true"
exec /bin/sh -c true
`,
};
