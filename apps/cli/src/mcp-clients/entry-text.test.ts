// Entries go into files of every shape and out again, and nothing else moves.
import fc from "fast-check";
import { stringify as toToml } from "smol-toml";
import { describe, expect, it } from "vitest";
import { stringify as toYaml } from "yaml";
import type { EntryPlace, Format, Tree } from "./entry-format.ts";
import { entryIn, withEntry, withoutEntry } from "./entry-text.ts";

const VALUE: Tree = { type: "http", url: "http://127.0.0.1:7340/mcp", headers: { Authorization: "Bearer abc" } };
const map = (at: string): EntryPlace => ({ at: [at], name: "pratique" });
const list = (at: string): EntryPlace => ({ at: [at], name: "pratique", isList: true });
const NAMED: Tree = { name: "pratique", ...VALUE };

const key = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/).filter((one) => one !== "pratique" && one !== "__proto__");
const scalar = fc.oneof(fc.string({ maxLength: 12 }), fc.integer({ min: -1000, max: 1000 }), fc.boolean());
const server = fc.dictionary(key, fc.oneof(scalar, fc.array(scalar, { maxLength: 3 })), { minKeys: 1, maxKeys: 4 });
const holder = fc.dictionary(key, server, { maxKeys: 4 });
const other = fc.dictionary(key, fc.oneof(scalar, server, fc.array(scalar, { maxLength: 4 })), { maxKeys: 5 });

const jsonFile = fc
  .record({
    tree: fc.record({ other, holder: fc.option(holder, { nil: undefined }), isFirst: fc.boolean() }),
    indent: fc.constantFrom("  ", "    ", "\t", ""),
    eol: fc.constantFrom("\n", "\r\n"),
    ending: fc.constantFrom("", "\n", "\n\n"),
    comments: fc.boolean(),
  })
  .map(({ tree, indent, eol, ending, comments }) => {
    const mine = tree.holder === undefined ? {} : { servers: tree.holder };
    const value = tree.isFirst ? { ...mine, ...tree.other } : { ...tree.other, ...mine };
    let text = JSON.stringify(value, undefined, indent);
    if (comments && indent !== "")
      text = text.replace("{\n", "{\n// a comment, with { and }\n").replaceAll(/,\n/g, ", /* c */\n");
    return text.replaceAll("\n", eol) + ending;
  });

const yamlFile = fc
  .record({
    other,
    holder: fc.option(holder, { nil: undefined }),
    indent: fc.constantFrom(2, 4),
    indentSeq: fc.boolean(),
    ending: fc.boolean(),
  })
  .map(({ other: rest, holder: mine, ...style }) => {
    const text = toYaml(
      { ...rest, ...(mine === undefined ? {} : { servers: mine }) },
      { indent: style.indent, indentSeq: style.indentSeq },
    );
    const commented = text === "{}\n" ? "# empty\n" : `# first\n${text}# last\n`;
    return style.ending ? commented : commented.trimEnd();
  });

const yamlList = fc
  .record({ other, items: fc.array(server, { minLength: 1, maxLength: 3 }), indentSeq: fc.boolean() })
  .map(({ other: rest, items, indentSeq }) => `# first\n${toYaml({ ...rest, servers: items }, { indentSeq })}`);

const tomlFile = fc
  .record({
    other: fc.dictionary(key, scalar, { maxKeys: 4 }),
    holder,
    ending: fc.constantFrom("", "\n", "\n\n# the end\n"),
  })
  .map(({ other: rest, holder: mine, ending }) => `# first\n${toToml({ ...rest, servers: mine }).trimEnd()}${ending}`);

describe.each([
  ["json", jsonFile, map("servers"), VALUE],
  ["yaml", yamlFile, map("servers"), VALUE],
  ["yaml", yamlList, list("servers"), NAMED],
  ["toml", tomlFile, map("servers"), VALUE],
] as const)("%s", (format: Format, files: fc.Arbitrary<string>, place, value) => {
  it("takes an entry beside whatever is there, and gives all else back", () => {
    fc.assert(
      fc.property(files, (text) => {
        const made = !text.includes("servers");
        const after = withEntry(format, text, place, value, "f");
        expect(entryIn(format, after, place, "f")).toEqual(value);
        expect(after.includes("Bearer abc")).toBe(true);
        const back = withoutEntry(format, after, place, made, "f");
        expect(back).not.toContain("Bearer abc");
        const comments = text.split(/\r?\n/).filter((line) => /^\s*(#|\/\/)/.test(line));
        expect(comments.filter((line) => !back.includes(line.trim()))).toEqual([]);
        // To the byte in JSON; the others may lose blank space where the library had to write the file anew.
        expect(format === "json" ? back : text).toBe(text);
      }),
      { numRuns: 150 },
    );
  });
});

describe("a file", () => {
  it.each([
    ["json", '{\n  // mine\n  "servers": {\n    "a": { "x": 1 }, // tail\n  },\n  "z": [1,2],\n}\n', map("servers")],
    ["json", '{"a":1}', map("servers")],
    ["json", '\u{FEFF}{ "servers": {} }', map("servers")],
    [
      "yaml",
      "a: 1 # one\nservers:\n  x:\n    y: 'q'   # kept\n\n  z:\n    text: |\n      block\n# end\n",
      map("servers"),
    ],
    ["yaml", "servers:\n- name: a\n  url: b\n\nother: 1\n", list("servers")],
    ["toml", "# c\nmodel = \"x\"\n\n[servers.a]\nurl = 'b' # kept\n", map("servers")],
  ] as const)("of %s comes back byte for byte: %j", (format, text, place) => {
    const value = "isList" in place ? NAMED : VALUE;
    const after = withEntry(format, text, place, value, "f");
    expect(withoutEntry(format, after, place, !text.includes("servers"), "f")).toBe(text);
  });

  it.each([
    ["yaml", "servers: {a: {x: 1}} # flow\nb: 2\n", map("servers")],
    ["yaml", "servers:\n", map("servers")],
    ["yaml", "servers: []\n", list("servers")],
    ["yaml", "", map("servers")],
    ["json", "", map("servers")],
    ["json", "  \n", map("servers")],
    ["toml", "", map("servers")],
  ] as const)("of %s that is written otherwise takes it, too: %j", (format, text, place) => {
    const value = "isList" in place ? NAMED : VALUE;
    expect(entryIn(format, withEntry(format, text, place, value, "f"), place, "f")).toEqual(value);
  });

  it.each([
    ["json", "{ not json"],
    ["json", "[1]"],
    ["yaml", "a: [1"],
    ["yaml", "- 1\n"],
    ["toml", "a = "],
    ["toml", "servers = 1\n"],
    ["json", '{ "servers": [] }'],
  ] as const)("of %s that cannot be added to is left alone: %j", (format, text) => {
    expect(() => withEntry(format, text, map("servers"), VALUE, "f")).toThrow(
      expect.objectContaining({ code: "connect.unreadable" }) as Error,
    );
  });
});
