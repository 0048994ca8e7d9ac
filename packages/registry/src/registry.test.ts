import * as fc from "fast-check";
import { isPratiqueError } from "@pratique/core";
import { isRepositoryName } from "@pratique/oci";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseContentRange, parseRange, type Slice } from "./byte-range.ts";
import { codeOf, startRegistry, type TestRegistry } from "./registry.fixture.ts";
import { parseTarget } from "./route.ts";

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry({ limits: { idleMs: 150 } });
});
afterAll(() => registry.stop());

describe("the registry", () => {
  it("answers the ping", async () => {
    for (const path of ["/v2/", "/v2"]) expect((await registry.call("GET", path)).status).toBe(200);
  });

  it("asks for credentials before anything else", async () => {
    for (const path of ["/v2/", "/v2/a/tags/list", "/v2/_catalog", "/v2/Not A Name/x"]) {
      const answer = await registry.call("GET", encodeURI(path), { as: "nobody" });
      expect([answer.status, codeOf(answer)]).toEqual([401, "UNAUTHORIZED"]);
      expect(answer.headers["www-authenticate"]).toBe('Basic realm="pratique"');
    }
  });

  it.each([
    ["/v2/UPPER/tags/list", 400, "NAME_INVALID"],
    ["/v2/a..b/tags/list", 400, "NAME_INVALID"],
    ["/v2/../etc/tags/list", 400, "NAME_INVALID"],
    ["/v2/a%2fb/tags/list", 400, "NAME_INVALID"],
    ["/v2/%ff/tags/list", 400, "NAME_INVALID"],
    [`/v2/${"a/".repeat(200)}a/tags/list`, 400, "NAME_INVALID"],
    ["/v2/a/unknown", 404, "UNSUPPORTED"],
    ["/v2/a/blobs/sha256:nope", 400, "DIGEST_INVALID"],
    ["/v2/a/blobs/md5:d41d8cd98f00b204e9800998ecf8427e", 400, "DIGEST_INVALID"],
  ])("refuses %s", async (path, status, code) => {
    const answer = await registry.call("GET", path);
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
  });

  it("says which methods there are", async () => {
    const answer = await registry.call("POST", "/v2/a/tags/list");
    expect([answer.status, codeOf(answer), answer.headers.allow]).toEqual([405, "UNSUPPORTED", "GET, HEAD"]);
  });

  it("gives up a client that sends nothing", async () => {
    const closed = new Promise<void>((resolve) => {
      const socket = connect(registry.port, "127.0.0.1", () => {
        socket.write(
          "PUT /v2/a/manifests/1 HTTP/1.1\r\nHost: x\r\nX-Test-As: owner\r\nContent-Length: 100\r\n\r\nonly this",
        );
      });
      socket.on("error", () => undefined);
      socket.on("close", () => resolve());
    });
    await closed;
  });
});

const component = fc.stringMatching(/^[a-z0-9]+(?:[._-][a-z0-9]+){0,2}$/);
const words = fc.constantFrom("manifests", "blobs", "uploads", "tags", "list", "referrers");
const names = fc
  .array(fc.oneof(component, words), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join("/"))
  .filter(isRepositoryName);

function codeThrownBy(task: () => unknown): string | undefined {
  try {
    task();
    return undefined;
  } catch (error) {
    return isPratiqueError(error) ? error.code : "none";
  }
}

describe("paths", () => {
  it("find their repository, whatever words its name holds", () => {
    fc.assert(
      fc.property(names, (name) => {
        expect(parseTarget(`/v2/${name}/manifests/1`).route).toEqual({ to: "manifest", name, reference: "1" });
        expect(parseTarget(`/v2/${name}/tags/list`).route).toEqual({ to: "tags", name });
        expect(parseTarget(`/v2/${name}/blobs/uploads/`).route).toEqual({ to: "uploads", name });
        expect(parseTarget(`/v2/${name}/blobs/sha256%3Aaa`).route).toEqual({ to: "blob", name, digest: "sha256:aa" });
        const upload = parseTarget(`/v2/${name}/blobs/uploads/0-1?digest=x`);
        expect(upload.route).toEqual({ to: "upload", name, id: "0-1" });
        expect(upload.query.get("digest")).toBe("x");
      }),
    );
  });

  it("never throw anything but a coded error", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const code = codeThrownBy(() => parseTarget(`/v2/${text}`));
        expect(code === undefined || code.startsWith("registry.")).toBe(true);
      }),
    );
  });
});

describe("ranges", () => {
  it("lie inside what is there", () => {
    const header = fc.oneof(
      fc.string(),
      fc.tuple(fc.nat(300), fc.nat(300)).map(([a, b]) => `bytes=${a}-${b}`),
    );
    fc.assert(
      fc.property(header, fc.nat(200), (text, sizeBytes) => {
        let slice: Slice | undefined;
        const code = codeThrownBy(() => (slice = parseRange(text, sizeBytes)));
        expect(code === undefined || code === "registry.range-unsatisfiable").toBe(true);
        const { start, length } = slice ?? { start: 0, length: 0 };
        expect(slice === undefined || length > 0).toBe(true);
        expect(start + length).toBeLessThanOrEqual(sizeBytes);
      }),
    );
  });

  it("of a chunk are FIRST-LAST and nothing else", () => {
    expect(parseContentRange("0-9")).toEqual({ start: 0, length: 10 });
    expect(parseContentRange(undefined)).toBeUndefined();
    for (const text of ["", "9-0", "bytes 0-9/10", "0-", "-5", "1e3-2e3"]) {
      expect(() => parseContentRange(text)).toThrow(expect.objectContaining({ code: "registry.range-malformed" }));
    }
  });
});
