// The media type that an answer names, when it is a manifest's.
import { isManifestMediaType } from "../media-types.ts";
import type { Answer } from "./registry-session.ts";

export function mediaTypeOf(answer: Answer): string | undefined {
  const mediaType = answer.headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  return mediaType !== undefined && isManifestMediaType(mediaType) ? mediaType : undefined;
}
