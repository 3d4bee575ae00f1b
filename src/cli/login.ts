import { resolve } from "node:path";
import { text as readText } from "node:stream/consumers";
import { UsageError } from "../model/error.ts";
import { watchSignals } from "../system/signals.ts";
import { makeListener } from "./make-listener.ts";
import { setting, switchSetting } from "./settings.ts";
import type { CommandTerminal, GlobalFlags } from "./terminal.ts";

interface LoginFlags extends GlobalFlags {
  readonly username?: string;
  readonly password?: string;
  readonly passwordStdin?: boolean;
  readonly authfile?: string;
  readonly https?: boolean;
  readonly certDir?: string;
}

/** `tsbuild login [REGISTRY]`: shows the login to the registry, and keeps it when it was taken. */
export async function loginCommand(
  name: string | undefined,
  flags: LoginFlags,
  terminal: CommandTerminal,
): Promise<number> {
  const registry = registryOf(name);
  const { environment, folder } = terminal;
  const login = await loginOf(flags, terminal);
  const [{ checkLogin }, { storeLogin }, { Dispatchers }, { endpointsOf }] = await Promise.all([
    import("../oci/check-login.ts"),
    import("../oci/login-store.ts"),
    import("../oci/dispatchers.ts"),
    import("../oci/registries-conf.ts"),
  ]);
  using view = makeListener(flags, terminal);
  using interruption = watchSignals();
  const { certDir } = flags;
  const dispatchers = new Dispatchers({
    env: environment,
    ...(certDir === undefined ? {} : { folder: resolve(folder, certDir) }),
  });
  try {
    const places = await endpointsOf({ registry, repository: "x" }, { env: environment });
    const isAsked = await checkLogin(
      registry,
      { kind: "password", ...login },
      {
        dispatchers,
        noHttps:
          flags.https === false ||
          switchSetting(environment, "NOHTTPS") ||
          switchSetting(environment, "NO_HTTPS"),
        isInsecure: places.at(-1)?.isInsecure,
        signal: interruption.signal,
        onRetry: (message) => view.listener({ type: "note", message }),
      },
    );
    const place = await storeLogin(registry, login, storeOptions(flags, terminal));
    const where =
      place.kind === "file"
        ? `${place.file}, which only you can read; it is not encrypted`
        : place.program;
    terminal.stdout.write(
      isAsked
        ? `Logged in to ${registry} as ${login.username}. The login is in ${where}.\n`
        : `${registry} lets everybody in and didn't look at the login. It is in ${where}.\n`,
    );
    return 0;
  } finally {
    await dispatchers.close();
  }
}

/** `tsbuild logout [REGISTRY]`. */
export async function logoutCommand(
  name: string | undefined,
  flags: LoginFlags,
  terminal: CommandTerminal,
): Promise<number> {
  const registry = registryOf(name);
  const { removeLogin } = await import("../oci/login-store.ts");
  const { isRemoved, stillIn } = await removeLogin(registry, storeOptions(flags, terminal));
  terminal.stdout.write(
    isRemoved ? `Logged out of ${registry}.\n` : `There was no login to ${registry}.\n`,
  );
  for (const file of stillIn) {
    terminal.stdout.write(`${file} has a login to it as well, which is still used.\n`);
  }
  return 0;
}

function storeOptions(flags: LoginFlags, { environment, folder }: CommandTerminal) {
  const given = flags.authfile ?? setting(environment, "AUTHFILE");
  return {
    env: environment,
    ...(environment["HOME"] === undefined ? {} : { home: environment["HOME"] }),
    ...(given === undefined ? {} : { authFile: resolve(folder, given) }),
  };
}

async function loginOf(
  flags: LoginFlags,
  { environment, stderr }: CommandTerminal,
): Promise<{ username: string; password: string }> {
  const { askLine, askSecret } = await import("./ask.ts");
  if (flags.passwordStdin === true && flags.password !== undefined) {
    throw new UsageError("usage/options", "--password and --password-stdin exclude each other", {
      hint: "use --password-stdin: it shows the password to nobody",
    });
  }
  const username =
    flags.username ?? setting(environment, "DOCKER_USERNAME") ?? (await askLine("Username: "));
  if (flags.password !== undefined) {
    stderr.write("WARNING: --password shows the password to others; --password-stdin doesn't\n");
  }
  const given = flags.passwordStdin === true ? await readText(process.stdin) : flags.password;
  const password =
    given?.replace(/\r?\n$/, "") ??
    setting(environment, "DOCKER_PASSWORD") ??
    (await askSecret("Password: "));
  if (username === "" || password === "") {
    throw new UsageError("usage/options", "a login needs a name and a password", {
      hint: "tsbuild login --username NAME --password-stdin REGISTRY < FILE",
    });
  }
  // Basic authentication parts name and password at the first colon (RFC 7617).
  if (username.includes(":")) {
    throw new UsageError("usage/options", "a name can't have a colon in it", {
      hint: "give the password by itself, with --password-stdin",
    });
  }
  return { username, password };
}

/** Host and port of what was named: `docker://host`, `https://host/v2/` and the like; `docker.io` without. */
function registryOf(name: string | undefined): string {
  if (name === undefined) return "docker.io";
  const host = name
    .replace(/^(?:docker|oras|https?):\/\//, "")
    .replace(/\/+$/, "")
    .replace(/\/v[12]$/, "")
    .toLowerCase();
  if (/[\s/@?#]/.test(host) || host === "" || !URL.canParse(`https://${host}`)) {
    throw new UsageError("usage/operands", `${name} is no registry`, {
      hint: "name its host and port: tsbuild login registry.example:5000",
    });
  }
  return /^(?:index|registry-1)\.docker\.io$/.test(host) ? "docker.io" : host;
}
