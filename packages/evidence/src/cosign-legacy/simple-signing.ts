// Simple signing v1, the payload that cosign 2 signs (containers/image, "atomic signature"; cosign's SIGNATURE_SPEC.md).
import type { Digest } from "@pratique/core";
import { z } from "zod";

const TYPES = ["cosign container image signature", "atomic container signature"];
export const PAYLOAD_LIMIT_BYTES = 64 * 1024;

const Payload = z.looseObject({
  critical: z.looseObject({
    identity: z.looseObject({ "docker-reference": z.string().max(1024) }),
    image: z.looseObject({ "docker-manifest-digest": z.string().max(256) }),
    type: z.string().refine((type) => TYPES.includes(type)),
  }),
});

export interface SimpleSigning {
  /** Where the signer saw the image: a name, and no promise. */
  readonly reference: string;
  readonly digest: string;
}

/** The bytes that are signed. */
export function encodeSimpleSigning(reference: string, digest: Digest): Buffer {
  return Buffer.from(
    JSON.stringify({
      critical: {
        identity: { "docker-reference": reference },
        image: { "docker-manifest-digest": digest },
        type: "cosign container image signature",
      },
      optional: null,
    }),
  );
}

/** Reads verified bytes; undefined when they are no such payload. */
export function decodeSimpleSigning(bytes: Uint8Array): SimpleSigning | undefined {
  try {
    const { critical } = Payload.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
    return { reference: critical.identity["docker-reference"], digest: critical.image["docker-manifest-digest"] };
  } catch {
    // Not JSON, not UTF-8, or of another shape: no payload, which is the answer.
    return undefined;
  }
}
