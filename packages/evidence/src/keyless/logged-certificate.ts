// Whether the log entry is about the very certificate in the bundle: who watches the log must see who signed.
import type { Bundle } from "@sigstore/bundle";
import { z } from "zod";

const Verifier = z.looseObject({ x509Certificate: z.looseObject({ rawBytes: z.string() }) });

/** The entry kinds that Rekor wrote over the years; each keeps the certificate elsewhere. */
const EntryBody = z.union([
  z
    .looseObject({
      spec: z.looseObject({ hashedRekordV002: z.looseObject({ signature: z.looseObject({ verifier: Verifier }) }) }),
    })
    .transform(({ spec }) => [spec.hashedRekordV002.signature.verifier.x509Certificate.rawBytes]),
  z
    .looseObject({
      spec: z.looseObject({ dsseV002: z.looseObject({ signatures: z.array(z.looseObject({ verifier: Verifier })) }) }),
    })
    .transform(({ spec }) => spec.dsseV002.signatures.map(({ verifier }) => verifier.x509Certificate.rawBytes)),
  z
    .looseObject({ spec: z.looseObject({ signatures: z.array(z.looseObject({ verifier: z.string() })) }) })
    .transform(({ spec }) => spec.signatures.map(({ verifier }) => derOfPem(verifier))),
  z
    .looseObject({
      spec: z.looseObject({ signature: z.looseObject({ publicKey: z.looseObject({ content: z.string() }) }) }),
    })
    .transform(({ spec }) => [derOfPem(spec.signature.publicKey.content)]),
]);

/** Every entry of the bundle names it. An entry of a kind that names none (the old `intoto`) is passed over. */
export function isLogged({ verificationMaterial }: Bundle): boolean {
  const { content, tlogEntries } = verificationMaterial;
  if (content.$case !== "certificate") return false;
  const der = content.certificate.rawBytes.toString("base64");
  return tlogEntries.every(({ canonicalizedBody, kindVersion }) => {
    if (kindVersion?.kind === "intoto") return true;
    const body = EntryBody.safeParse(JSON.parse(canonicalizedBody.toString("utf8")));
    return body.success && body.data.includes(der);
  });
}

/** Base64 of PEM, as Rekor v1 has it, to base64 of DER. */
function derOfPem(content: string): string {
  const pem = Buffer.from(content, "base64").toString("latin1");
  return (/-----BEGIN CERTIFICATE-----([^-]+)-----END/.exec(pem)?.[1] ?? "").replaceAll(/\s/g, "");
}
