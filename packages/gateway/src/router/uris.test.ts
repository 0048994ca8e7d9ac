// Whose resource a URI is.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { qualifiedUri, Uris, type UriSource } from "./uris.ts";

const source = (server: string, uris: string[], templates: string[] = []): UriSource => ({
  server,
  uris: new Set(uris),
  templates,
});

describe("a URI", () => {
  it.each([
    ["ui://app/index.html", "ui://~w/app/index.html"],
    ["file:///etc/x", "file://~w//etc/x"],
    ["urn:isbn:1", "urn:~w:isbn:1"],
    ["https://example.com/a?b#c", "https://~w/example.com/a?b#c"],
  ])("%s with its server is %s, and leads back", (uri, qualified) => {
    expect(qualifiedUri("w", uri)).toBe(qualified);
    const uris = new Uris([source("w", [uri]), source("x", [uri])]);
    expect(uris.shown("w", uri)).toBe(qualified);
    expect(uris.route(qualified)).toEqual({ server: "w", uri });
    expect(uris.route(uri)).toBeUndefined();
  });

  it("of a server that is not there leads nowhere", () => {
    const uris = new Uris([source("a", []), source("b", [])]);
    expect(uris.route("x://~nobody/y")).toBeUndefined();
    expect(uris.route("x".repeat(5000))).toBeUndefined();
  });

  it("goes to the template that says most of it", () => {
    const uris = new Uris([source("a", [], ["{+any}"]), source("b", [], ["notes://{id}"])]);
    expect(uris.route("notes://7")).toEqual({ server: "b", uri: "notes://7" });
  });

  const name = fc.constantFrom("a", "b", "c");
  const text = fc.oneof(
    fc.webUrl(),
    fc.constantFrom("x://1", "x://2", "ui://~b/x", "ui://~a/~b/x", "urn:~c:y", "file:///x", "x:", "x://~a/", "x://~a"),
    fc.string({ maxLength: 30 }).map((rest) => `x:${rest}`),
  );

  it("is shown so that it leads to the server that said it, whatever others list", () => {
    fc.assert(
      fc.property(
        fc.dictionary(name, fc.array(text, { maxLength: 5 }), { minKeys: 1 }),
        name,
        text,
        (lists, server, uri) => {
          const sources = Object.entries({ [server]: [], ...lists }).map(([each, uris]) => source(each, uris));
          const uris = new Uris(sources);
          expect(uris.route(uris.shown(server, uri))).toEqual({ server, uri });
        },
      ),
      { numRuns: 2000 },
    );
  });
});
