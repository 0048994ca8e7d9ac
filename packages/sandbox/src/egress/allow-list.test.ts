// Which hosts an entry names.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AllowList, hostName, parseHostPort } from "./allow-list.ts";

const allows = (entries: readonly string[], place: string): boolean =>
  new AllowList(entries).allows(parseHostPort(place)!);

describe("an allow-list", () => {
  it.each([
    [["api.example.com:443"], "api.example.com:443", true],
    [["api.example.com:443"], "API.Example.COM.:443", true],
    [["api.example.com:443"], "api.example.com:80", false],
    [["api.example.com:443"], "example.com:443", false],
    [["api.example.com:443"], "x.api.example.com:443", false],
    [["api.example.com:443"], "api.example.com.evil.net:443", false],
    [["*.example.com:443"], "a.b.example.com:443", true],
    [["*.example.com:443"], "example.com:443", false],
    [["*.example.com:443"], "notexample.com:443", false],
    [["*.1:443"], "10.0.0.1:443", false],
    [["example.com:*"], "example.com:12345", true],
    [["*:443"], "anything.net:443", true],
    [["*:443"], "anything.net:444", false],
    [["10.0.0.7:5432"], "10.0.0.7:5432", true],
    [["10.0.0.7:5432"], "0x0a.0.0.7:5432", true],
    [["10.0.0.7:5432"], "167772167:5432", true],
    [["[::1]:80"], "[0:0::1]:80", true],
    [["bücher.example:443"], "xn--bcher-kva.example:443", true],
    [[], "example.com:443", false],
  ])("%j and %s: %j", (entries, place, expected) => {
    expect(allows(entries, place)).toBe(expected);
  });

  it.each([
    "",
    "example.com",
    ":443",
    "example.com:0",
    "example.com:65536",
    "*.*.com:443",
    "a*b.com:443",
    "a b:1",
    "http://a:1",
    "a/b:1",
    "a@b:1",
  ])("refuses the entry %j", (entry) => {
    expect(() => new AllowList([entry])).toThrow(expect.objectContaining({ code: "egress.host-invalid" }));
  });

  it("names what is reached without a proxy: one host, one port", () => {
    const list = new AllowList(["a.example:443", "a.example:443", "*.b.example:443", "c.example:*", "*:1"]);
    expect(list.exact()).toEqual([{ host: "a.example", port: 443 }]);
  });

  it("allows nothing that is not written", () => {
    fc.assert(
      fc.property(fc.domain(), fc.domain(), fc.integer({ min: 1, max: 65_535 }), (named, asked, port) => {
        const [one, other] = [hostName(named), hostName(asked)];
        fc.pre(one !== undefined && other !== undefined && one !== other);
        return !new AllowList([`${named}:${port}`]).allows({ host: other, port });
      }),
    );
  });
});

describe("a host and a port", () => {
  it.each(["a.example", "a.example:", "a.example:99999", "[::1", "user@a.example:1", "a.example:1/x", "a\n.example:1"])(
    "are not read from %j",
    (text) => {
      expect(parseHostPort(text)).toBeUndefined();
    },
  );
});
