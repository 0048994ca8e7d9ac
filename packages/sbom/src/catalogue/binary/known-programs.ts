// Programs that images bring without a package database, known by a text in them.
import type { FileParts, FoundPackage } from "../facts.ts";

interface KnownProgram {
  readonly file: RegExp;
  readonly name: string;
  /** What stands right before the version, and the version. */
  readonly mark: string;
  readonly version: RegExp;
  readonly licences: readonly string[];
}

const PROGRAMS: readonly KnownProgram[] = [
  { file: /(?:^|\/)node(?:js)?$/, name: "node", mark: "node.js/v", version: /^\d+\.\d+\.\d+/, licences: ["MIT"] },
  {
    file: /(?:^|\/)(?:python\d?(?:\.\d+)?|libpython\d(?:\.\d+)?\.so\.[\d.]+)$/,
    name: "python",
    mark: "python-",
    version: /^\d+\.\d+\.\d+/,
    licences: ["PSF-2.0"],
  },
  { file: /(?:^|\/)redis-server$/, name: "redis", mark: "redis-", version: /^\d+\.\d+\.\d+/, licences: [] },
];

const SEARCHES = 200;

/** `undefined` when it is none of them, or does not say its version. */
export function knownProgram(parts: FileParts): FoundPackage | undefined {
  const program = PROGRAMS.find((one) => one.file.test(parts.path));
  const file = program === undefined ? undefined : parts.slice(0, parts.size);
  if (program === undefined || file === undefined) return undefined;
  const version = program.name === "python" ? pythonVersion(file) : versionAfter(file, program);
  if (version === undefined) return undefined;
  return { type: "generic", name: program.name, version, licences: program.licences };
}

function versionAfter(file: Buffer, { mark, version }: KnownProgram): string | undefined {
  let at = file.indexOf(mark);
  for (let searches = 0; at !== -1 && searches < SEARCHES; searches += 1) {
    const match = version.exec(file.toString("latin1", at + mark.length, at + mark.length + 24));
    if (match !== null) return match[0];
    at = file.indexOf(mark, at + 1);
  }
  return undefined;
}

/** CPython has its version as a text of its own, beside the one of its library's directory. */
function pythonVersion(file: Buffer): string | undefined {
  const directory = file.indexOf("lib/python3.");
  const minor =
    directory === -1 ? undefined : /^\d+/.exec(file.toString("latin1", directory + 12, directory + 16))?.[0];
  if (minor === undefined) return undefined;
  const mark = Buffer.from(`\x003.${minor}.`, "latin1");
  let at = file.indexOf(mark);
  for (let searches = 0; at !== -1 && searches < SEARCHES; searches += 1) {
    const match = /^\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?(?=\0|\+\0)/.exec(file.toString("latin1", at + 1, at + 24));
    if (match !== null) return match[0];
    at = file.indexOf(mark, at + 1);
  }
  return undefined;
}
