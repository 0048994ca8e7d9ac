// PKCS #11 URIs, and what pkcs11-tool prints (OpenSC 0.23 and 0.27 over softhsm 2.6, recorded). Real tokens: test/interop.
import { isPratiqueError } from "@pratique/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseKeyUri } from "../key-uri.ts";
import { keyIdOf } from "../signing-key.ts";
import { parsePkcs11Uri } from "./pkcs11-uri.ts";
import { tokenKeys, type RunTokenTool } from "./token-keys.ts";
import { readTokenObjects } from "./token-objects.ts";

const LISTING = `Public Key Object; EC  EC_POINT 384 bits
  EC_POINT:   046104115a9a1c7564dbbba28e8802f1407c5d3f71e565138b3fabc94d63e3760499fd0f4c5a106e9f9769d1fd6ba0d813f476b7c550e665edcf2fdd75a1280dbc228da96a14467c65e2170f6eb4443b4754a59db29878ebb8c4e471e33178c6caa41d
  EC_PARAMS:  06052b81040022
  label:      p384
  ID:         02
  Usage:      encrypt, verify, wrap
  Access:     local
Public Key Object; EC_EDWARDS  EC_POINT 255 bits
  EC_POINT:   04204ecb6e983d54fbfc91de28d102504299874dc29d712aa912d568e022066e2d69
  EC_PARAMS:  130c656477617264733235353139 (OID 2.21.100.119.97.114.100.115.50.53.53.49.57)
  label:      ed
  ID:         03
  Usage:      encrypt, verify, wrap
  Access:     local
Public Key Object; EC  EC_POINT 256 bits
  EC_POINT:   044104d8a5121ead0b1faedf68064d530b9c17be02b5004999f617a8e18177b1d2c0f3f8c667d4dc4c6a2cd50a7965764bb1e3c2820497527536380bfb0a2d394f1e0f
  EC_PARAMS:  06082a8648ce3d030107
  label:      p256
  ID:         01
  Usage:      encrypt, verify, wrap
  Access:     local
`;

const NEWER_LISTING = `Public Key Object; EC  EC_POINT 384 bits
  EC Point:   046104115a9a1c7564dbbba28e8802f1407c5d3f71e565138b3fabc94d63e376
              0499fd0f4c5a106e9f9769d1fd6ba0d813f476b7c550e665edcf2fdd75a1280d
              bc228da96a14467c65e2170f6eb4443b4754a59db29878ebb8c4e471e33178c6
              caa41d
  EC Params:  06:05:2b:81:04:00:22 ("secp384r1" OID:"1.3.132.0.34")
  label:      p384
  ID:         2 (0x02)
  Usage:      encrypt, verify, verifyRecover, wrap
  Access:     local
  uri:        pkcs11:model=SoftHSM%20v2;token=pratique;id=%02;object=p384;type=public
Public Key Object; EC_EDWARDS  EC_POINT 255 bits
  EC Point:   04204ecb6e983d54fbfc91de28d102504299874dc29d712aa912d568e022066e
              2d69
  EC Params:  13:0c:65:64:77:61:72:64:73:32:35:35:31:39 ("edwards25519" OID:"1.3.6.1.4.1.11591.15.1")
  label:      ed
  ID:         42:ca:ae:f7:94:b3:02:e9:9f:69:94:91:ee:2e:56:58
  Usage:      encrypt, verify, verifyRecover, wrap
  Access:     local
`;

const parse = (text: string) => parsePkcs11Uri(parseKeyUri(text));

describe("a PKCS #11 URI", () => {
  it("names a token and an object, percent-encoded", () => {
    expect(parse("pkcs11:token=My%20token;object=release%2F1;id=%01%ff;type=private")).toEqual({
      token: "My token",
      label: "release/1",
      idHex: "01ff",
    });
  });

  it.each([
    "pkcs11:object=a?module-path=/tmp/evil.so",
    "pkcs11:object=a?pin-value=1234",
    "pkcs11:token=t",
    "pkcs11:object=a;object=b",
    "pkcs11:object=",
    "pkcs11:object=a%0aID",
    "pkcs11:object=%zz",
    "pkcs11:slot-id=1;object=a",
    "pkcs11:object",
  ])("is not %s, and no PIN in it is repeated", (text) => {
    const attempt = (): unknown => parse(text);
    expect(attempt).toThrow(expect.objectContaining({ code: "key.bad-uri" }));
    expect(attempt).not.toThrow(/1234/);
  });

  it("survives any text", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        expect(outcomeOf(`pkcs11:${text}`)).toMatch(/^(?:key\.bad-uri|read [^\p{Cc}]*)$/u);
      }),
    );
  });
});

/** What became of reading it. */
function outcomeOf(text: string): string {
  try {
    const { label, token } = parse(text);
    return `read ${label ?? ""} ${token ?? ""}`;
  } catch (error) {
    return isPratiqueError(error) ? error.code : String(error);
  }
}

describe("a token's objects", () => {
  it("are read with their public keys, of old and new versions of the tool alike", () => {
    const curves = (listing: string) =>
      readTokenObjects(listing).map(({ label, idHex, publicKey }) => [
        label,
        idHex,
        publicKey?.asymmetricKeyDetails?.namedCurve ?? publicKey?.asymmetricKeyType,
      ]);
    expect(curves(LISTING)).toEqual([
      ["p384", "02", "secp384r1"],
      ["ed", "03", "ed25519"],
      ["p256", "01", "prime256v1"],
    ]);
    expect(curves(NEWER_LISTING)).toEqual([
      ["p384", "02", "secp384r1"],
      ["ed", "42caaef794b302e99f699491ee2e5658", "ed25519"],
    ]);
    const [older] = readTokenObjects(LISTING);
    const [newer] = readTokenObjects(NEWER_LISTING);
    expect(older!.publicKey!.equals(newer!.publicKey!)).toBe(true);
  });

  it("with a point off the curve have no key", () => {
    const altered = LISTING.replace("d8a5121e", "d8a5121f");
    expect(readTokenObjects(altered).at(-1)?.publicKey).toBeUndefined();
  });
});

describe("a key in a token", () => {
  const provider = (runTool: RunTokenTool) => tokenKeys({ module: "/m.so", runTool, scratchDirectory: "/tmp" });

  it("is none of two with one name, until its ID says which", async () => {
    const twice = LISTING.replace("label:      p384", "label:      p256");
    const keys = provider(async () => ({ code: 0, stdout: Buffer.from(twice), stderr: "" }));
    await expect(keys.open(parseKeyUri("pkcs11:object=p256"))).rejects.toMatchObject({ code: "key.bad-uri" });
    expect((await keys.open(parseKeyUri("pkcs11:object=p256;id=%01"))).algorithm).toBe("ecdsa-p256");
  });

  it("makes no signature that is another key's", async () => {
    const keys = provider(async (_command, args) => ({
      code: 0,
      stdout: args.includes("--sign") ? Buffer.from("3006020101020101", "hex") : Buffer.from(LISTING),
      stderr: "",
    }));
    const key = await keys.open(parseKeyUri("pkcs11:object=p256"));
    expect(key.keyId).toBe(keyIdOf(readTokenObjects(LISTING).at(-1)!.publicKey!));
    await expect(key.sign(Buffer.from("x"))).rejects.toMatchObject({ code: "key.refused" });
  });
});
