// Skills that a web site lists: /.well-known/agent-skills/index.json (0.2.0) and /.well-known/skills/index.json (0.1).
import { digestOf, isDigest, parseJson, readBounded } from "@pratique/core";
import { randomUUID } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { pathProblem } from "../archive/entry-path.ts";
import { packagingErrors } from "../errors.ts";
import type { SkillFile } from "./skill-content.ts";
import { SKILL_LIMITS } from "./skill-media-types.ts";
import { skillBelow, skillFromArchive, type FoundSkill } from "./skill-sources.ts";

const V2 = "/.well-known/agent-skills/index.json";
const V1 = "/.well-known/skills/index.json";
const LIMIT_INDEX = 4 * 1024 * 1024;
const TIMEOUT_MS = 60_000;
const REDIRECT_LIMIT = 5;

const Name = z.string().min(1).max(200);
const IndexV2 = z.looseObject({
  $schema: z.string().optional(),
  skills: z
    .array(
      z.looseObject({
        name: Name,
        type: z.string(),
        url: z.string().max(2048),
        digest: z.string().refine(isDigest, "is no sha256 digest"),
      }),
    )
    .max(10_000),
});
const IndexV1 = z.looseObject({
  skills: z
    .array(z.looseObject({ name: Name, files: z.array(z.string().max(1024)).min(1).max(SKILL_LIMITS.maxFiles) }))
    .max(10_000),
});

export interface WebOptions {
  readonly fetch: typeof fetch;
  /** Where archives lie while they are read. */
  readonly temporaryDirectory: string;
}

/** `https://host[/path][#skill]`. @throws `skill.source-invalid`, `skill.web-failed`, `digest.mismatch`, `archive.*` */
export async function skillFromWeb(address: string, options: WebOptions): Promise<FoundSkill> {
  const url = webAddress(address);
  const wanted = decodeName(url.hash.slice(1));
  url.hash = "";
  const base = new URL(url.pathname.replace(/\/?$/, ""), url).href.replace(/\/$/, "");
  const v2 = await getIfThere(options, new URL(`${base}${V2}`));
  if (v2 !== undefined) return fromV2(options, v2, wanted);
  const v1 = await getIfThere(options, new URL(`${base}${V1}`));
  if (v1 === undefined) throw failed(url, "it has neither of the two indexes of skills");
  return fromV1(options, v1, wanted);
}

function decodeName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

interface Fetched {
  readonly url: URL;
  readonly bytes: Buffer;
}

async function fromV2(options: WebOptions, index: Fetched, wanted: string): Promise<FoundSkill> {
  const { skills } = parse(IndexV2, index);
  const skill = choose(skills, wanted, index.url);
  const { url, bytes } = await get(options, new URL(skill.url, index.url), SKILL_LIMITS.maxBytes);
  const actual = digestOf(bytes);
  if (actual !== skill.digest) throw failed(url, `its digest is ${actual}, and the index promises ${skill.digest}`);
  if (skill.type === "skill-md") {
    return skillBelow(url.href, [{ path: `${skill.name}/SKILL.md`, executable: false, bytes }], skill.name);
  }
  if (skill.type !== "archive") throw failed(index.url, `\`${skill.name}\` is of type \`${skill.type.slice(0, 60)}\``);
  const file = join(options.temporaryDirectory, `skill-${randomUUID()}`);
  try {
    await writeFile(file, bytes, { flag: "wx", mode: 0o600 });
    const found = await skillFromArchive(file);
    return { ...found, source: url.href, directory: found.directory ?? skill.name };
  } finally {
    await rm(file, { force: true });
  }
}

async function fromV1(options: WebOptions, index: Fetched, wanted: string): Promise<FoundSkill> {
  const { skills } = parse(IndexV1, index);
  const skill = choose(skills, wanted, index.url);
  const files: SkillFile[] = [];
  let left = SKILL_LIMITS.maxBytes;
  for (const path of skill.files) {
    const reason = pathProblem(path) ?? pathProblem(skill.name);
    if (reason !== undefined) throw packagingErrors("archive.unsafe", { entry: path.slice(0, 200), reason });
    const address = [skill.name, ...path.split("/")].map(encodeURIComponent).join("/");
    const { bytes } = await get(options, new URL(address, index.url), left);
    left -= bytes.length;
    files.push({ path: `${skill.name}/${path}`, executable: bytes.subarray(0, 2).toString("latin1") === "#!", bytes });
  }
  return skillBelow(index.url.href, files, skill.name);
}

function choose<S extends { readonly name: string }>(skills: readonly S[], wanted: string, url: URL): S {
  const names = skills
    .map(({ name }) => name)
    .join(", ")
    .slice(0, 300);
  const found =
    wanted === "" ? (skills.length === 1 ? skills[0] : undefined) : skills.find(({ name }) => name === wanted);
  if (found === undefined) throw failed(url, `it lists ${names === "" ? "nothing" : names}; choose one with #NAME`);
  return found;
}

function parse<T>(schema: z.ZodType<T>, { url, bytes }: Fetched): T {
  const result = schema.safeParse(parseJson(bytes.toString("utf8"), "the index of skills"));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw failed(url, `its index is wrong at ${issue?.path.join(".") ?? "the top"}: ${issue?.message ?? ""}`);
}

/** Plain http only on this machine. */
function webAddress(text: string): URL {
  const url = URL.parse(text);
  const isLoopback = url !== null && /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  if (url === null || (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback))) {
    throw packagingErrors("skill.source-invalid", { source: text.slice(0, 200), reason: "write it as https://host" });
  }
  if (url.username !== "" || url.password !== "") {
    throw packagingErrors("skill.source-invalid", {
      source: url.host,
      reason: "an address with a password is refused",
    });
  }
  return url;
}

async function getIfThere(options: WebOptions, url: URL): Promise<Fetched | undefined> {
  const { response, at } = await follow(options, url);
  if (response.status === 404 || response.status === 410) {
    await response.body?.cancel();
    return undefined;
  }
  return read(response, at, LIMIT_INDEX);
}

async function get(options: WebOptions, url: URL, limit: number): Promise<Fetched> {
  const { response, at } = await follow(options, url);
  return read(response, at, limit);
}

/** Each step is checked as the first was: a site cannot send us to another protocol. */
async function follow(options: WebOptions, url: URL): Promise<{ response: Response; at: URL }> {
  let at = webAddress(url.href);
  for (let step = 0; step <= REDIRECT_LIMIT; step++) {
    let response: Response;
    try {
      response = await options.fetch(at, { redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch (cause) {
      throw failed(at, "it cannot be reached", cause);
    }
    const location = response.headers.get("location");
    if (response.status < 300 || response.status >= 400 || location === null) return { response, at };
    await response.body?.cancel();
    at = webAddress(new URL(location, at).href);
  }
  throw failed(at, "it redirects too often");
}

async function read(response: Response, url: URL, limit: number): Promise<Fetched> {
  if (!response.ok || response.body === null) throw failed(url, `it answered ${response.status}`);
  return { url, bytes: await readBounded(response.body, limit, url.href.slice(0, 200)) };
}

function failed(url: URL, reason: string, cause?: unknown): Error {
  const at = `${url.origin}${url.pathname}`;
  return packagingErrors("skill.web-failed", { url: at, reason }, cause === undefined ? {} : { cause });
}
