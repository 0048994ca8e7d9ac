// Models by the headers of their weights: a model is a component, and so is what it was made from.
import { posix } from "node:path";
import { isJsonObject } from "@pratique/core";
import type { FoundPackage } from "../facts.ts";
import { ggufKeys } from "./gguf-keys.ts";

/** So much of a file's beginning says what it is. */
export const MODEL_HEAD_BYTES = 256 * 1024;
const MAX_BASES = 16;
const REPOSITORY = /^(?:https?:\/\/)?huggingface\.co\/([\w.-]{1,96})\/([\w.-]{1,96})(?:[/?#]|$)/;

export function isModelHead(head: Buffer): boolean {
  return head.length >= 9 && (head.toString("latin1", 0, 4) === "GGUF" || head[8] === 0x7b);
}

/** The model of a file, then its base models. Empty when it is neither GGUF nor safetensors. */
export function modelPackages(path: string, head: Buffer, sha256?: string): FoundPackage[] {
  const gguf = ggufKeys(head);
  if (gguf !== undefined) return ggufPackages(path, gguf.texts, sha256);
  const metadata = safetensorsMetadata(head);
  if (metadata === undefined) return [];
  const name = metadata.get("modelspec.title") ?? nameOf(path);
  const licence = metadata.get("modelspec.license");
  return [{ ...plain(name, sha256), licences: licence === undefined ? [] : [licence] }];
}

function ggufPackages(path: string, texts: ReadonlyMap<string, string>, sha256: string | undefined): FoundPackage[] {
  const text = (key: string): string | undefined => texts.get(`general.${key}`)?.trim() || undefined;
  const own = REPOSITORY.exec(text("repo_url") ?? "");
  const name = text("name") ?? text("basename") ?? nameOf(path);
  const licence = text("license");
  const supplier = text("organization") ?? text("author");
  const bases: FoundPackage[] = [];
  for (let at = 0; at < MAX_BASES; at += 1) {
    const base = REPOSITORY.exec(text(`base_model.${at}.repo_url`) ?? "");
    if (base?.[1] !== undefined && base[2] !== undefined) {
      const version = text(`base_model.${at}.version`) ?? "";
      bases.push({ type: "huggingface", namespace: base[1], name: base[2], version, licences: [] });
    }
  }
  const model: FoundPackage = {
    ...plain(name, sha256),
    ...(own?.[1] === undefined || own[2] === undefined ? {} : { type: "huggingface", namespace: own[1], name: own[2] }),
    version: text("version") ?? "",
    licences: licence === undefined ? [] : [licence],
    ...(supplier === undefined ? {} : { supplier: supplier.slice(0, 200) }),
    needs: bases.map((base) => `${base.namespace ?? ""}/${base.name}`),
  };
  return [model, ...bases];
}

function plain(name: string, sha256: string | undefined): FoundPackage {
  return {
    type: "generic",
    name: name.slice(0, 200),
    version: "",
    qualifiers: sha256 === undefined ? {} : { checksum: `sha256:${sha256}` },
    licences: [],
    ...(sha256 === undefined ? {} : { hashes: { SHA256: sha256 } }),
  };
}

const nameOf = (path: string): string => posix.basename(path).replace(/\.(?:gguf|safetensors)$/i, "") || "model";

/** `undefined` when it is no safetensors file; its header is JSON behind its length. */
function safetensorsMetadata(head: Buffer): ReadonlyMap<string, string> | undefined {
  if (head.length < 10 || head[8] !== 0x7b) return undefined;
  const length = head.readBigUInt64LE(0);
  if (length < 2n || length > 100_000_000n) return undefined;
  const text = head.toString("utf8", 8, Math.min(head.length, 8 + Number(length)));
  if (!/"(?:__metadata__|dtype|data_offsets)"/.test(text)) return undefined;
  // The header may be longer than what is at hand; its metadata is one flat object of texts. Only the first counts.
  const at = text.indexOf('"__metadata__"');
  const match =
    at === -1 ? null : /^"__metadata__"\s{0,64}:\s{0,64}(\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\})/.exec(text.slice(at));
  try {
    const json: unknown = JSON.parse(match?.[1] ?? "{}");
    const entries = isJsonObject(json) ? Object.entries(json) : [];
    return new Map(entries.flatMap(([key, value]) => (typeof value === "string" ? [[key, value]] : [])));
  } catch {
    return new Map();
  }
}
