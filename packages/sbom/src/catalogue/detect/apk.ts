// Alpine's database of installed packages (apk-tools, `lib/apk/db/installed`): letters for fields, empty lines between packages.
import { type Detector, type Fact, type FoundPackage } from "../facts.ts";
import { ownedFact } from "./owned.ts";

export const apkInstalled: Detector = {
  name: "apk",
  maxBytes: 256 * 1024 ** 2,
  read: ({ bytes }) => {
    const facts: Fact[] = [];
    const unread: string[] = [];
    const owned: string[] = [];
    for (const record of bytes.toString("utf8").split(/\n(?:\r?\n)+/)) {
      if (record.trim() === "") continue;
      const found = packageOf(record, owned);
      if (found === undefined) unread.push(`a record has no package or version: ${record.trimStart().slice(0, 60)}`);
      else facts.push({ fact: "package", package: found });
    }
    return { facts: [...facts, ...ownedFact(owned).facts], unread };
  },
};

function packageOf(record: string, owned: string[]): FoundPackage | undefined {
  const fields = new Map<string, string>();
  let directory = "";
  for (const line of record.split("\n")) {
    if (line[1] !== ":") continue;
    const letter = line[0] ?? "";
    const value = line.slice(2).trimEnd();
    if (letter === "F") directory = value;
    else if (letter === "R") owned.push(directory === "" ? value : `${directory}/${value}`);
    else if (!fields.has(letter)) fields.set(letter, value);
  }
  const name = fields.get("P");
  const version = fields.get("V");
  if (name === undefined || version === undefined || name === "" || version === "") return undefined;
  const architecture = fields.get("A");
  const licence = fields.get("L");
  const maintainer = fields.get("m");
  return {
    type: "apk",
    name,
    version,
    ...(architecture === undefined || architecture === "" ? {} : { qualifiers: { arch: architecture } }),
    // Sub-packages have the version of what they were built from.
    source: { name: fields.get("o") || name, version },
    licences: licence === undefined || licence === "" ? [] : [licence],
    ...(maintainer === undefined || maintainer === "" ? {} : { supplier: maintainer }),
    needs: bare(fields.get("D")),
    provides: bare(fields.get("p")),
  };
}

/** Names without their version conditions; `!name` is a conflict. */
function bare(list: string | undefined): string[] {
  const words = (list ?? "").split(/\s+/).filter((word) => word !== "" && !word.startsWith("!"));
  return words.map((word) => word.replace(/[<>=~@].*$/s, ""));
}
