// The transit engine of HashiCorp Vault, as far as keys that sign go: misbehaves on command, and runs by hand.
import { createECDH, createPublicKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export interface VaultFake {
  readonly address: string;
  /** Requests so far: method and path. */
  readonly requests: string[];
  /** What is answered instead, once. */
  next: { readonly status: number; readonly body: string } | undefined;
  /** A further version of a key. */
  rotate(name: string): void;
  close(): Promise<void>;
}

interface TransitKey {
  readonly type: string;
  readonly versions: KeyObject[];
}

/** Answers as Vault 1.21 does to `token`. */
export async function startVaultFake(token: string): Promise<VaultFake> {
  const keys = new Map<string, TransitKey>();
  const fake: { -readonly [Key in keyof VaultFake]: VaultFake[Key] } = {
    address: "",
    requests: [],
    next: undefined,
    rotate: (name) => void keys.get(name)?.versions.push(generate(keys.get(name)?.type ?? "")),
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
    const { next } = fake;
    fake.next = undefined;
    if (next !== undefined) return answer(next.status, next.body);
    if (req.headers["x-vault-token"] !== token) return answer(403, { errors: ["permission denied"] });
    const [, , , act, name = ""] = (req.url ?? "").split("/");
    const key = keys.get(name);
    if (act === "keys" && req.method === "GET")
      return key === undefined ? answer(404, { errors: [] }) : answer(200, describe(name, key));
    const body = await bodyOf(req);
    if (act === "keys") {
      keys.set(name, { type: String(body["type"]), versions: [generate(String(body["type"]))] });
      return answer(200, { data: null });
    }
    const version = Number(body["key_version"]);
    const privateKey = key?.versions[version - 1];
    if (act !== "sign" || privateKey === undefined) return answer(400, { errors: ["signing key not found"] });
    const input = Buffer.from(String(body["input"]), "base64");
    answer(200, { data: { key_version: version, signature: `vault:v${version}:${signDigest(privateKey, input)}` } });
  };
  const server = createServer((req, res) => void handle(req, res));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  fake.address = `http://127.0.0.1:${address.port}`;
  return fake;
}

function generate(type: string): KeyObject {
  if (type === "ed25519") return generateKeyPairSync("ed25519").privateKey;
  return generateKeyPairSync("ec", { namedCurve: type === "ecdsa-p384" ? "secp384r1" : "prime256v1" }).privateKey;
}

function signDigest(privateKey: KeyObject, input: Buffer): string {
  if (privateKey.asymmetricKeyType === "ed25519") return sign(null, input, privateKey).toString("base64");
  return ecdsa(privateKey, input).toString("base64");
}

/** The orders of P-256 and P-384 (SEC 2). */
const ORDERS: Readonly<Record<string, bigint>> = {
  prime256v1: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  secp384r1: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
};

/** ECDSA over a digest that is there already, which node:crypto does not offer: the curve's work is ECDH's. For tests. */
function ecdsa(privateKey: KeyObject, digest: Buffer): Buffer {
  const curve = privateKey.asymmetricKeyDetails?.namedCurve ?? "";
  const order = ORDERS[curve] ?? 1n;
  const { d = "" } = privateKey.export({ format: "jwk" });
  const ephemeral = createECDH(curve);
  const point = ephemeral.generateKeys();
  const r = numberOf(point.subarray(1, 1 + (point.length - 1) / 2)) % order;
  const k = numberOf(ephemeral.getPrivateKey());
  const s = (power(k, order - 2n, order) * (numberOf(digest) + r * numberOf(Buffer.from(d, "base64url")))) % order;
  const body = Buffer.concat([derInteger(r), derInteger(s)]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let [b, e] = [base % modulus, exponent]; e > 0n; e >>= 1n, b = (b * b) % modulus) {
    if (e & 1n) result = (result * b) % modulus;
  }
  return result;
}

function derInteger(value: bigint): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
  const padded = (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
  return Buffer.concat([Buffer.from([0x02, padded.length]), padded]);
}

function describe(name: string, { type, versions }: TransitKey): unknown {
  const keys = versions.map((privateKey, index) => {
    const publicKey = createPublicKey(privateKey);
    const der = publicKey.export({ type: "spki", format: "der" });
    const text =
      type === "ed25519" ? der.subarray(-32).toString("base64") : publicKey.export({ type: "spki", format: "pem" });
    return [String(index + 1), { public_key: text, name: type }];
  });
  return { data: { name, type, latest_version: versions.length, keys: Object.fromEntries(keys) } };
}

async function bodyOf(req: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}
