// Which URIs a template covers.
import * as fc from "fast-check";
import { UriTemplate } from "@modelcontextprotocol/client";
import { expect, it } from "vitest";
import { fitsTemplate } from "./uri-template.ts";

it.each([
  ["good://page/{number}", "good://page/7", true],
  ["good://page/{number}", "good://page/7/8", false],
  ["good://page/{number}", "good://page/", false],
  ["good://page/{number}", "evil://page/7", false],
  ["file:///{+path}", "file:///a/b/c", true],
  ["x://{a}/{b}.txt", "x://1/2.txt", true],
  ["x://a{/b}{.c}", "x://a/1.2", true],
  ["x://a{?q,r}", "x://a?q=1&r=2", true],
  ["x://a{?q,r}", "x://a?q=1", false],
  ["x://a{#f}", "x://a#1", true],
  ["x://{list*}", "x://a,b", true],
  ["x://{open", "x://{open", false],
  ["x://y", "x://y", true],
])("%s for %s: %s", (template, uri, fits) => {
  expect(fitsTemplate(template, uri)).toBe(fits);
});

it("says the same as the SDK's matcher, for templates that are harmless", () => {
  const part = fc.constantFrom("x", "/", ",", ".", "{a}", "{+b}", "{/c}", "{.d}", "{?e}", "{&f}", "{g*}", "?e=", "&f=");
  const text = fc.array(fc.constantFrom("x", "/", ",", ".", "?e=1", "&f=2", "y"), { maxLength: 8 });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), text, (parts, uri) => {
      const template = parts.join("");
      expect([template, uri.join(""), fitsTemplate(template, uri.join(""))]).toEqual([
        template,
        uri.join(""),
        new UriTemplate(template).match(uri.join("")) !== null,
      ]);
    }),
    { numRuns: 2000, examples: [[["{g*}"], [","]]] },
  );
});

it("takes time in proportion, whatever the template", () => {
  const hostile = `${"{+a}x".repeat(40)}y`;
  expect(fitsTemplate(hostile, "x".repeat(2_000))).toBe(false);
  expect(fitsTemplate("{a*}{a*}{a*}{a*}{a*}!", ",a".repeat(1_000))).toBe(false);
  expect(fitsTemplate("{a}".repeat(2_000), "a")).toBe(false);
});
