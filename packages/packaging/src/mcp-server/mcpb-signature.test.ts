// Signatures of bundles: made as the official tool makes them, and broken in every way that somebody might.
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyMcpbSignature } from "./mcpb-signature.ts";

/** The certificate is made when the test runs. */
const NOW = new Date(Date.now() + 3_600_000);
let home: string;
let archive: Buffer;
let signed: Buffer;
let certificate: string;

const openssl = (...args: string[]): void => void execFileSync("openssl", args, { cwd: home, stdio: "pipe" });

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "mcpb-"));
  const extension = ["-addext", "extendedKeyUsage=codeSigning", "-subj", "/O=Bundles/CN=Publisher"];
  openssl(
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-keyout",
    "key.pem",
    "-out",
    "cert.pem",
    "-days",
    "9000",
    ...extension,
  );
  archive = Buffer.from("PK\u0005\u0006 as if it were an archive");
  await writeFile(join(home, "content"), archive);
  openssl(
    "cms",
    "-sign",
    "-binary",
    "-in",
    "content",
    "-signer",
    "cert.pem",
    "-inkey",
    "key.pem",
    "-outform",
    "DER",
    "-out",
    "sig.der",
    "-md",
    "sha256",
  );
  certificate = await readFile(join(home, "cert.pem"), "utf8");
  signed = withBlock(archive, await readFile(join(home, "sig.der")));
});
afterAll(() => rm(home, { recursive: true, force: true }));

/** As `@anthropic-ai/mcpb` writes it. */
function withBlock(content: Buffer, signature: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(signature.length);
  return Buffer.concat([content, Buffer.from("MCPB_SIG_V1"), length, signature, Buffer.from("MCPB_SIG_END")]);
}

async function verify(bytes: Buffer, roots: readonly string[] = [], now = NOW): ReturnType<typeof verifyMcpbSignature> {
  const path = join(home, "bundle.mcpb");
  await writeFile(path, bytes);
  return await verifyMcpbSignature(path, { now, roots });
}

describe("the signature of a bundle", () => {
  it("says who signed, and that nobody here knows him", async () => {
    expect(await verify(signed)).toMatchObject({
      status: "signed",
      subject: "O=Bundles, CN=Publisher",
      isSelfSigned: true,
      isTrusted: false,
    });
  });

  it("is trusted under a root that is, while it is valid", async () => {
    expect(await verify(signed, [certificate])).toMatchObject({ status: "signed", isTrusted: true });
    expect(await verify(signed, [certificate], new Date("2060-01-01"))).toMatchObject({ isTrusted: false });
  });

  it("is missed where there is none", async () => {
    expect(await verify(archive)).toEqual({ status: "unsigned" });
  });

  it("does not hold for what was changed, whichever byte it is", async () => {
    for (const at of [0, 5, archive.length - 1]) {
      const changed = Buffer.from(signed);
      changed[at]! ^= 1;
      expect(await verify(changed)).toEqual({ status: "invalid", reason: "it was changed after it was signed" });
    }
  });

  it("does not hold for bytes before or after what was signed", async () => {
    expect(await verify(Buffer.concat([Buffer.from("x"), signed]))).toMatchObject({ status: "invalid" });
    const signature = await readFile(join(home, "sig.der"));
    expect(await verify(withBlock(Buffer.concat([archive, Buffer.from("x")]), signature))).toMatchObject({
      status: "invalid",
    });
  });

  it("is nobody else's that is trusted when a byte of its block is changed, and never breaks the verifier", async () => {
    const trusted = new Set<string>();
    for (let at = archive.length; at < signed.length; at += 7) {
      const changed = Buffer.from(signed);
      changed[at]! ^= 0x41;
      const found = await verify(changed, [certificate]);
      // What nobody vouches for may say anything of itself; it is never taken for a certificate that somebody does.
      if (found.status === "signed" && found.isTrusted) trusted.add(found.subject);
    }
    expect([...trusted].filter((subject) => subject !== "O=Bundles, CN=Publisher")).toEqual([]);
  });

  it.each([
    [
      "a length that is not its own",
      () =>
        Buffer.concat([archive, Buffer.from("MCPB_SIG_V1"), Buffer.from([9, 0, 0, 0]), Buffer.from("MCPB_SIG_END")]),
    ],
    ["no beginning", () => Buffer.concat([archive, Buffer.from("MCPB_SIG_END")])],
    ["no PKCS#7 in it", () => withBlock(archive, Buffer.from("not a signature"))],
    ["nothing in it", () => withBlock(archive, Buffer.alloc(0))],
  ])("does not hold with %s", async (_, bytes) => {
    expect(await verify(bytes())).toMatchObject({ status: "invalid" });
  });
});
