import type { MachineReport } from "../doctor/examine-machine.ts";
import { visibleText } from "./plain-text.ts";
import { formatSize } from "./quantity.ts";

type Folder = NonNullable<MachineReport["folders"]["temporary"]>;

/** The report for people: how scripts run, what would make it better, what is wrong, and what was looked at. */
export function doctorText(report: MachineReport): string {
  const lines = [
    ...wayLines(report),
    ...findingLines(report),
    "",
    `Machine: Linux ${report.kernel}, ${report.architecture}; user ${report.user.name} (${report.user.uid})`,
    ...abilityLines(report),
    ...Object.entries(report.folders).map(([role, folder]) => folderLine(role, folder)),
    ...registryLines(report),
  ];
  return `${lines.map((line) => visibleText(line)).join("\n")}\n`;
}

function wayLines({ way, ways, losses, next }: MachineReport): string[] {
  const taken = ways.find(({ name }) => name === way);
  return [
    taken === undefined
      ? "Scripts can't be run here; definitions without %pre, %setup, %post and %test can be built."
      : `Scripts run ${taken.summary} (${taken.name}).`,
    ...losses.map((loss) => `  lost: ${loss}`),
    ...(next === undefined
      ? []
      : [
          `  better would be ${next.way}${next.command === undefined ? `: ${next.hint ?? ""}` : "; as root:"}`,
          ...(next.command === undefined ? [] : [`    ${next.command}`]),
        ]),
    ...ways.flatMap(({ name, state, reason }) =>
      state === "refused" ? [`  not ${name}: ${reason}`] : [],
    ),
  ];
}

function findingLines({ findings }: MachineReport): string[] {
  if (findings.length === 0) return ["", "Nothing is wrong."];
  return [
    "",
    ...findings.flatMap(({ code, severity, message, hint }) => [
      `${severity}: ${message}`,
      ...(hint === undefined ? [] : [`  hint: ${hint}`]),
      `  code: ${code} (docs/errors/${code}.md)`,
    ]),
  ];
}

function abilityLines({ abilities, groups }: MachineReport): string[] {
  return [
    ...(abilities === undefined
      ? []
      : [
          `Kernel: user namespaces ${yes(abilities.userNamespaces)}, overlay ${yes(abilities.overlay)}, FUSE ${yes(abilities.fuse)}`,
          overlayLine(abilities.overlays),
        ]),
    groups.length === 0
      ? "Control groups: none can be made; --memory and --pids hold for single processes only"
      : `Control groups: ${groups.join(", ")}`,
  ];
}

type Overlays = NonNullable<MachineReport["abilities"]>["overlays"];

function overlayLine({ way, passedOver }: Overlays): string {
  const reasons = passedOver.map(({ name, reason }) => ` (not ${name}: ${reason})`).join("");
  return `Scripts over a base that is kept: ${way ?? "on a copy of it"}${reasons}`;
}

const yes = (value: boolean) => (value ? "yes" : "no");

function folderLine(role: string, folder: Folder): string {
  const { path, fileSystem, freeBytes, freeInodes, abilities, forScripts = {} } = folder;
  const amiss = Object.entries(forScripts).flatMap(([ability, isThere]) =>
    isThere ? [] : [ability.replace("-", " ")],
  );
  const lacking =
    abilities === undefined
      ? []
      : (
          [
            ["symlinks", "symbolic links"],
            ["hardLinks", "hard links"],
            ["attributes", "attributes"],
            ["programs", "programs"],
          ] as const
        ).flatMap(([key, words]) => (abilities[key] ? [] : [`no ${words}`]));
  return [
    `Folder for ${role === "temporary" ? "temporary files" : role === "cache" ? "the cache" : "images"}: ${path}`,
    fileSystem,
    `${formatSize(freeBytes)} free`,
    ...(freeInodes === undefined ? [] : [`${freeInodes} inodes`]),
    ...lacking,
    ...(amiss.length === 0 ? [] : [`not for scripts: ${amiss.join(" and ")}`]),
  ].join(", ");
}

function registryLines({ registries }: MachineReport): string[] {
  if (registries === undefined) return [];
  const proxies = Object.entries(registries.proxies).map(([name, value]) => `${name}=${value}`);
  const names = new Set(registries.logins.map(({ registry }) => registry));
  return [
    ...(proxies.length === 0 ? [] : [`Proxies: ${proxies.join(", ")}`]),
    `Logins: ${names.size === 0 ? "none" : [...names].join(", ")}`,
  ];
}
