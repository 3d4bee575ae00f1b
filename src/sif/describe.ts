// What an image is made of, as text for people, in the form of siftool and `apptainer sif`.

import { decodeArchitecture } from "./architecture.ts";
import type { SifObject } from "./descriptor.ts";
import type { SifHeader } from "./header.ts";
import { ownFields, typeName } from "./object-names.ts";
import { noTimeSeconds } from "./sif-patch.ts";
import { formatUuid } from "./uuid.ts";

/** The header, a line for each field. */
export function describeHeader(header: SifHeader): string {
  const fields: [string, string][] = [
    ["Launch Script", header.launchScript.trimEnd()],
    ["Version", "01"],
    ["Primary Architecture", decodeArchitecture(header.architectureCode) ?? "unknown"],
  ];
  if (header.uuid.some(Boolean)) fields.push(["ID", formatUuid(header.uuid)]);
  fields.push(
    ...times(header),
    ["Descriptors Free", String(header.freeSlots)],
    ["Descriptors Total", String(header.slots)],
    ["Descriptors Offset", String(header.descriptorsOffset)],
    ["Descriptors Size", quantity(header.descriptorsBytes)],
    ["Data Offset", String(header.dataOffset)],
    ["Data Size", quantity(header.dataBytes)],
  );
  return inColumns(fields, "", 1);
}

function row(id: string, group: string, link: string, place: string, type: string): string {
  return `${id.padEnd(5)}|${group.padEnd(8)}|${link.padEnd(8)}|${place.padEnd(26)}|${type}\n`;
}

/** The objects, a line for each. */
export function describeObjects(objects: readonly SifObject[]): string {
  const rule = "-".repeat(78);
  const rows = objects.map((object) =>
    row(
      String(object.id),
      groupName(object),
      linkName(object, 3),
      `${object.offset}-${object.offset + object.sizeBytes}`,
      typeAndMore(object),
    ),
  );
  const head = row("ID", "GROUP", "LINK", "SIF POSITION (start-end)", "TYPE");
  return `${rule}\n${head}${rule}\n${rows.join("")}`;
}

/** All that an object's descriptor says, a line for each field. */
export function describeObject(object: SifObject): string {
  const fields: [string, string][] = [
    ["Data Type", typeName(object.type)],
    ["ID", String(object.id)],
    ["Group ID", groupName(object)],
    ["Linked ID", linkName(object, 0)],
    ["Offset", String(object.offset)],
    ["Size", String(object.sizeBytes)],
    ...times(object),
  ];
  if (object.name !== "") fields.push(["Name", object.name]);
  return inColumns([...fields, ...ownFields(object)], "  ", 2);
}

function typeAndMore(object: SifObject): string {
  const more = ownFields(object)
    .filter(([label]) => label !== "Entity")
    .map(([, value]) => value);
  return typeName(object.type) + (more.length === 0 ? "" : ` (${more.join("/")})`);
}

const groupName = ({ group }: SifObject) => (group === undefined ? "NONE" : String(group));

function linkName({ link }: SifObject, width: number): string {
  if (link === undefined) return "NONE";
  return link.kind === "object" ? String(link.id) : `${String(link.id).padEnd(width)} (G)`;
}

function inColumns(
  fields: readonly (readonly [string, string])[],
  indent: string,
  gap: number,
): string {
  const width = Math.max(...fields.map(([label]) => label.length)) + 1 + gap;
  return fields.map(([label, value]) => `${indent}${`${label}:`.padEnd(width)}${value}\n`).join("");
}

/** Left out where the image has the year 1, which stands for "no time". */
function times(of: {
  readonly createdSeconds: number;
  readonly modifiedSeconds: number;
}): [string, string][] {
  return [["Created At", of.createdSeconds] as const, ["Modified At", of.modifiedSeconds] as const]
    .filter(([, seconds]) => seconds !== noTimeSeconds)
    .map(([label, seconds]) => [label, timeText(seconds)]);
}

function timeText(seconds: number): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return `${seconds} seconds since 1970`;
  return `${date.toISOString().replace("T", " ").slice(0, -5)} +0000 UTC`;
}

/** Bytes in the largest binary unit of which there is one, rounded. */
function quantity(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit += 1) value /= 1024;
  return `${value.toFixed(0)} ${units[unit]}`;
}
