// How we prove to a token endpoint who we are (RFC 6749 §2.3, RFC 7523 §2.2).
import { randomUUID } from "node:crypto";
import type { ClientIdentity } from "./client-identity.ts";

const ASSERTION_S = 120;

/** Puts the proof into the headers or the form of a request. */
export async function authenticateClient(
  client: ClientIdentity,
  headers: Headers,
  form: URLSearchParams,
  now: number,
): Promise<void> {
  const { clientId, clientSecret = "", method } = client;
  switch (method) {
    case "none":
      form.set("client_id", clientId);
      return;
    case "client_secret_post":
      form.set("client_id", clientId);
      form.set("client_secret", clientSecret);
      return;
    case "client_secret_basic": {
      // RFC 6749 §2.3.1: both halves as in a form, so that a colon in one stays in it.
      const pair = [clientId, clientSecret].map(formEncoded).join(":");
      headers.set("authorization", `Basic ${Buffer.from(pair).toString("base64")}`);
      return;
    }
    case "private_key_jwt":
      form.set("client_id", clientId);
      form.set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
      form.set("client_assertion", await assertion(client, now));
  }
}

/** Its audience is the issuer (RFC 7523bis), and no endpoint's address, which another server may name. */
async function assertion({ clientId, privateKey = "", keyAlgorithm = "ES256", issuer }: ClientIdentity, now: number) {
  const { importPKCS8, SignJWT } = await import("jose");
  const key = await importPKCS8(privateKey, keyAlgorithm);
  const seconds = Math.floor(now / 1000);
  return await new SignJWT()
    .setProtectedHeader({ alg: keyAlgorithm, typ: "JWT" })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(issuer)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + ASSERTION_S)
    .setJti(randomUUID())
    .sign(key);
}

function formEncoded(text: string): string {
  return new URLSearchParams({ a: text }).toString().slice(2);
}
