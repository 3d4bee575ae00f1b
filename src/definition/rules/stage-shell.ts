import type { Stage } from "../../model/definition.ts";
import { sectionsOf } from "./rule.ts";
import { shellCommands } from "./shell-commands.ts";

/**
 * What `/bin/sh` is in an image: bash under another name, or the shell of BusyBox, which knows some of bash's syntax.
 * Anything else, and what can't be told, is taken for a shell that knows none of it, as in Debian and Ubuntu.
 */
export type StageShell = "bash" | "busybox" | "plain";

const agents: Readonly<Record<string, StageShell>> = {
  yum: "bash",
  dnf: "bash",
  zypper: "bash",
  arch: "bash",
  busybox: "busybox",
  debootstrap: "plain",
};

// Names of distributions stand in that of an image or in its tag: nvidia/cuda:12.2.0-devel-rockylinux8.
const bashImages =
  /(?:^|[/:._-])(?:rocky|alma|centos|fedora|rhel|oraclelinux|amazonlinux|scientificlinux|(?:el|sl|cc|ubi)\d|ubi-|opensuse|leap|tumbleweed|bci|archlinux|sles?\b)/;
const busyboxImages = /(?:^|[/:._-])(?:alpine|busybox)/;
const plainImages =
  /(?:^|[/:._-])(?:debian|ubuntu|bookworm|bullseye|buster|noble|jammy|focal|bionic|xenial)/;

/** Who uses the package manager of a distribution is on it. */
const managers: Readonly<Record<string, StageShell>> = {
  yum: "bash",
  dnf: "bash",
  microdnf: "bash",
  zypper: "bash",
  pacman: "bash",
  apk: "busybox",
  apt: "plain",
  "apt-get": "plain",
};

/** The `/bin/sh` of the image that a stage starts from. */
export function stageShell(stage: Stage): StageShell {
  const value = (key: string) => stage.header.find((field) => field.key === key)?.value ?? "";
  const agent = value("bootstrap");
  const from = value("from").toLowerCase();
  if (Object.hasOwn(agents, agent)) return agents[agent] ?? "plain";
  if (bashImages.test(from)) return "bash";
  if (busyboxImages.test(from)) return "busybox";
  if (plainImages.test(from)) return "plain";
  const used = sectionsOf(stage, "post", "appinstall")
    .flatMap(shellCommands)
    .flatMap(({ program }) => (Object.hasOwn(managers, program) ? [managers[program]] : []));
  const kinds = new Set(used);
  // A script that tries one after the other says nothing.
  return kinds.size === 1 ? (used[0] ?? "plain") : "plain";
}
