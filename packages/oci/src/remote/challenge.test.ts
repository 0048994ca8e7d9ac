// Challenges, as registries write them and as nobody should.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseChallenges } from "./challenge.ts";
import { nextLink } from "./link-header.ts";

const plain = (header: string): unknown =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

describe("parseChallenges", () => {
  it("reads what Docker Hub and others send", () => {
    const header =
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"';
    expect(plain(header)).toEqual([
      [
        "bearer",
        { realm: "https://auth.docker.io/token", service: "registry.docker.io", scope: "repository:a/b:pull,push" },
      ],
    ]);
  });

  it("reads several challenges, tokens and quoted pairs", () => {
    expect(plain('Basic realm="a \\"b\\"", Bearer Realm=x , service = "y", Negotiate')).toEqual([
      ["basic", { realm: 'a "b"' }],
      ["bearer", { realm: "x", service: "y" }],
      ["negotiate", {}],
    ]);
  });

  it("comes to an end on any text", () => {
    fc.assert(fc.property(fc.string({ maxLength: 300 }), (text) => void parseChallenges(text)));
  });

  it("reads back parameters of any value", () => {
    const value = fc.string({ unit: "grapheme-ascii", maxLength: 40 });
    fc.assert(
      fc.property(value, (text) => {
        const quoted = text.replace(/["\\]/g, "\\$&");
        expect(parseChallenges(`Bearer realm="${quoted}",service="s"`)[0]?.parameters.get("realm")).toBe(text);
      }),
    );
  });
});

describe("nextLink", () => {
  it("finds the next page among the links", () => {
    expect(nextLink('</v2/a/tags/list?last=b&n=1>; rel="next"')).toBe("/v2/a/tags/list?last=b&n=1");
    expect(nextLink('</a>; rel="prev", </b>; title="x"; rel=next')).toBe("/b");
    expect(nextLink('</a>; rel="prev"')).toBeUndefined();
    expect(nextLink(undefined)).toBeUndefined();
  });
});
