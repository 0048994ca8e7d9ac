// Blobs of upstreams on their way out: from the cache, or while they come.
import { parseDigest, type JsonObject } from "@pratique/core";
import { ociErrors } from "@pratique/oci";
import { actOf, perform, permit, repositoryResource } from "../act.ts";
import { getBlob } from "../blob-download.ts";
import { blobHeaders } from "../blob-headers.ts";
import { parseRange, type Slice } from "../byte-range.ts";
import { hasAlready, rangeApplies } from "../conditional.ts";
import { BASE_HEADERS, sendEmpty, type Exchange } from "../exchange.ts";
import type { UpstreamExchange } from "./answer-upstream.ts";
import type { BlobTransfer, TransferReader } from "./blob-transfer.ts";
import type { NeededBlob } from "./pull-through.ts";
import { sendGrowing } from "./send-growing.ts";
import { permitRepository } from "./upstream-manifest.ts";

/** A blob goes to whoever may pull a manifest that needs it. */
async function permittedBlob(own: UpstreamExchange, text: string): Promise<NeededBlob> {
  const { exchange, parts, place, pullThrough } = own;
  const digest = parseDigest(text);
  await permitRepository(own);
  const needed = await pullThrough.neededBlob(place, digest);
  if (needed === undefined) {
    const hint = "pull the manifest that needs it first: only what a manifest needs is fetched";
    throw ociErrors("blob.not-found", { digest, repository: place.local }, { hint });
  }
  let last: Parameters<typeof permit>[1] | undefined;
  for (const manifest of needed.by) {
    last = actOf(exchange, "artifact:pull", await pullThrough.artifact(place, manifest), { details: { blob: digest } });
    if (parts.guard.decide(last).allow) return needed;
  }
  if (last !== undefined) await permit(parts.guard, last);
  return needed;
}

export async function headUpstreamBlob(own: UpstreamExchange, text: string): Promise<void> {
  const { descriptor } = await permittedBlob(own, text);
  const { req, res } = own.exchange;
  const headers = blobHeaders(descriptor.digest);
  if (hasAlready(req.headers["if-none-match"], descriptor.digest)) return sendEmpty(res, 304, headers);
  res.writeHead(200, { ...BASE_HEADERS, ...headers, "Content-Length": String(descriptor.size) });
  res.end();
}

export async function getUpstreamBlob(own: UpstreamExchange, text: string): Promise<void> {
  const { exchange, parts, place, pullThrough } = own;
  const { descriptor } = await permittedBlob(own, text);
  const { digest } = descriptor;
  const isCached = async (): Promise<boolean> =>
    (await parts.store.repository(place.name).blobSize(digest)) !== undefined;
  if (await isCached()) return getBlob(parts, exchange, place.name, digest);
  if (hasAlready(exchange.req.headers["if-none-match"], digest)) {
    return sendEmpty(exchange.res, 304, blobHeaders(digest));
  }
  const transfer = pullThrough.transfers.of(place, descriptor);
  const pull = actOf(exchange, "artifact:pull", repositoryResource(parts, place.name), { details: { digest } });
  // It is allowed already: the upstream begins to answer while the record is written.
  let slice: Slice | undefined;
  try {
    slice = await perform(parts.guard, pull, (note) => sliceOf(exchange, transfer, note));
  } finally {
    transfer.begin();
  }
  try {
    await transfer.opened;
  } catch (error) {
    await perform(parts.guard, pull, () => Promise.reject(error));
  }
  const reader = transfer.attach();
  if (reader === undefined) {
    // It came in between.
    await transfer.kept;
    return getBlob(parts, exchange, place.name, digest);
  }
  try {
    await sendComing(own, transfer, reader, slice);
  } finally {
    reader.release();
  }
}

async function sliceOf(
  { req, res }: Exchange,
  { digest, sizeBytes }: BlobTransfer,
  note: (details: JsonObject) => void,
): Promise<Slice | undefined> {
  const range = rangeApplies(req.headers["if-range"], digest) ? req.headers.range : undefined;
  // For the 416 (RFC 9110 §14.4).
  res.setHeader("Content-Range", `bytes */${sizeBytes}`);
  const asked = parseRange(range, sizeBytes);
  res.removeHeader("Content-Range");
  note({ sizeBytes, source: "upstream", ...(asked === undefined ? {} : { range: `${asked.start}+${asked.length}` }) });
  return asked;
}

async function sendComing(
  { exchange, parts }: UpstreamExchange,
  transfer: BlobTransfer,
  reader: TransferReader,
  slice: Slice | undefined,
): Promise<void> {
  const { res } = exchange;
  const { digest, sizeBytes } = transfer;
  const part: Slice = slice ?? { start: 0, length: sizeBytes };
  res.writeHead(slice === undefined ? 200 : 206, {
    ...BASE_HEADERS,
    ...blobHeaders(digest),
    "Content-Length": String(part.length),
    ...(slice === undefined
      ? {}
      : { "Content-Range": `bytes ${part.start}-${part.start + part.length - 1}/${sizeBytes}` }),
  });
  const options = { shelf: parts.shelf, idleMs: parts.limits.idleMs };
  const isWhole = await sendGrowing({ transfer, reader }, part, res, options);
  if (!isWhole) parts.log.debug("a blob from upstream was not sent to its end", { digest });
}
