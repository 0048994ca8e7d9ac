// How an event travels to a webhook: CloudEvents' HTTP binding 1.0.2, signed as Standard Webhooks asks.
import type { RegistryEvent } from "@pratique/contracts";
import { createHmac } from "node:crypto";

export interface WebhookRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface WebhookForm {
  readonly mode: "structured" | "binary";
  readonly secret: string | undefined;
  readonly now: Date;
}

export function webhookRequest(event: RegistryEvent, { mode, secret, now }: WebhookForm): WebhookRequest {
  const isBinary = mode === "binary";
  const body = JSON.stringify(isBinary ? event.data : event);
  const seconds = String(Math.floor(now.getTime() / 1000));
  return {
    body,
    headers: {
      ...(isBinary ? binaryHeaders(event) : { "content-type": "application/cloudevents+json; charset=utf-8" }),
      "content-length": String(Buffer.byteLength(body)),
      "user-agent": "pratique",
      "webhook-id": event.id,
      "webhook-timestamp": seconds,
      ...(secret === undefined ? {} : { "webhook-signature": signature(secret, event.id, seconds, body) }),
    },
  };
}

/** `v1,` and the HMAC-SHA256 of `id.timestamp.body` (standard-webhooks.md, "Signature scheme"). */
function signature(secret: string, id: string, seconds: string, body: string): string {
  const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice("whsec_".length), "base64") : secret;
  return `v1,${createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64")}`;
}

function binaryHeaders(event: RegistryEvent): Record<string, string> {
  const { data: _data, datacontenttype, ...attributes } = event;
  const headers: Record<string, string> = { "content-type": datacontenttype };
  for (const [name, value] of Object.entries(attributes)) headers[`ce-${name}`] = headerValue(String(value));
  return headers;
}

/** Percent-encodes space, `"`, `%` and what is not printable ASCII (HTTP binding §3.1.3.2). */
function headerValue(text: string): string {
  return text.replaceAll(/[^\u0021\u0023\u0024\u0026-\u007e]/gu, (character) =>
    encodeURIComponent(character.toWellFormed()),
  );
}
