import {
  defaultPath,
  keepPrefix,
  setPrefix,
  type ContainerEnvironment,
} from "./script-environment.ts";

// Run by the image's /bin/sh before a script: reads the image's environment scripts in the order of their names, as the
// run time does, settles which values win, and becomes the script's program.
//
//   sh -c TEXT tsbuild keep NAME… set NAME… -- PROGRAM ARGUMENT…
//
// After the script that holds the environment of an OCI image, the folders of the default PATH that it left out are
// added. A script with a syntax error is left out as a whole. `set` has two names that are no variables:
// PREPEND_PATH and APPEND_PATH.

const text = `
unset PS1
tsbuild_source() { . "$TSBUILD_FILE"; }
for TSBUILD_FILE in /.singularity.d/env/*.sh; do
  case $TSBUILD_FILE in
  */9[0-9]-*) PATH=\${PATH:-${defaultPath}} ;;
  esac
  if [ -f "$TSBUILD_FILE" ] && /bin/sh -n "$TSBUILD_FILE"; then tsbuild_source; fi
  case $TSBUILD_FILE in
  */10-docker*)
    for TSBUILD_FOLDER in ${defaultPath.replaceAll(":", " ")}; do
      case :$PATH: in
      *":$TSBUILD_FOLDER:"*) ;;
      *) PATH=$PATH:$TSBUILD_FOLDER ;;
      esac
    done
    ;;
  esac
done
unset OLDPWD SHLVL TSBUILD_FILE TSBUILD_FOLDER
while [ "$1" != -- ]; do
  case $1 in
  keep) eval "
    if [ -z \\"\\\${$2+set}\\" ]; then $2=\\$${keepPrefix}$2; export $2; fi
    unset ${keepPrefix}$2" ;;
  set)
    case $2 in
    PREPEND_PATH) PATH=$${setPrefix}PREPEND_PATH:$PATH ;;
    APPEND_PATH) PATH=$PATH:$${setPrefix}APPEND_PATH ;;
    *) eval "$2=\\$${setPrefix}$2; export $2" ;;
    esac
    unset "${setPrefix}$2"
    ;;
  esac
  shift 2
done
shift
LD_LIBRARY_PATH=\${LD_LIBRARY_PATH:-/.singularity.d/libs}
PS1=\${PS1:-Apptainer> }
PROMPT_COMMAND='PS1="Apptainer> "; unset PROMPT_COMMAND'
export LD_LIBRARY_PATH PATH PROMPT_COMMAND PS1
exec "$@"
`.trim();

/** The argument list that runs a command inside with the environment that the image and the user want for it. */
export function inImageEnvironment(
  command: readonly string[],
  { keep, set }: ContainerEnvironment,
): string[] {
  return [
    ["/bin/sh", "-c", text, "tsbuild"],
    keep.flatMap((name) => ["keep", name]),
    set.flatMap((name) => ["set", name]),
    ["--"],
    command,
  ].flat();
}
