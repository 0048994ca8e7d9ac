// What a jar, war or ear is, and what is in it: Maven's own record, else the manifest and the file's name.
import { createHash } from "node:crypto";
import { posix } from "node:path";
import { Unreadable, type FoundPackage } from "../facts.ts";
import { zipMembers, type ZipMember } from "./zip-members.ts";

export const JAVA_ARCHIVE = /\.(?:jar|war|ear|par|hpi|jpi|sar|nar)$/i;

const MAX_DEPTH = 5;
const MAX_TEXT_BYTES = 1024 ** 2;
const MAX_NESTED_BYTES = 256 * 1024 ** 2;

/** What is left for archives in archives. */
interface Room {
  bytes: number;
  archives: number;
}

/** @param unread takes what could not be read */
export function javaPackages(path: string, file: Buffer, unread: string[]): FoundPackage[] {
  return inArchive(path, file, { depth: 0, room: { bytes: 1024 ** 3, archives: 10_000 }, unread });
}

function inArchive(
  path: string,
  file: Buffer,
  o: { readonly depth: number; readonly room: Room; readonly unread: string[] },
): FoundPackage[] {
  const properties: FoundPackage[] = [];
  const nested: FoundPackage[] = [];
  let manifest: ReadonlyMap<string, string> = new Map();
  for (const member of zipMembers(file)) {
    if (member.path === "META-INF/MANIFEST.MF") manifest = manifestOf(member.read(MAX_TEXT_BYTES).toString("utf8"));
    else if (/^META-INF\/maven\/[^/]+\/[^/]+\/pom\.properties$/.test(member.path)) {
      const found = pomProperties(member.read(MAX_TEXT_BYTES).toString("utf8"));
      if (found !== undefined) properties.push(found);
    } else if (JAVA_ARCHIVE.test(member.path)) nested.push(...inMember(path, member, o));
  }
  return [...own(path, file, { properties, manifest }), ...nested];
}

function inMember(path: string, member: ZipMember, o: Parameters<typeof inArchive>[2]): FoundPackage[] {
  const { room, depth, unread } = o;
  room.archives -= 1;
  room.bytes -= member.size;
  if (depth >= MAX_DEPTH || room.archives < 0 || room.bytes < 0) {
    unread.push(`${member.path.slice(0, 200)} is nested too deep, or there is too much of it`);
    return [];
  }
  try {
    return inArchive(member.path, member.read(MAX_NESTED_BYTES), { ...o, depth: depth + 1 });
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    unread.push(`${posix.join(path, member.path).slice(0, 250)}: ${error.message}`);
    return [];
  }
}

/** The archive itself, and what was shaded into it. */
function own(
  path: string,
  file: Buffer,
  { properties, manifest }: { properties: readonly FoundPackage[]; manifest: ReadonlyMap<string, string> },
): FoundPackage[] {
  const hashes = { SHA1: createHash("sha1").update(file).digest("hex") };
  const named = nameOf(path);
  const isOwn = (one: FoundPackage): boolean => one.name === named.artifact || properties.length === 1;
  const described = properties.map((one) => (isOwn(one) ? { ...one, hashes, ...licenceOf(manifest) } : one));
  if (described.some((one) => one.hashes !== undefined)) return described;
  const version =
    manifest.get("implementation-version") ??
    manifest.get("bundle-version") ??
    named.version ??
    manifest.get("specification-version");
  const artifact = named.artifact;
  if (version === undefined || artifact === "" || /[$@{}]/.test(version)) return described;
  const namespace = groupOf(manifest, artifact);
  return [...described, { type: "maven", namespace, name: artifact, version, hashes, ...licenceOf(manifest) }];
}

/** Bundles say their group as the beginning of their symbolic name; without one, the artifact stands for it, as elsewhere. */
function groupOf(manifest: ReadonlyMap<string, string>, artifact: string): string {
  const vendor = manifest.get("implementation-vendor-id");
  if (vendor !== undefined && /^[a-z][\w-]*(?:\.[\w-]+)+$/.test(vendor)) return vendor;
  const symbolic = (manifest.get("bundle-symbolicname") ?? manifest.get("automatic-module-name"))
    ?.split(";")[0]
    ?.trim();
  if (symbolic === undefined || !/^[a-zA-Z][\w-]*(?:\.[\w-]+)+$/.test(symbolic)) return artifact;
  return symbolic.endsWith(`.${artifact}`) ? symbolic.slice(0, -artifact.length - 1) : symbolic;
}

function licenceOf(manifest: ReadonlyMap<string, string>): { licences: readonly string[] } {
  const licence = manifest.get("bundle-license")?.split(";")[0]?.replace(/^"|"$/g, "");
  return { licences: licence === undefined || licence === "" || licence.length > 200 ? [] : [licence] };
}

/** `commons-io-2.11.0.jar`: the version begins at the first dash before a digit. */
function nameOf(path: string): { readonly artifact: string; readonly version?: string } {
  const name = posix.basename(path).replace(JAVA_ARCHIVE, "");
  const match = /^(.+?)-(\d[\w.+-]*)$/.exec(name);
  return match?.[1] === undefined || match[2] === undefined
    ? { artifact: name }
    : { artifact: match[1], version: match[2] };
}

function pomProperties(text: string): FoundPackage | undefined {
  const values = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*(groupId|artifactId|version)\s*[=:]\s*(\S+)\s*$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) values.set(match[1], match[2]);
  }
  const namespace = values.get("groupId");
  const name = values.get("artifactId");
  const version = values.get("version");
  if (namespace === undefined || name === undefined || version === undefined) return undefined;
  return { type: "maven", namespace, name, version, licences: [] };
}

/** The main section; long values go on in lines that begin with a space. */
function manifestOf(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const main = text.split(/\r?\n\r?\n/, 1)[0] ?? "";
  for (const line of main.replace(/\r?\n /g, "").split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon > 0 && values.size < 1000)
      values.set(
        line.slice(0, colon).toLowerCase(),
        line
          .slice(colon + 1)
          .trim()
          .slice(0, 1000),
      );
  }
  return values;
}
