// Detectors on what their tools write.
import { deflateRawSync, deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { Unreadable, type Detector, type FoundPackage } from "../facts.ts";
import { apkInstalled } from "./apk.ts";
import { executable } from "./binary.ts";
import { dpkgStatus } from "./dpkg.ts";
import { composerInstalled, condaPackage, dotnetDependencies, gemSpecification } from "./installed-others.ts";
import { javaArchive } from "./java.ts";
import { npmPackage } from "./npm.ts";
import { osRelease } from "./os-release.ts";
import { pythonMetadata } from "./python.ts";

const packages = (detector: Detector, bytes: Buffer | string, path = "x"): FoundPackage[] =>
  detector
    .read({ path, bytes: Buffer.from(bytes) })
    .facts.flatMap((fact) => (fact.fact === "package" ? [fact.package] : []));

const APK = `C:Q1FXhMRrzZqpkaHqFmmPBZ+ZTFvnY=
P:musl
V:1.2.5-r0
A:x86_64
S:409000
T:the musl c library (libc) implementation
L:MIT
o:musl
m:Timo Teräs <timo.teras@iki.fi>
p:so:libc.musl-x86_64.so.1=1
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755

P:libcrypto3
V:3.3.1-r0
A:x86_64
L:Apache-2.0
o:openssl
D:so:libc.musl-x86_64.so.1 !old>=1
F:usr/lib/node_modules/x
R:package.json
`;

describe("apk", () => {
  it("has packages with their origin, needs and files", () => {
    expect(packages(apkInstalled, APK)).toMatchObject([
      { type: "apk", name: "musl", version: "1.2.5-r0", licences: ["MIT"], provides: ["so:libc.musl-x86_64.so.1"] },
      {
        name: "libcrypto3",
        qualifiers: { arch: "x86_64" },
        source: { name: "openssl", version: "3.3.1-r0" },
        needs: ["so:libc.musl-x86_64.so.1"],
      },
    ]);
    const { facts } = apkInstalled.read({ path: "x", bytes: Buffer.from(APK) });
    expect(facts.at(-1)).toEqual({ fact: "owned", paths: ["usr/lib/node_modules/x/package.json"] });
  });
});

describe("Python", () => {
  it("reads a wheel's, an egg's and a distutils' metadata", () => {
    const text =
      "Metadata-Version: 2.4\nName: Foo.Bar_baz\nVersion: 1.0.post1\nLicense-Expression: MIT OR Apache-2.0\nAuthor: A\n" +
      'Requires-Dist: typing_extensions>=4; python_version < "3.12"\nRequires-Dist: pytest; extra == "test"\n\nName: body\n';
    expect(packages(pythonMetadata, text)).toEqual([
      {
        type: "pypi",
        name: "Foo.Bar_baz",
        version: "1.0.post1",
        licences: ["MIT OR Apache-2.0"],
        supplier: "A",
        needs: ["typing-extensions"],
      },
    ]);
    const old = "Name: x\nVersion: 1\nLicense: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\n";
    expect(packages(pythonMetadata, old)[0]?.licences).toEqual(["MIT License"]);
  });
});

describe("npm", () => {
  it.each([
    [{ name: "@a/b", version: "1.0.0", license: "MIT" }, "@a", "b", ["MIT"]],
    [{ name: "c", version: "1.0.0", licenses: [{ type: "MIT" }, { type: "ISC" }] }, undefined, "c", ["MIT", "ISC"]],
    [{ name: "c", version: "1.0.0", license: { type: "BSD" } }, undefined, "c", ["BSD"]],
  ])("reads %j", (json, namespace, name, licences) => {
    const [found] = packages(npmPackage, JSON.stringify(json));
    expect([found?.namespace, found?.name, found?.licences]).toEqual([namespace, name, licences]);
  });

  it.each(['{"type":"module"}', '{"name":"a"}', '{"name":"a b","version":"1"}', "[]", '{"name":1,"version":"1"}'])(
    "takes no package from %s",
    (text) => expect(packages(npmPackage, text)).toEqual([]),
  );
});

describe("further ecosystems", () => {
  it("reads what RubyGems, .NET, Composer and conda install", () => {
    const gem =
      'Gem::Specification.new do |s|\n  s.name = "rake".freeze\n  s.version = "13.0.6"\n  s.licenses = ["MIT".freeze]\nend\n';
    expect(packages(gemSpecification, gem)).toEqual([
      { type: "gem", name: "rake", version: "13.0.6", licences: ["MIT"] },
    ]);
    const deps = { libraries: { "Newtonsoft.Json/13.0.3": { type: "package" }, "App/1.0.0": { type: "project" } } };
    expect(packages(dotnetDependencies, JSON.stringify(deps)).map(({ name }) => name)).toEqual(["Newtonsoft.Json"]);
    const composer = { packages: [{ name: "symfony/yaml", version: "v6.4.0", license: ["MIT"] }] };
    expect(packages(composerInstalled, JSON.stringify(composer))).toMatchObject([
      { namespace: "symfony", version: "6.4.0" },
    ]);
    const conda = { name: "numpy", version: "1.26.4", build: "py311h64a7726_0", license: "BSD-3-Clause" };
    expect(packages(condaPackage, JSON.stringify(conda))).toMatchObject([
      { type: "conda", licences: ["BSD-3-Clause"] },
    ]);
  });

  it("knows a distribution by os-release", () => {
    const text = 'NAME=\'Red Hat\'\nID="rhel"\nVERSION_ID="9.4"\n# ID=other\n';
    expect(osRelease.read({ path: "x", bytes: Buffer.from(text) }).facts).toEqual([
      { fact: "distribution", distribution: { id: "rhel", version: "9.4", name: "Red Hat" } },
    ]);
  });
});

describe("executables", () => {
  const sentinel = Buffer.alloc(16, 0xf9);
  const modules =
    "path\tgithub.com/acme/tool\nmod\tgithub.com/acme/tool\t(devel)\t\ndep\tgolang.org/x/net\tv0.1.0\th1:x\n" +
    'dep\tgithub.com/old/dep\tv1.0.0\n=>\tgithub.com/new/dep\tv1.0.1\th1:y\nbuild\t-ldflags="-X main.version=2.3.4"\n';
  const expected = [
    ["github.com/acme/tool", "v2.3.4"],
    ["golang.org/x/net", "v0.1.0"],
    ["github.com/new/dep", "v1.0.1"],
    ["stdlib", "v1.22.1"],
  ];
  const listed = (bytes: Buffer): string[][] =>
    packages(executable, bytes).map(({ namespace, name, version }) => [
      namespace === undefined ? name : `${namespace}/${name}`,
      version,
    ]);

  it("of Go name their modules", () => {
    const text = Buffer.concat([sentinel, Buffer.from(modules), sentinel]);
    const header = Buffer.alloc(32);
    header.write("\u00ff Go buildinf:", "latin1");
    header.set([8, 2], 14);
    const section = Buffer.concat([header, counted(Buffer.from("go1.22.1")), counted(text)]);
    expect(listed(elfOf({ ".go.buildinfo": section }))).toEqual(expected);
  });

  it("of Go before 1.18, too, which point to their texts", () => {
    const text = Buffer.concat([sentinel, Buffer.from(modules), sentinel]);
    const version = Buffer.from("go1.22.1");
    // One segment maps the file at 0x10000; texts and their headers lie behind the build info's 64 bytes.
    const base = 0x1_0000n;
    const at = BigInt(SECTIONS_AT);
    const section = Buffer.alloc(96 + version.length + text.length);
    section.write("\u00ff Go buildinf:", "latin1");
    section.set([8, 0], 14);
    section.writeBigUInt64LE(base + at + 64n, 16);
    section.writeBigUInt64LE(base + at + 80n, 24);
    section.writeBigUInt64LE(base + at + 96n, 64);
    section.writeBigUInt64LE(BigInt(version.length), 72);
    section.writeBigUInt64LE(base + at + 96n + BigInt(version.length), 80);
    section.writeBigUInt64LE(BigInt(text.length), 88);
    version.copy(section, 96);
    text.copy(section, 96 + version.length);
    expect(listed(elfOf({ ".go.buildinfo": section }))).toEqual(expected);
  });

  it("of Cargo name their crates", () => {
    const json = {
      packages: [
        { name: "app", version: "0.1.0", source: "local", dependencies: [1, 2], root: true },
        { name: "serde", version: "1.0.200", source: "crates.io" },
        { name: "cc", version: "1.0.0", source: "crates.io", kind: "build" },
      ],
    };
    const found = packages(executable, elfOf({ ".dep-v0": deflateSync(JSON.stringify(json)) }));
    expect(found.map(({ name, scope, needs }) => [name, scope, needs])).toEqual([
      ["app", "runtime", ["serde", "cc"]],
      ["serde", "runtime", []],
      ["cc", "development", []],
    ]);
  });

  it("are known by what is in them, where no database is", () => {
    const node = elfOf({ ".rodata": Buffer.from("x\0node.js/v22.11.0\0y") });
    expect(packages(executable, node, "usr/local/bin/node")).toMatchObject([
      { type: "generic", name: "node", version: "22.11.0" },
    ]);
    const python = elfOf({ ".rodata": Buffer.from("lib/python3.12\0\x003.12.7\0") });
    expect(packages(executable, python, "usr/local/lib/libpython3.12.so.1.0")).toMatchObject([{ version: "3.12.7" }]);
    expect(packages(executable, node, "usr/local/bin/other")).toEqual([]);
  });
});

describe("Java archives", () => {
  const pom = (group: string, artifact: string, version: string) => ({
    [`META-INF/maven/${group}/${artifact}/pom.properties`]: `#c\nversion=${version}\ngroupId=${group}\nartifactId=${artifact}\n`,
  });
  const coordinates = (bytes: Buffer, path: string): string[] =>
    packages(javaArchive, bytes, path).map(({ namespace, name, version }) => `${namespace}:${name}:${version}`);

  it("are what Maven wrote into them, with what was shaded in", () => {
    const jar = zipOf({ ...pom("org.a", "own", "1.0"), ...pom("org.b", "shaded", "2.0") });
    expect(coordinates(jar, "lib/own-1.0.jar")).toEqual(["org.a:own:1.0", "org.b:shaded:2.0"]);
    expect(packages(javaArchive, jar, "lib/own-1.0.jar")[0]?.hashes?.["SHA1"]).toMatch(/^[0-9a-f]{40}$/);
  });

  it("are told by manifest and name where there is nothing else", () => {
    const manifest =
      "Manifest-Version: 1.0\r\nBundle-SymbolicName: org.acme.li\r\n brary;singleton:=true\r\nBundle-Version: 3.1\r\n";
    expect(coordinates(zipOf({ "META-INF/MANIFEST.MF": manifest }), "x/library-3.1.jar")).toEqual([
      "org.acme:library:3.1",
    ]);
    expect(coordinates(zipOf({ "a.class": "x" }), "commons-io-2.11.0.jar")).toEqual(["commons-io:commons-io:2.11.0"]);
    expect(coordinates(zipOf({ "a.class": "x" }), "app.jar")).toEqual([]);
  });

  it("are read within each other, and no deeper than it is honest", () => {
    const inner = zipOf(pom("org.a", "inner", "1.0"));
    const war = zipOf({ ...pom("org.a", "outer", "1.0"), "WEB-INF/lib/inner-1.0.jar": inner });
    expect(coordinates(war, "outer.war")).toEqual(["org.a:outer:1.0", "org.a:inner:1.0"]);
    let deep = inner;
    for (let depth = 0; depth < 10; depth += 1) deep = zipOf({ "deep.jar": deep });
    const { facts, unread } = javaArchive.read({ path: "deep.jar", bytes: deep });
    expect(facts).toEqual([]);
    expect(unread).toEqual([expect.stringMatching(/nested too deep/)]);
  });

  it("that are damaged say so and end", () => {
    const sound = zipOf({ ...pom("org.a", "own", "1.0"), "lib/x.jar": zipOf(pom("org.a", "x", "1.0")) });
    const change = fc.record({ at: fc.nat(sound.length - 1), byte: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 6 }), (changes) => {
        const bytes = Buffer.from(sound);
        for (const { at, byte } of changes) bytes[at] = byte;
        expect(outcome(javaArchive, bytes)).toMatch(/^(?:read|refused)$/);
      }),
      { numRuns: 200 },
    );
  });
});

