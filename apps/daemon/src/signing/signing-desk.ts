// Signing and verifying artifacts, and the keys that sign. Each act passes guard.
import type {
  KeyCreateRequest,
  KeyImportRequest,
  Principal,
  SigningConfig,
  SigningKeyEntry,
  SignRequest,
  SignResult,
} from "@pratique/contracts";
import { hexOf, Mutex, type Clock } from "@pratique/core";
import {
  attachOms,
  OMS_IGNORED,
  parseKeyUri,
  signArtifact,
  signLegacy,
  signModel,
  type ActIntents,
  type KeyRing,
  type SigningKey,
} from "@pratique/evidence";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { readArtifact, type ArtifactInfo } from "@pratique/packaging";
import { systemResource, type Artifacts } from "../artifacts/artifacts.ts";
import type { Found } from "../artifacts/find-artifact.ts";
import { signatureIntent, withIntent } from "../clearance/with-intent.ts";
import { daemonErrors } from "../errors.ts";

export interface SigningDeskOptions {
  readonly artifacts: Artifacts;
  readonly guard: Guard;
  readonly keys: KeyRing;
  readonly config: SigningConfig;
  /** What is begun, for the next start to see. */
  readonly intents: ActIntents;
  readonly clock: Clock;
}

export class SigningDesk {
  readonly #options: SigningDeskOptions;
  /** One after another: each reads the signatures at a tag and writes them with its own. */
  readonly #tagging = new Mutex();

  constructor(options: SigningDeskOptions) {
    this.#options = options;
  }

  async sign(principal: Principal | undefined, request: SignRequest): Promise<SignResult> {
    const { artifacts, guard, config } = this.#options;
    const found = await artifacts.find(request.reference);
    const name = await this.mayUse(principal, request.key);
    const format = request.format ?? config.format;
    const resource = await artifacts.resource(found);
    const act = { principal, action: "artifact:sign", resource, details: { key: keyForRecord(name), format } } as const;
    const outcome = await withIntent(this.#options.intents, signatureIntent(principal, found), (begin) =>
      guard.perform(act, async (_decision, note) => {
        const key = await this.#options.keys.open(name);
        await begin();
        const signed = await this.#sign(found, key, { format, oms: request.oms === true });
        note({ keyId: key.keyId, signature: signed.signature });
        return signed;
      }),
    );
    return allowedOrThrow(outcome);
  }

  /** The key that a request names, or the configured one. A URI is for whoever may administer, and for no other. */
  async mayUse(principal: Principal | undefined, asked: string | undefined): Promise<string> {
    const { keys, guard, config } = this.#options;
    const name = asked ?? config.key;
    if (!keys.knows(name) && name.includes(":")) {
      const act = {
        principal,
        action: "admin:write",
        resource: systemResource,
        details: { key: "by its URI" },
      } as const;
      allowedOrThrow(await guard.perform(act, async () => undefined));
    }
    return name;
  }

  async #sign(
    found: Found,
    key: SigningKey,
    { format, oms }: { readonly format: SigningConfig["format"]; readonly oms: boolean },
  ): Promise<SignResult> {
    const { clock } = this.#options;
    const { repository, descriptor, reference } = found;
    const model = oms ? await this.#signModel(found, key) : undefined;
    const bundle = format === "legacy" ? undefined : await signArtifact(repository, descriptor, key, clock);
    const legacy =
      format === "bundle"
        ? undefined
        : await this.#tagging.run(() => signLegacy(repository, descriptor, key, reference));
    const signature = bundle ?? legacy?.manifest;
    if (signature === undefined) throw new Error("nothing was signed");
    return {
      reference,
      digest: descriptor.digest,
      signature: signature.digest,
      keyId: key.keyId,
      ...(legacy === undefined ? {} : { legacyTag: legacy.tag }),
      ...(model === undefined ? {} : { oms: model }),
    };
  }

  /** The digests of a model's files are in its manifest: nothing is read again. */
  async #signModel({ repository, descriptor, kind, reference }: Found, key: SigningKey): Promise<SignResult["oms"]> {
    if (kind !== "model") throw daemonErrors("artifact.wrong-kind", { reference, kind, wanted: "model" });
    const info = await readArtifact(repository, descriptor.digest);
    const files = await modelFiles(info);
    const name = repository.name.split("/").at(-1) ?? repository.name;
    const { bundle, root } = await signModel(name, files, OMS_IGNORED, key);
    const referrer = await attachOms(repository, descriptor, bundle, this.#options.clock);
    return { referrer: referrer.digest, root, files: files.size };
  }

  async keys(principal: Principal | undefined): Promise<SigningKeyEntry[]> {
    const act = { principal, action: "admin:read", resource: systemResource } as const;
    return allowedOrThrow(await this.#options.guard.perform(act, async () => this.#options.keys.list()));
  }

  async createKey(principal: Principal | undefined, request: KeyCreateRequest): Promise<SigningKeyEntry> {
    const { name, algorithm = "ecdsa-p256", uri } = request;
    return await this.#change(principal, name, () => this.#options.keys.create(name, algorithm, uri));
  }

  async importKey(principal: Principal | undefined, request: KeyImportRequest): Promise<SigningKeyEntry> {
    const { name, file, uri, passphraseFile } = request;
    if ((file === undefined) === (uri === undefined)) {
      throw daemonErrors("control.bad-request", {
        problem: "a key is imported from a file or by a URI, one of the two",
      });
    }
    const { keys } = this.#options;
    return await this.#change(principal, name, () =>
      file === undefined ? keys.importUri(name, uri ?? "") : keys.importFile(name, file, passphraseFile),
    );
  }

  async #change(
    principal: Principal | undefined,
    name: string,
    change: () => Promise<SigningKeyEntry>,
  ): Promise<SigningKeyEntry> {
    const act = { principal, action: "admin:write", resource: systemResource, details: { signingKey: name } } as const;
    const outcome = await this.#options.guard.perform(act, async (_decision, note) => {
      const entry = await change();
      note({ keyId: entry.keyId ?? "" });
      return entry;
    });
    return allowedOrThrow(outcome);
  }
}

/** How a record names a key: a URI that is none, or holds a PIN, is not repeated. @throws `key.bad-uri` */
export function keyForRecord(key: string): string {
  return key.includes(":") ? parseKeyUri(key).text : key;
}

/** Each file's SHA-256 by its path; nothing for what is no model. */
export async function modelFiles(info: ArtifactInfo): Promise<Map<string, string>> {
  if (info.kind !== "model") return new Map();
  const { files } = await info.model();
  return new Map(files.map(({ path, digest }) => [path, hexOf(digest)]));
}
