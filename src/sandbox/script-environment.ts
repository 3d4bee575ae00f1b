// What a script finds in its environment: Apptainer's list, no more. Values of the user's go by way of variables, never
// through an argument list, which everybody on the machine can read.

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Bind {
  readonly source: string;
  /** Absolute, inside the root file system. */
  readonly destination: string;
  readonly readOnly: boolean;
}

export interface ContainerEnvironment {
  /** What the program is started with. */
  readonly variables: Readonly<Record<string, string>>;
  /** Variables that count only where the image sets none: those of the host, for `%test`. */
  readonly keep: readonly string[];
  /** Variables that win over the image's: given as `APPTAINERENV_NAME`. */
  readonly set: readonly string[];
}

export const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** How the names of values travel until the image's own environment is known. */
export const keepPrefix = "TSBUILD_KEEP_";
export const setPrefix = "TSBUILD_SET_";

const proxies = ["http_proxy", "https_proxy", "no_proxy", "ftp_proxy", "all_proxy"];
const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Variables that describe the host's shell or its files, and would be wrong inside. */
const hostOnly =
  /^(?:PATH|HOME|PWD|OLDPWD|SHLVL|_|UID|GID|OPTIND|TMPDIR|LD_(?:PRELOAD|LIBRARY_PATH|AUDIT)|PS1|PS4|PROMPT_COMMAND|ENV|BASH_ENV|TSBUILD_.*|APPTAINER.*|SINGULARITY.*)$/;

/** Where `%post` may leave settings for the image, by its name inside. */
const environmentFile = "/.singularity.d/env/91-environment.sh";
const labelsFile = "/.build.labels";

/** The environment of `%post`: nothing of the host but proxies, the terminal's kind and what was given for inside. */
export function postEnvironment(
  host: Environment,
  rootFolder: string,
  binds: readonly Bind[],
): ContainerEnvironment {
  return assemble(host, [], {
    ...containerVariables(rootFolder, binds),
    ...twice({ LABELS: labelsFile }),
    APPTAINER_COMMAND: "exec",
    LANG: "C",
  });
}

/** The environment of `%test`: the host's, where the image does not say otherwise. */
export function testEnvironment(
  host: Environment,
  rootFolder: string,
  binds: readonly Bind[],
): ContainerEnvironment {
  const keep = Object.keys(host).filter(
    (name) => host[name] !== undefined && identifier.test(name) && !hostOnly.test(name),
  );
  return assemble(host, keep, {
    ...containerVariables(rootFolder, binds),
    APPTAINER_COMMAND: "test",
  });
}

/** The environment of `%pre` and `%setup`: the host's, and where the root file system is. */
export function hostScriptEnvironment(host: Environment, rootFolder: string): Environment {
  const own = Object.fromEntries(
    Object.entries(host).filter(([name]) => !name.startsWith("TSBUILD_")),
  );
  return { ...own, ...twice({ ROOTFS: rootFolder, ENVIRONMENT: environmentFile }) };
}

function assemble(
  host: Environment,
  keep: readonly string[],
  own: Readonly<Record<string, string>>,
): ContainerEnvironment {
  const given = givenVariables(host);
  const passed = ["TERM", ...proxies, ...proxies.map((name) => name.toUpperCase())].filter(
    (name) => host[name] !== undefined && !keep.includes(name),
  );
  const pick = (names: readonly string[], prefix: string): [string, string][] =>
    names.map((name) => [prefix + name, host[name] ?? ""]);
  return {
    variables: {
      ...Object.fromEntries(pick(passed, "")),
      HOME: "/root",
      PATH: defaultPath,
      PWD: "/",
      ...own,
      ...Object.fromEntries(pick(keep, keepPrefix)),
      ...Object.fromEntries([...given].map(([name, value]) => [setPrefix + name, value])),
    },
    keep,
    set: [...given.keys()],
  };
}

function containerVariables(
  rootFolder: string,
  binds: readonly Bind[],
): Readonly<Record<string, string>> {
  const given = binds.map(({ destination }) => destination);
  const staged = ["/etc/resolv.conf", "/etc/hosts"].filter((path) => !given.includes(path));
  return {
    ...twice({
      // Apptainer lists the places, not the sources.
      BIND: [...staged, ...given].join(","),
      CONTAINER: rootFolder,
      ENVIRONMENT: environmentFile,
      NAME: rootFolder.slice(rootFolder.lastIndexOf("/") + 1),
    }),
    APPTAINER_APPNAME: "",
  };
}

/** With both names: Apptainer's, and that of scripts which are older than it. */
function twice(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => [
      [`APPTAINER_${name}`, value],
      [`SINGULARITY_${name}`, value],
    ]),
  );
}

/** `APPTAINERENV_X` and, weaker, `SINGULARITYENV_X`: X → value. */
function givenVariables(host: Environment): Map<string, string> {
  const given = new Map<string, string>();
  for (const prefix of ["SINGULARITYENV_", "APPTAINERENV_"]) {
    for (const [name, value] of Object.entries(host)) {
      const inner = name.slice(prefix.length);
      if (name.startsWith(prefix) && identifier.test(inner) && value !== undefined) {
        given.set(inner, value);
      }
    }
  }
  return given;
}
