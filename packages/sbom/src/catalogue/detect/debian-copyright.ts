// Licences from a Debian package's copyright file: machine-readable (DEP-5) or by the common licences it points to.
import { NOTHING, type Detector } from "../facts.ts";

const MAX_LICENCES = 64;

export const debianCopyright: Detector = {
  name: "debian-copyright",
  maxBytes: 4 * 1024 ** 2,
  read: ({ bytes }) => {
    const text = bytes.toString("utf8");
    const found = new Set<string>();
    for (const [, short] of text.matchAll(/^License:[ \t]*(\S[^\n]*)$/gim)) {
      if (short !== undefined && short.length < 200) for (const one of alternatives(short)) found.add(one);
    }
    if (found.size === 0) {
      for (const [, name] of text.matchAll(/\/usr\/share\/common-licenses\/([A-Za-z0-9.+-]*[A-Za-z0-9+])/g)) {
        if (name !== undefined) found.add(spdxOf(name));
      }
    }
    if (found.size === 0) return NOTHING;
    return { facts: [{ fact: "licences", licences: [...found].sort().slice(0, MAX_LICENCES) }] };
  },
};

/** `GPL-2+ or Artistic, and Expat` (DEP-5 "License"): each by itself, with `or` kept where it can be said in SPDX. */
function alternatives(short: string): string[] {
  const parts = short.split(/,?\s+and(?:\/or)?\s+|,\s+/i).map((part) => part.trim());
  return parts
    .filter((part) => part !== "")
    .map((part) =>
      part
        .split(/\s+or\s+/i)
        .map(spdxOf)
        .join(" OR "),
    );
}

const NAMES: Readonly<Record<string, string>> = {
  expat: "MIT",
  "public-domain": "LicenseRef-Debian-public-domain",
  "bsd-2-clause": "BSD-2-Clause",
  "bsd-3-clause": "BSD-3-Clause",
  "bsd-4-clause": "BSD-4-Clause",
  bsd: "BSD-3-Clause",
  artistic: "Artistic-1.0-Perl",
  "artistic-2": "Artistic-2.0",
  "apache-2": "Apache-2.0",
  zlib: "Zlib",
  isc: "ISC",
  mpl: "MPL-1.1",
  cc0: "CC0-1.0",
  psf: "PSF-2.0",
  python: "PSF-2.0",
};

/** Debian's short names (copyright-format 1.0) in SPDX's words, else as they stand. */
function spdxOf(name: string): string {
  const known = NAMES[name.toLowerCase()];
  if (known !== undefined) return known;
  const gnu = /^(A?GPL|LGPL|GFDL)(?:-NIV)?(?:-?v?(\d(?:\.\d)?))?(\+)?$/i.exec(name);
  if (gnu?.[1] !== undefined && gnu[2] !== undefined) {
    const version = gnu[2].includes(".") ? gnu[2] : `${gnu[2]}.0`;
    return `${gnu[1].toUpperCase()}-${version}-${gnu[3] === undefined ? "only" : "or-later"}`;
  }
  return name;
}