it("no bytes make a detector fail otherwise than by saying that it cannot read them", () => {
  const detectors = [apkInstalled, executable, dpkgStatus, npmPackage, osRelease, pythonMetadata, javaArchive];
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    fc.string({ maxLength: 400 }).map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(
      bytes,
      fc.constantFrom("", "\u007fELF\u0002\u0001\u0001", "PK\u0005\u0006", "Package: a\nVersion: "),
      (rest, start) => {
        for (const detector of detectors) {
          expect(outcome(detector, Buffer.concat([Buffer.from(start, "latin1"), rest]))).toMatch(/^(?:read|refused)$/);
        }
      },
    ),
    { numRuns: 300 },
  );
});

function outcome(detector: Detector, bytes: Buffer): string {
  try {
    detector.read({ path: "x", bytes });
    return "read";
  } catch (error) {
    return error instanceof Unreadable ? "refused" : String(error);
  }
}

function counted(bytes: Buffer): Buffer {
  const length: number[] = [];
  for (let left = bytes.length; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.concat([Buffer.from([...length, left]), bytes]);
    length.push((left % 128) | 0x80);
  }
}

const SECTIONS_AT = 64 + 56;

/** A 64-bit little-endian ELF file: one segment that maps all of it at 0x10000, and these sections. */
function elfOf(sections: Readonly<Record<string, Buffer>>): Buffer {
  const names = Buffer.from(`\0${Object.keys(sections).join("\0")}\0.shstrtab\0`);
  const contents = [...Object.values(sections), names];
  const headers = Buffer.alloc(64 * (contents.length + 1));
  let at = SECTIONS_AT;
  for (const [index, content] of contents.entries()) {
    const name = index === contents.length - 1 ? ".shstrtab" : (Object.keys(sections)[index] ?? "");
    const header = headers.subarray(64 * (index + 1));
    header.writeUInt32LE(names.indexOf(name), 0);
    header.writeUInt32LE(1, 4);
    header.writeBigUInt64LE(BigInt(at), 24);
    header.writeBigUInt64LE(BigInt(content.length), 32);
    at += content.length;
  }
  const file = Buffer.alloc(SECTIONS_AT);
  file.write("\u007fELF", "latin1");
  file.set([2, 1, 1], 4);
  file.writeBigUInt64LE(64n, 32);
  file.writeBigUInt64LE(BigInt(at), 40);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt16LE(64, 58);
  file.writeUInt16LE(contents.length + 1, 60);
  file.writeUInt16LE(contents.length, 62);
  file.writeUInt32LE(1, 64);
  file.writeBigUInt64LE(0x1_0000n, 64 + 16);
  file.writeBigUInt64LE(BigInt(at), 64 + 32);
  return Buffer.concat([file, ...contents, headers]);
}

function zipOf(members: Readonly<Record<string, string | Buffer>>): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [path, body] of Object.entries(members)) {
    const bytes = Buffer.from(body);
    const packed = deflateRawSync(bytes);
    const name = Buffer.from(path);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x0403_4b50, 0);
    local.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x0201_4b50, 0);
    entry.writeUInt16LE(8, 10);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(bytes.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(at, 42);
    locals.push(local, name, packed);
    directory.push(entry, name);
    at += 30 + name.length + packed.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x0605_4b50, 0);
  end.writeUInt16LE(Object.keys(members).length, 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, listed, end]);
}
