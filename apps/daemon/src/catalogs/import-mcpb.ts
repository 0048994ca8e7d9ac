// A bundle's manifest as an entry: its checksum compared, its signature verified. Nothing of it is unpacked or run.
import { mkdir, rm } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { importMcpb, readDocument } from "@pratique/catalog";
import type { Catalog, ServerEntry } from "@pratique/contracts";
import { fetchFile, readMcpb } from "@pratique/packaging";
import { isAddress, type Fetcher } from "./import-source.ts";

const LIMIT_BUNDLE = 1024 * 1024 * 1024;

export async function importMcpbSource(
  source: string,
  o: {
    readonly fetcher: Fetcher;
    readonly cacheDirectory: string;
    readonly now: Date;
    readonly fileSha256: string | undefined;
  },
): Promise<{ entries: ServerEntry[]; other: Catalog["other"]; notes: string[] }> {
  if (!isAddress(source)) return await readOne(source, source, o);
  const path = join(o.cacheDirectory, "servers", `work-${randomBytes(8).toString("hex")}.mcpb`);
  await mkdir(join(path, ".."), { recursive: true });
  try {
    await fetchFile(source, { path, limitBytes: LIMIT_BUNDLE, fetcher: o.fetcher });
    return await readOne(path, source, o);
  } finally {
    await rm(path, { force: true });
  }
}

async function readOne(
  path: string,
  source: string,
  o: { readonly cacheDirectory: string; readonly now: Date; readonly fileSha256: string | undefined },
): Promise<{ entries: ServerEntry[]; other: Catalog["other"]; notes: string[] }> {
  const { manifest, sha256, signature } = await readMcpb(path, o);
  const { entries } = importMcpb(readDocument(manifest, "manifest.json"), source, source);
  const facts: ServerEntry["other"][string] = JSON.parse(JSON.stringify({ fileSha256: sha256, signature }));
  const note =
    signature.status === "signed"
      ? `signed by ${signature.subject}${signature.isTrusted ? "" : ", whom this machine does not know"}`
      : "nobody signed it";
  return {
    entries: entries.map((entry) => ({ ...entry, other: { ...entry.other, "mcpb-file": facts } })),
    other: {},
    notes: [note],
  };
}
