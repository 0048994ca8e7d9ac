// HashiCorp Vault as far as secrets go: transit keys that encrypt, and KV values; misbehaves on command, and runs by hand.
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export interface VaultSecretsFake {
  readonly address: string;
  /** Requests so far: method and path. */
  readonly requests: string[];
  /** What is answered instead, once. */
  next: { readonly status: number; readonly body: string } | undefined;
  /** KV: fields by path. */
  readonly values: Map<string, Readonly<Record<string, string>>>;
  close(): Promise<void>;
}

/** Answers as Vault 1.21 does to `token`: transit at /transit, KV version 2 at /secret. */
export async function startVaultSecretsFake(token: string): Promise<VaultSecretsFake> {
  const keys = new Map<string, Buffer[]>();
  const fake: { -readonly [Key in keyof VaultSecretsFake]: VaultSecretsFake[Key] } = {
    address: "",
    requests: [],
    next: undefined,
    values: new Map(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    fake.requests.push(`${req.method} ${req.url}`);
    const answer = (status: number, body: unknown): void => {
      res.writeHead(status, { "content-type": "application/json" });
      res.end(typeof body === "string" ? body : JSON.stringify(body));
    };
    const body = await bodyOf(req);
    const { next } = fake;
    fake.next = undefined;
    if (next !== undefined) return answer(next.status, next.body);
    if (req.headers["x-vault-token"] !== token) return answer(403, { errors: ["permission denied"] });
    const [, , mount, act, ...rest] = (req.url ?? "").split("/").map(decodeURIComponent);
    if (mount === "secret" && act === "data") {
      const data = fake.values.get(rest.join("/"));
      if (data === undefined) return answer(404, { errors: [] });
      return answer(200, { data: { data, metadata: { version: 1 } } });
    }
    const [name = ""] = rest;
    if (mount !== "transit") return answer(404, { errors: [`no handler for route "${mount}/${act}/${name}".`] });
    const versions = keys.get(name);
    if (act === "keys" && req.method === "GET") {
      if (versions === undefined) return answer(404, { errors: [] });
      return answer(200, { data: { name, type: "aes256-gcm96", latest_version: versions.length } });
    }
    if (act === "keys" && rest[1] === "rotate") {
      versions?.push(randomBytes(32));
      return answer(200, { data: null });
    }
    if (act === "keys") {
      if (versions === undefined) keys.set(name, [randomBytes(32)]);
      return answer(200, { data: null });
    }
    if (versions === undefined) return answer(400, { errors: ["encryption key not found"] });
    const bound = Buffer.from(String(body["associated_data"] ?? ""), "base64");
    if (act === "encrypt") return answer(200, { data: { ciphertext: encrypt(versions, bound, body) } });
    const plaintext = decrypt(versions, bound, String(body["ciphertext"]));
    if (plaintext === undefined) return answer(400, { errors: ["cipher: message authentication failed"] });
    answer(200, { data: { plaintext } });
  };
  const server = createServer((req, res) => void handle(req, res));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  fake.address = `http://127.0.0.1:${address.port}`;
  return fake;
}

function encrypt(versions: readonly Buffer[], bound: Buffer, body: Record<string, unknown>): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", versions.at(-1) ?? "", nonce);
  cipher.setAAD(bound);
  const text = Buffer.from(String(body["plaintext"]), "base64");
  const sealed = Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
  return `vault:v${versions.length}:${sealed.toString("base64")}`;
}

function decrypt(versions: readonly Buffer[], bound: Buffer, ciphertext: string): string | undefined {
  const [, version = "", text = ""] = ciphertext.split(":");
  const sealed = Buffer.from(text, "base64");
  const key = versions[Number(version.slice(1)) - 1];
  if (key === undefined || sealed.length < 28) return undefined;
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, 12));
  decipher.setAAD(bound);
  decipher.setAuthTag(sealed.subarray(-16));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]).toString("base64");
  } catch {
    return undefined;
  }
}

async function bodyOf(req: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  return chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString());
}
