// From the name of a model to where it runs: a cleared artifact on the local engine, or an address.
import type { Principal } from "@pratique/contracts";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import type { ModelFile, Route } from "@pratique/inference";
import { isPratiqueError, parseJson, readBounded, type PratiqueError } from "@pratique/core";
import type { ContentStore } from "@pratique/oci";
import { readArtifact } from "@pratique/packaging";
import { z } from "zod";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { Found } from "../artifacts/find-artifact.ts";
import { daemonErrors } from "../errors.ts";
import type { ModelFiles } from "./model-files.ts";

const MAX_LIST_BYTES = 4 * 1024 * 1024;
const FirstModel = z.looseObject({ data: z.array(z.looseObject({ id: z.string().min(1).max(512) })) });

/** An OpenAI-compatible address that a run brought with it. */
export interface Upstream {
  readonly baseUrl: string;
  readonly model: string;
  readonly apiKey: string | undefined;
}

/** Resolves model names for `/v1` and for runs. */
export class Models {
  readonly #artifacts: Artifacts;
  readonly #store: ContentStore;
  readonly #upstreams = new Map<string, Upstream>();
  readonly #files: ModelFiles;

  constructor(artifacts: Artifacts, store: ContentStore, files: ModelFiles) {
    this.#files = files;
    this.#artifacts = artifacts;
    this.#store = store;
  }

  /** Registers an address for one run; the name is what the run asks `/v1` for. */
  addUpstream(name: string, upstream: Upstream): void {
    this.#upstreams.set(name, upstream);
  }

  removeUpstream(name: string): void {
    this.#upstreams.delete(name);
  }

  async resolve(name: string): Promise<Route | undefined> {
    const upstream = this.#upstreams.get(name);
    if (upstream !== undefined) {
      const { baseUrl, model, apiKey } = upstream;
      // For people, in errors and records: where it is, not what the run calls it.
      const shown = `${baseUrl}#${model}`;
      return { type: "upstream", name: shown, baseUrl, model, ...(apiKey === undefined ? {} : { apiKey }) };
    }
    const found = await this.find(name);
    if (found === undefined) return undefined;
    const { cleared, isCurrent } = await this.#artifacts.clearedNow(found);
    return { type: "local", model: await this.#file(found, cleared), isCurrent };
  }

  /** The model artifact of that name, if there is one. */
  async find(name: string): Promise<Found | undefined> {
    try {
      const found = await this.#artifacts.find(name);
      return found.kind === "model" ? found : undefined;
    } catch (error) {
      if (
        ["artifact.not-found", "reference.invalid", "reference.not-local"].some((code) => isPratiqueError(error, code))
      )
        return undefined;
      throw error;
    }
  }

  async list(): Promise<{ id: string; created: number }[]> {
    const models: { id: string; created: number }[] = [];
    for (const name of await this.#store.repositories()) {
      const repository = this.#store.repository(name);
      for (const tag of await repository.tags()) {
        const found = tag.startsWith("sha256-") ? undefined : await this.find(`${name}:${tag}`);
        if (found === undefined) continue;
        const info = await readArtifact(found.repository, found.descriptor.digest);
        const created = Date.parse(info.created ?? "");
        models.push({ id: `${name}:${tag}`, created: Number.isNaN(created) ? 0 : Math.floor(created / 1000) });
      }
    }
    return models;
  }

  async #file(found: Found, cleared: boolean): Promise<ModelFile> {
    const info = await readArtifact(found.repository, found.descriptor.digest);
    if (info.kind !== "model")
      throw daemonErrors("artifact.wrong-kind", { reference: found.reference, kind: info.kind, wanted: "model" });
    return {
      reference: found.reference,
      digest: found.descriptor.digest,
      ...(await this.#files.weights(found, await info.model())),
      cleared,
    };
  }
}

/** Lets policy decide whether a model may run, and records it. @throws `policy.denied` */
export async function admitModel(
  guard: Guard,
  artifacts: Artifacts,
  principal: Principal,
  found: Found,
  run: string,
): Promise<void> {
  allowedOrThrow(
    await guard.perform(
      { principal, action: "artifact:run", resource: await artifacts.resource(found), run },
      async () => undefined,
    ),
  );
}

/** `http://host/v1#name` → base URL and model name; without a name the API's first model is taken. @throws `run.model-unreachable` */
export async function parseUpstream(address: string, apiKey: string | undefined): Promise<Upstream> {
  const url = URL.parse(address);
  if (url === null) throw unreachable(address.slice(0, 200), "it is no address");
  const name = decodeName(url);
  const { username, password } = url;
  url.hash = url.username = url.password = "";
  const baseUrl = url.href.replace(/\/+$/, "");
  // The address is shown and stored; a key is neither.
  if (username !== "" || password !== "")
    throw unreachable(baseUrl, "a user or password in an address is refused; give the key apart");
  const isLoopback =
    url.hostname === "localhost" || url.hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(url.hostname);
  if (url.protocol === "http:" && !isLoopback) throw unreachable(baseUrl, "beyond this machine only https is used");
  return { baseUrl, model: name === "" ? await firstModel(baseUrl, apiKey) : name, apiKey };
}

function decodeName(url: URL): string {
  try {
    return decodeURIComponent(url.hash.slice(1));
  } catch (cause) {
    throw unreachable(url.host, "the name after # is not valid percent-encoding", cause);
  }
}

async function firstModel(baseUrl: string, apiKey: string | undefined): Promise<string> {
  try {
    const answer = await fetch(`${baseUrl}/models`, {
      headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
      // The key goes to the address that was named, and nowhere else.
      redirect: "error",
      signal: AbortSignal.timeout(10_000),
    });
    const bytes = answer.body === null ? Buffer.alloc(0) : await readBounded(answer.body, MAX_LIST_BYTES, "its list");
    const id = FirstModel.safeParse(parseJson(bytes.toString("utf8"), "its list")).data?.data[0]?.id;
    if (id === undefined) throw new Error(`GET /models answered ${answer.status} and names no model`);
    return id;
  } catch (cause) {
    throw unreachable(baseUrl, (cause as Error).message, cause);
  }
}

function unreachable(url: string, reason: string, cause?: unknown): PratiqueError {
  return daemonErrors("run.model-unreachable", { url, reason }, cause === undefined ? {} : { cause });
}

/** True when the text is an address and not a reference. */
export function isAddress(text: string): boolean {
  return /^https?:\/\//.test(text);
}
