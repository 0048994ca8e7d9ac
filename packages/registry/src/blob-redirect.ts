// Blobs that lie elsewhere: large ones are left to the client (307), small ones and parts for odd clients pass through.
import type { Digest } from "@pratique/core";
import { ociErrors, type LocalRepository } from "@pratique/oci";
import type { IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import { actOf, perform, permit, repositoryResource } from "./act.ts";
import { blobHeaders } from "./blob-headers.ts";
import { parseRange, type Slice } from "./byte-range.ts";
import { hasAlready, rangeApplies } from "./conditional.ts";
import { BASE_HEADERS, sendEmpty, type Exchange, type RegistryParts } from "./exchange.ts";

/** What became of a pull, once it is decided and recorded. */
type Answer = { readonly to: URL } | { readonly slice: Slice | undefined };

/**
 * GET of a blob that is no file here. The address is made after the decision, and given out after the record: it is for
 * this one object and dies soon, and whoever holds it could only read what was just allowed.
 */
export async function sendRemoteBlob(
  parts: RegistryParts,
  exchange: Exchange,
  name: string,
  digest: Digest,
): Promise<void> {
  const { req, res } = exchange;
  const repository = parts.store.repository(name);
  const pull = actOf(exchange, "artifact:pull", repositoryResource(parts, name));
  const sizeBytes = await repository.blobSize(digest);
  if (sizeBytes === undefined) {
    // Who may not pull learns nothing about what is here.
    await permit(parts.guard, pull);
    throw ociErrors("blob.not-found", { digest, repository: name });
  }
  const isKnown = hasAlready(req.headers["if-none-match"], digest);
  const answer = await perform(parts.guard, { ...pull, details: { digest } }, async (note): Promise<Answer> => {
    const to = isKnown || !canFollow(req) ? undefined : await repository.blobAddress(digest, sizeBytes);
    if (to !== undefined) {
      note({ sizeBytes, redirect: to.host });
      return { to };
    }
    const range = rangeApplies(req.headers["if-range"], digest) ? req.headers.range : undefined;
    // For the 416 (RFC 9110 §14.4); with any other answer it goes, or says which part this is.
    res.setHeader("Content-Range", `bytes */${sizeBytes}`);
    const slice = parseRange(range, sizeBytes);
    res.removeHeader("Content-Range");
    note({ sizeBytes, ...(slice === undefined ? {} : { range: `${slice.start}+${slice.length}` }) });
    return { slice };
  });
  if (isKnown) return sendEmpty(res, 304, blobHeaders(digest));
  if ("to" in answer) {
    // Nobody may keep it: the address is a right to read.
    const headers = { Location: answer.to.href, "Docker-Content-Digest": digest, "Cache-Control": "no-store" };
    return sendEmpty(res, 307, headers);
  }
  await passThrough(parts, exchange, repository, { digest, sizeBytes, slice: answer.slice });
}

interface Passage {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly slice: Slice | undefined;
}

async function passThrough(
  parts: RegistryParts,
  { res }: Exchange,
  repository: LocalRepository,
  { digest, sizeBytes, slice }: Passage,
): Promise<void> {
  const part = slice ?? { start: 0, length: sizeBytes };
  const end = part.start + part.length - 1;
  const source = await repository.openBlob(digest, slice === undefined ? undefined : { start: part.start, end });
  res.writeHead(slice === undefined ? 200 : 206, {
    ...BASE_HEADERS,
    ...blobHeaders(digest),
    "Content-Length": String(part.length),
    ...(slice === undefined ? {} : { "Content-Range": `bytes ${part.start}-${end}/${sizeBytes}` }),
  });
  // The head is out: all that can be said now is a connection that breaks off.
  res.setTimeout(parts.limits.idleMs, () => res.destroy());
  try {
    await pipeline(source, res);
  } catch (error) {
    if (!res.destroyed) throw error;
    parts.log.debug("a blob was not sent to its end", { digest, reason: error instanceof Error ? error.message : "" });
  }
}

/** Scripts of web pages cannot: the other host would have to allow them (CORS). Nor can HTTP/1.0. */
function canFollow(req: IncomingMessage): boolean {
  // Node's own `fetch` says `Sec-Fetch-Mode: cors` as well; only browsers add where the page came from.
  const isScript = req.headers["sec-fetch-site"] !== undefined && req.headers["sec-fetch-mode"] === "cors";
  return !isScript && req.httpVersion !== "1.0";
}
