// rpm's database, in each of the three forms that distributions use.
import { Unreadable, type DetectedFile, type Detector, type Fact, type Findings } from "../facts.ts";
import { berkeleyBlobs } from "../rpm/berkeley-blobs.ts";
import { ndbBlobs } from "../rpm/ndb-blobs.ts";
import { parseRpmHeader } from "../rpm/rpm-header.ts";
import { sqliteRows } from "../rpm/sqlite-rows.ts";
import { ownedFact } from "./owned.ts";

const MAX_BYTES = 512 * 1024 ** 2;
const LEAST_HEADER_BYTES = 24;

/** `rpmdb.sqlite`: Fedora, Red Hat from 9, Amazon Linux 2023. */
export const rpmSqlite: Detector = { name: "rpm", maxBytes: MAX_BYTES, read: (file) => readBlobs(file, sqliteBlobs) };
/** `Packages`: Red Hat up to 8, CentOS, Amazon Linux 2. */
export const rpmBerkeley: Detector = {
  name: "rpm",
  maxBytes: MAX_BYTES,
  read: (file) => readBlobs(file, berkeleyBlobs),
};
/** `Packages.db`: SUSE. */
export const rpmNdb: Detector = { name: "rpm", maxBytes: MAX_BYTES, read: (file) => readBlobs(file, ndbBlobs) };
/** SQLite's write-ahead log: what is in it is not in the database yet, and no honest image leaves it behind. */
export const rpmSqliteLog: Detector = {
  name: "rpm",
  maxBytes: MAX_BYTES,
  headBytes: 32,
  read: () => {
    throw new Unreadable("changes that were never written into the database are not read");
  },
};

/** `/var/lib/rpmmanifest/container-manifest-2` of images without rpm (Azure Linux): eleven columns a line. */
export const rpmManifest: Detector = {
  name: "rpm-manifest",
  maxBytes: 16 * 1024 ** 2,
  read: ({ bytes }) => {
    const facts: Fact[] = [];
    const unread: string[] = [];
    for (const line of bytes.toString("utf8").split("\n")) {
      if (line.trim() === "") continue;
      const [name, version, , , vendor, epoch, , architecture, , source] = line.split("\t");
      if (name === undefined || version === undefined || source === undefined) {
        unread.push("a line has too few columns");
        continue;
      }
      const match = /^(.+)-([^-]+-[^-]+)\.src\.rpm$/.exec(source);
      facts.push({
        fact: "package",
        package: {
          type: "rpm",
          name,
          version: epoch !== undefined && /^[1-9]\d*$/.test(epoch) ? `${epoch}:${version}` : version,
          ...(architecture === undefined || architecture === "" ? {} : { qualifiers: { arch: architecture } }),
          ...(match?.[1] === undefined || match[2] === undefined
            ? {}
            : { source: { name: match[1], version: match[2] } }),
          licences: [],
          ...(vendor === undefined || vendor === "" || vendor === "(none)" ? {} : { supplier: vendor }),
        },
      });
    }
    return { facts, unread };
  },
};

function* sqliteBlobs(file: Buffer): Generator<Buffer> {
  for (const row of sqliteRows(file, "Packages")) {
    const blob = row.find((value) => Buffer.isBuffer(value));
    if (Buffer.isBuffer(blob)) yield blob;
  }
}

function readBlobs({ bytes }: DetectedFile, blobs: (file: Buffer) => Generator<Buffer>): Findings {
  const facts: Fact[] = [];
  const unread: string[] = [];
  const owned: string[] = [];
  try {
    for (const blob of blobs(bytes)) {
      // Berkeley DB keeps its next number beside the headers.
      if (blob.length < LEAST_HEADER_BYTES) continue;
      const parsed = parseRpmHeader(blob);
      if (parsed === undefined) continue;
      if (typeof parsed === "string") unread.push(parsed);
      else {
        facts.push({ fact: "package", package: parsed.found });
        for (const path of parsed.files) owned.push(path);
      }
    }
  } catch (error) {
    // What was read before the damage counts; that there is damage is said.
    unread.push(error instanceof Unreadable ? error.message : "it is damaged");
  }
  return { facts: [...facts, ...ownedFact(owned).facts], unread };
}
