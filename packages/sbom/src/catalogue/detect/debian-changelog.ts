// CVEs that a Debian changelog says are fixed (supply-chain: section 5.2). A mention is all it knows, and a mention is not always a fix.
import { gunzipSync } from "node:zlib";
import { NOTHING, Unreadable, type Detector } from "../facts.ts";

const MAX_UNPACKED_BYTES = 32 * 1024 ** 2;
const MAX_NAMED = 20_000;
/** `dpkg (1.21.22) unstable; urgency=medium`: upstream's own changelogs begin otherwise. */
const ENTRY = /^[a-z0-9][a-z0-9+.-]* \([^()\s]+\) [^;\n]+;/i;

export const debianChangelog: Detector = {
  name: "debian-changelog",
  maxBytes: 16 * 1024 ** 2,
  read: ({ path, bytes }) => {
    const text = path.endsWith(".gz") ? unpack(bytes) : bytes;
    if (!ENTRY.test(text.toString("latin1", 0, 1024).trimStart())) return NOTHING;
    const vulnerabilities = cvesIn(text);
    return vulnerabilities.length === 0 ? NOTHING : { facts: [{ fact: "fixes", vulnerabilities }] };
  },
};

function unpack(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch {
    throw new Unreadable("it is not sound gzip, or too large");
  }
}

/** Every entry of an installed changelog is of the installed version or an older one. */
function cvesIn(text: Buffer): string[] {
  const found = new Set<string>();
  for (let at = text.indexOf("CVE-"); at !== -1; at = text.indexOf("CVE-", at + 4)) {
    const match = /^CVE-\d{4}-\d{4,7}(?!\d)/.exec(text.toString("latin1", at, at + 20));
    if (match !== null) found.add(match[0]);
    if (found.size >= MAX_NAMED) break;
  }
  return [...found].sort();
}
