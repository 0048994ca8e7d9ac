// Skills from archives, git repositories and web sites, and what each source may not do.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { deflateRawSync, gzipSync } from "node:zlib";
import { digestOf } from "@pratique/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeTar } from "../archive/tar-writer.ts";
import type { RunCommand } from "../run-command.ts";
import { checkFoundSkill, mendedFiles } from "./import-skill.ts";
import { parseSkill } from "./frontmatter.ts";
import { parseSkillLeniently } from "./lenient.ts";
import { parseGitSource, skillFromGit } from "./skill-from-git.ts";
import { skillFromWeb } from "./skill-from-web.ts";
import { skillFromArchive, skillFromDirectory } from "./skill-sources.ts";

const SKILL = "---\nname: notes\ndescription: Takes notes.\n---\n\nWrite it down.\n";
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-skill-sources-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

interface ZipEntry {
  readonly name: string;
  readonly bytes: Buffer | string;
  /** Unix mode with the type of file. */
  readonly mode?: number;
  /** What the directory says of the size, when it lies. */
  readonly claimedBytes?: number;
}

/** A zip archive byte by byte (APPNOTE 4.3): a writer would refuse what has to be tried here. */
function zip(entries: readonly ZipEntry[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes, mode = 0o100644, claimedBytes } of entries) {
    const plain = Buffer.from(bytes);
    const packed = deflateRawSync(plain);
    const path = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x800, 2);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(plain), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(claimedBytes ?? plain.length, 18);
    common.writeUInt16LE(path.length, 22);
    const header = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), common, path, packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((mode << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x03", "latin1"), common, tail, path]));
    local.push(header);
    offset += header.length;
  }
  const directoryBytes = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directoryBytes.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, directoryBytes, end]);
}

function crc32(bytes: Buffer): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ -1) >>> 0;
}

async function fileOf(bytes: Buffer): Promise<string> {
  const path = join(directory, "archive");
  await writeFile(path, bytes);
  return path;
}

describe("an archive", () => {
  it("is read as zip, tar and tar.gz, with the skill at its top or in a directory", async () => {
    const script = { name: "notes/run.sh", bytes: "#!/bin/sh\n", mode: 0o100755 };
    const fromZip = await skillFromArchive(await fileOf(zip([{ name: "notes/SKILL.md", bytes: SKILL }, script])));
    expect(fromZip.directory).toBe("notes");
    expect(fromZip.files.map(({ path, executable }) => [path, executable])).toEqual([
      ["SKILL.md", false],
      ["run.sh", true],
    ]);
    const chunks: Uint8Array[] = [];
    const entry = { type: "file", path: "SKILL.md", body: Buffer.from(SKILL) } as const;
    for await (const chunk of writeTar([entry])) chunks.push(chunk);
    const tar = Buffer.concat(chunks);
    for (const bytes of [tar, gzipSync(tar)]) {
      expect((await skillFromArchive(await fileOf(bytes))).files).toHaveLength(1);
    }
  });

  it.each<[string, ZipEntry, string]>([
    ["leaves its directory", { name: "../SKILL.md", bytes: SKILL }, "archive.unsafe"],
    ["is absolute", { name: "/etc/passwd", bytes: "x" }, "archive.unsafe"],
    ["is a link", { name: "link", bytes: "/etc/passwd", mode: 0o120777 }, "archive.unsafe"],
    ["is a device", { name: "device", bytes: "", mode: 0o020666 }, "archive.unsafe"],
    ["is there twice", { name: "skill.MD", bytes: SKILL }, "archive.unsafe"],
    ["says it is larger than all skills", { name: "big", bytes: "x", claimedBytes: 2 ** 31 }, "archive.too-large"],
    ["is larger than it says", { name: "big", bytes: Buffer.alloc(5000), claimedBytes: 10 }, "archive.damaged"],
  ])("with an entry that %s is refused", async (_, entry, code) => {
    const path = await fileOf(zip([{ name: "SKILL.md", bytes: SKILL }, entry]));
    await expect(skillFromArchive(path)).rejects.toMatchObject({ code });
  });

  it("damaged in any place ends with an error or the skill, and nothing else", async () => {
    const sound = zip([
      { name: "notes/SKILL.md", bytes: SKILL },
      { name: "notes/a/b", bytes: "more" },
    ]);
    await fc.assert(
      fc.asyncProperty(fc.nat(sound.length - 1), fc.nat(255), async (at, to) => {
        const bytes = Buffer.from(sound);
        bytes[at] = to;
        const outcome = await skillFromArchive(await fileOf(bytes)).then(
          () => "read",
          (error: unknown) => (typeof error === "object" && error !== null && "code" in error ? error.code : error),
        );
        expect(outcome).toMatch(/^(?:read|archive\.\w[\w-]*|skill\.not-found)$/);
      }),
      { numRuns: 300 },
    );
  });
});

