// The scripts under /.singularity.d/env. A runtime reads them in the order of their names, with an interpreter of its
// own that knows these names: after 10-docker2singularity.sh and before 90-environment.sh it mends PATH, after
// 99-base.sh it sets what --env asks for. So names and order are an interface, while the texts are our own. Plain POSIX
// shell without external commands: PATH may be unset while they run.

/** Name under `/.singularity.d/env` → text of the scripts that every image gets. */
export const envScripts: Readonly<Record<string, string>> = {
  "01-base.sh": `#!/bin/sh
# Comes first. The environment of an OCI base image follows in 10-docker2singularity.sh.
`,

  "90-environment.sh": `#!/bin/sh
# What the definition has under %environment stands below.
`,

  "95-apps.sh": `#!/bin/sh
# Sets up the app that was asked for by name. Without one, nothing happens here.
if [ -n "\${SINGULARITY_APPNAME:-}" ]; then
    export SINGULARITY_APPNAME
    SCIF_APPS="/scif/apps"
    SCIF_APPROOT="\${SCIF_APPS}/\${SINGULARITY_APPNAME}"
    if [ ! -d "\${SCIF_APPROOT}/" ]; then
        echo "Could not locate the container application: \${SINGULARITY_APPNAME}"
        exit 1
    fi
    export SCIF_APPS SCIF_APPROOT

    PATH="\${SCIF_APPROOT}\${PATH:+:\${PATH}}"
    if [ -d "\${SCIF_APPROOT}/bin" ]; then
        PATH="\${SCIF_APPROOT}/bin:\${PATH}"
    fi
    if [ -d "\${SCIF_APPROOT}/lib" ]; then
        LD_LIBRARY_PATH="\${SCIF_APPROOT}/lib\${LD_LIBRARY_PATH:+:\${LD_LIBRARY_PATH}}"
        export LD_LIBRARY_PATH
    fi
    if [ -f "\${SCIF_APPROOT}/scif/env/01-base.sh" ]; then
        . "\${SCIF_APPROOT}/scif/env/01-base.sh"
    fi
    if [ -f "\${SCIF_APPROOT}/scif/env/90-environment.sh" ]; then
        . "\${SCIF_APPROOT}/scif/env/90-environment.sh"
    fi
    export PATH
fi
`,

  "99-base.sh": `#!/bin/sh
# Libraries that the runtime brings from the host (for GPUs, say) are looked for last.
LD_LIBRARY_PATH="\${LD_LIBRARY_PATH:+\${LD_LIBRARY_PATH}:}/.singularity.d/libs"
PS1="\${PS1:-Apptainer> }"
export LD_LIBRARY_PATH PS1
`,

  "99-runtimevars.sh": `#!/bin/sh
# What the user wants PATH to be. Current runtimes use a text of their own in place of this one.
if [ -n "\${SING_USER_DEFINED_PREPEND_PATH:-}" ]; then
    PATH="\${SING_USER_DEFINED_PREPEND_PATH}\${PATH:+:\${PATH}}"
fi
if [ -n "\${SING_USER_DEFINED_APPEND_PATH:-}" ]; then
    PATH="\${PATH:+\${PATH}:}\${SING_USER_DEFINED_APPEND_PATH}"
fi
if [ -n "\${SING_USER_DEFINED_PATH:-}" ]; then
    PATH="\${SING_USER_DEFINED_PATH}"
fi
unset SING_USER_DEFINED_PREPEND_PATH SING_USER_DEFINED_APPEND_PATH SING_USER_DEFINED_PATH
export PATH
`,
};
