// What every answer about a blob says of it.
import type { Digest } from "@pratique/core";
import { entityTag } from "./conditional.ts";

export function blobHeaders(digest: Digest): Record<string, string> {
  return {
    "Content-Type": "application/octet-stream",
    "Docker-Content-Digest": digest,
    "Accept-Ranges": "bytes",
    ETag: entityTag(digest),
  };
}