describe("a web site", () => {
  let server: Server;
  let base: string;
  let pages: Map<string, Buffer | string>;
  beforeEach(async () => {
    pages = new Map();
    server = createServer((req, res) => {
      const page = pages.get(req.url ?? "");
      if (typeof page === "string" && page.startsWith("→")) res.writeHead(302, { location: page.slice(1) }).end();
      else if (page === undefined) res.writeHead(404).end();
      else res.end(page);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });
  const read = (address = base) => skillFromWeb(address, { fetch, temporaryDirectory: directory });
  const list = (skills: readonly object[]) =>
    pages.set("/.well-known/agent-skills/index.json", JSON.stringify({ skills }));

  it("that lists skills by the newer index gives a file or an archive, checked against its digest", async () => {
    const archive = zip([{ name: "SKILL.md", bytes: SKILL.replace("notes", "other") }]);
    list([
      { name: "notes", type: "skill-md", url: "/notes.md", digest: digestOf(SKILL) },
      { name: "other", type: "archive", url: "other.zip", digest: digestOf(archive) },
    ]);
    pages.set("/notes.md", "→/moved.md").set("/moved.md", SKILL).set("/.well-known/agent-skills/other.zip", archive);
    expect(checkFoundSkill(await read(`${base}#notes`), false).frontmatter.name).toBe("notes");
    expect(checkFoundSkill(await read(`${base}#other`), false).frontmatter.name).toBe("other");
    await expect(read()).rejects.toMatchObject({ code: "skill.web-failed", message: expect.stringContaining("#NAME") });
  });

  it("that lists skills by the older index gives file by file", async () => {
    const skills = [{ name: "notes", description: "d", files: ["SKILL.md", "a/b.txt"] }];
    pages.set("/.well-known/skills/index.json", JSON.stringify({ skills }));
    pages.set("/.well-known/skills/notes/SKILL.md", SKILL).set("/.well-known/skills/notes/a/b.txt", "b");
    expect((await read()).files.map(({ path }) => path)).toEqual(["SKILL.md", "a/b.txt"]);
  });

  it("cannot give other bytes than it listed, nor send us to another protocol, nor out of the directory", async () => {
    list([{ name: "notes", type: "skill-md", url: "/notes.md", digest: digestOf("else") }]);
    pages.set("/notes.md", SKILL);
    await expect(read()).rejects.toMatchObject({ code: "skill.web-failed" });
    pages.set("/notes.md", "→file:///etc/passwd");
    await expect(read()).rejects.toMatchObject({ code: "skill.source-invalid" });
    pages.clear();
    pages.set("/.well-known/skills/index.json", JSON.stringify({ skills: [{ name: "n", files: ["../../x"] }] }));
    await expect(read()).rejects.toMatchObject({ code: "archive.unsafe" });
    await expect(read("http://example.com")).rejects.toMatchObject({ code: "skill.source-invalid" });
    await expect(read("https://me:secret@example.com")).rejects.toMatchObject({ code: "skill.source-invalid" });
  });
});

describe("a git repository", () => {
  const run: RunCommand = async (command, args, options) => {
    try {
      const { stdout } = await promisify(execFile)(command, [...args], { encoding: "buffer", ...options });
      return { code: 0, stdout, stderr: "" };
    } catch (error) {
      return { code: 1, stdout: Buffer.alloc(0), stderr: String(error) };
    }
  };
  async function repository(): Promise<string> {
    const path = join(directory, "repository");
    await mkdir(join(path, "skills", "notes"), { recursive: true });
    await writeFile(join(path, "skills", "notes", "SKILL.md"), SKILL);
    const git = (...args: string[]) => run("git", ["-C", path, ...args], { maxOutputBytes: 1e6, timeoutMs: 1e4 });
    await git("init", "--quiet", "--initial-branch=main");
    await git("add", ".");
    await git("-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "-m", "one");
    await git("tag", "v1");
    return path;
  }

  it("gives the skill in a directory at a tag, and names the commit", async () => {
    const source = parseGitSource(`git+file://${await repository()}#v1:skills/notes`);
    const found = await skillFromGit(source, { directory: join(directory, "clone"), runCommand: run });
    expect(found.source).toMatch(/@[0-9a-f]{40}$/);
    expect(checkFoundSkill(found, false).frontmatter.name).toBe("notes");
  });

  it("that holds links, or is not there, is refused", async () => {
    const path = await repository();
    await symlink("/etc/passwd", join(path, "skills", "notes", "link"));
    await expect(skillFromDirectory(join(path, "skills", "notes"))).rejects.toMatchObject({
      code: "artifact.unsafe-file",
    });
    const gone = parseGitSource(`git+file://${directory}/nothing`);
    await expect(skillFromGit(gone, { directory: join(directory, "c"), runCommand: run })).rejects.toMatchObject({
      code: "skill.git-failed",
    });
  });

  it.each([
    "git+ssh://host/x",
    "git+https://a:b@host/x",
    "git+https://host/x#--upload-pack=x",
    "git+https://host/x#v1:../y",
  ])("is not asked for as %s", (text) => {
    expect(() => parseGitSource(text)).toThrow(/place of skills/);
  });
});

describe("lenient reading", () => {
  const value = fc.string({ maxLength: 200 });
  const text = fc
    .record({ name: value, description: value, extra: value, body: value })
    .map(
      ({ name, description, extra, body }) =>
        `---\nname: ${name}\ndescription: ${description}\nversion: ${extra}\n---\n${body}`,
    );

  it("makes of whatever it takes a skill that is valid", async () => {
    await fc.assert(
      fc.asyncProperty(text, fc.stringMatching(/^[\w :-]{1,70}$/), async (content, directory) => {
        const found = {
          source: "test",
          directory,
          files: [{ path: "SKILL.md", executable: false, bytes: Buffer.from(content) }],
        };
        if (parseSkillLeniently(content, directory) === undefined) return;
        const { name } = checkFoundSkill(found, true).frontmatter;
        const mended = mendedFiles(found, checkFoundSkill(found, true));
        const again = parseSkill(mended[0]!.bytes.toString("utf8"), name);
        expect(again.ok ? again.frontmatter.name : again.problems).toBe(name);
      }),
      { numRuns: 300 },
    );
  });

  it("explains what it mended", () => {
    const lenient = parseSkillLeniently(
      "---\nname: k8s:logs\ndescription: Read logs: of pods\nversion: 1\nallowed-tools: [Bash, Read]\n---\nGo.",
      "logs",
    );
    expect(lenient?.frontmatter).toMatchObject({
      name: "k8s-logs",
      allowedTools: "Bash Read",
      metadata: { version: "1" },
    });
    expect(lenient?.warnings.join("\n")).toMatch(/called `k8s-logs` here/);
  });
});
