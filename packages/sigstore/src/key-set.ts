// The public keys of an issuer as it publishes them (RFC 7517): bounded, and no symmetric key among them.
import { z } from "zod";

/** A shared secret has no business in a public key set. */
export const KeySet = z.looseObject({
  keys: z
    .array(z.looseObject({ kty: z.enum(["RSA", "EC", "OKP"]) }))
    .min(1)
    .max(64),
});
