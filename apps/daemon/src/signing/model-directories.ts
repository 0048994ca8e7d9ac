// Model signatures of directories: `model.sig` beside the files, as the reference implementation writes and reads it.
import { readFile, realpath, stat } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import type {
  DirectorySignRequest,
  DirectorySignResult,
  DirectoryVerifyRequest,
  DirectoryVerifyResult,
  Principal,
} from "@pratique/contracts";
import {
  compareOmsFiles,
  hashDirectory,
  hashOptionsOf,
  keyIdOfPem,
  OMS_BUNDLE_LIMIT_BYTES,
  OMS_FILE,
  OMS_IGNORED,
  omsErrors,
  signModel,
  verifyOmsBundle,
  type KeyRing,
  type OmsTrust,
  type Trust,
} from "@pratique/evidence";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { writeFileDurably } from "@pratique/store";
import { systemResource } from "../artifacts/artifacts.ts";
import { daemonErrors } from "../errors.ts";
import { keyForRecord, type SigningDesk } from "./signing-desk.ts";
import { problemsOf, readPublicKey } from "./verify-desk.ts";

export interface ModelDirectoriesOptions {
  readonly signing: SigningDesk;
  readonly keys: KeyRing;
  readonly trust: Trust;
  readonly guard: Guard;
}

export class ModelDirectories {
  readonly #options: ModelDirectoriesOptions;

  constructor(options: ModelDirectoriesOptions) {
    this.#options = options;
  }

  async sign(
    principal: Principal | undefined,
    request: DirectorySignRequest,
    signal: AbortSignal,
  ): Promise<DirectorySignResult> {
    const { signing, keys, guard } = this.#options;
    const directory = await realpath(request.directory).catch(() => resolve(request.directory));
    const signature = resolve(request.signature ?? join(directory, OMS_FILE));
    const name = await signing.mayUse(principal, request.key);
    const ignored = [...new Set([...OMS_IGNORED, ...inside(directory, signature), ...(request.ignore ?? [])])];
    const act = {
      principal,
      action: "admin:write",
      resource: systemResource,
      details: { modelDirectory: directory, key: keyForRecord(name) },
    } as const;
    const outcome = await guard.perform(act, async (_decision, note) => {
      const key = await keys.open(name);
      const files = await hashDirectory(directory, { hash: "sha256", ignored, signal });
      const { bundle, root } = await signModel(basename(directory), files, ignored, key);
      await writeFileDurably(signature, bundle);
      note({ root, keyId: key.keyId });
      return { directory, signature, root, files: files.size, ignored, keyId: key.keyId };
    });
    return allowedOrThrow(outcome);
  }

  async verify(
    principal: Principal | undefined,
    request: DirectoryVerifyRequest,
    signal: AbortSignal,
  ): Promise<DirectoryVerifyResult> {
    const directory = await realpath(request.directory).catch(() => resolve(request.directory));
    const signature = resolve(request.signature ?? join(directory, OMS_FILE));
    const act = {
      principal,
      action: "admin:read",
      resource: systemResource,
      details: { modelDirectory: directory },
    } as const;
    const outcome = await this.#options.guard.perform(act, async () => {
      const verification = verifyOmsBundle(await readSignature(signature), await this.#trustFor(request));
      if (!verification.ok) {
        return { directory, signature, verified: false, problems: [verification.detail], ignored: [] };
      }
      const { statement, signer } = verification;
      const options = hashOptionsOf(statement);
      // The signature itself is never part of what it signs, wherever it lies.
      const ignored = [...options.ignored, ...inside(directory, signature)];
      const files = await hashDirectory(directory, { ...options, ignored, signal });
      const problems = problemsOf(compareOmsFiles(statement, files));
      return {
        directory,
        signature,
        verified: problems.length === 0,
        problems,
        signer: signer.name,
        ...(statement.root === undefined ? {} : { root: statement.root }),
        files: statement.resources.length,
        ignored: [...statement.ignored],
      };
    });
    return allowedOrThrow(outcome);
  }

  /** Who counts: the key asked for, else everybody who is trusted. */
  async #trustFor({ key, keyFile }: DirectoryVerifyRequest): Promise<OmsTrust> {
    const { trust } = this.#options;
    if (keyFile !== undefined) {
      const publicKeyPem = await readPublicKey(keyFile);
      const known = trust.keys.find((entry) => keyIdOfPem(entry.publicKeyPem) === keyIdOfPem(publicKeyPem));
      return { keys: [{ name: known?.name ?? basename(keyFile), publicKeyPem }] };
    }
    if (key === undefined) return trust;
    const keys = trust.keys.filter(({ name }) => name === key);
    if (keys.length > 0) return { keys };
    throw daemonErrors("control.bad-request", { problem: `no trusted key is called \`${key}\`` });
  }
}

/** The path of the signature within the directory, when it lies there. */
function inside(directory: string, signature: string): string[] {
  const path = relative(directory, signature);
  return path === "" || path.startsWith("..") ? [] : [path];
}

async function readSignature(path: string): Promise<Buffer> {
  const status = await stat(path).catch(() => undefined);
  if (status === undefined || !status.isFile()) throw omsErrors("oms.no-signature", { path });
  if (status.size > OMS_BUNDLE_LIMIT_BYTES) throw omsErrors("oms.no-signature", { path });
  return await readFile(path);
}
