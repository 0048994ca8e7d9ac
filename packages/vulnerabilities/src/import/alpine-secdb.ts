// Alpine's secdb: https://secdb.alpinelinux.org. Wolfi and Chainguard publish the same form.
import { z } from "zod";
import type { Advisory, AffectedPackage } from "../database/advisory.ts";
import { versionOrderOf } from "../versions/order-of.ts";

const SecDb = z.object({
  distroversion: z.string().max(50).optional(),
  reponame: z.string().max(50).optional(),
  apkurl: z.string().max(1000).optional(),
  urlprefix: z.string().max(1000).optional(),
  packages: z
    .array(
      z.object({
        pkg: z.object({
          name: z.string().min(1).max(200),
          /** Null for a package that has none. */
          secfixes: z.record(z.string().max(200), z.array(z.string().max(1000)).nullable()).nullish(),
        }),
      }),
    )
    .max(100_000),
});

/** Release and repository, for the name of a source that was not named: `v3.20-main`. */
export function secdbName(value: unknown): string {
  const { distroversion, reponame } = SecDb.parse(value);
  return [distroversion, reponame].filter((part) => part !== undefined && part !== "").join("-");
}

/** One advisory for each vulnerability. Only fixed ones are there: that is all that Alpine publishes. @throws ZodError */
export function readAlpineSecdb(value: unknown): Advisory[] {
  const database = SecDb.parse(value);
  const ecosystem = ecosystemOf(database);
  const found = new Map<string, { aliases: Set<string>; fixes: Map<string, string> }>();
  for (const { pkg } of database.packages) {
    for (const [version, lines] of Object.entries(pkg.secfixes ?? {})) {
      // Version 0: the vulnerability never was in this package.
      if (version === "0") continue;
      for (const line of lines ?? []) {
        const ids = line
          .split(/[\s,;()]+/)
          .filter((id) => /^[A-Z][A-Z0-9]*-[A-Za-z0-9-]+$/.test(id) && id.length < 100);
        const id = ids.find((one) => one.startsWith("CVE-")) ?? ids[0];
        if (id === undefined) continue;
        const entry = found.get(id) ?? { aliases: new Set<string>(), fixes: new Map<string, string>() };
        found.set(id, entry);
        for (const alias of ids) if (alias !== id && !alias.startsWith("CVE-")) entry.aliases.add(alias);
        entry.fixes.set(pkg.name, later(entry.fixes.get(pkg.name), version));
      }
    }
  }
  return [...found].map(([id, { aliases, fixes }]) => ({
    id,
    modified: "",
    ...(aliases.size === 0 ? {} : { aliases: [...aliases] }),
    affected: [...fixes].map(([name, fixed]): AffectedPackage => ({
      ecosystem,
      name,
      ranges: [
        {
          type: "ECOSYSTEM",
          events: [
            ["introduced", "0"],
            ["fixed", fixed],
          ],
        },
      ],
    })),
  }));
}

/** A fix that is named twice was not whole the first time. */
function later(known: string | undefined, version: string): string {
  if (known === undefined) return version;
  return (versionOrderOf("Alpine")?.compare(version, known) ?? 0) > 0 ? version : known;
}

function ecosystemOf({ distroversion = "", urlprefix = "", apkurl = "" }: z.infer<typeof SecDb>): string {
  const place = `${urlprefix} ${apkurl}`;
  if (place.includes("wolfi")) return "Wolfi";
  if (place.includes("chainguard") || place.includes("cgr.dev")) return "Chainguard";
  const release = /^v?(\d+\.\d+)/.exec(distroversion)?.[1];
  return release === undefined ? "Alpine:edge" : `Alpine:v${release}`;
}
