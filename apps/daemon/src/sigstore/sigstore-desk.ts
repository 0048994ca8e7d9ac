// What the control API asks of Sigstore: the state of our own, its documents, and signatures without a key.
import { join } from "node:path";
import type {
  Config,
  KeylessSignRequest,
  KeylessSignResult,
  Principal,
  SigstoreStatus,
  SigstoreTrust,
} from "@pratique/contracts";
import type { Clock } from "@pratique/core";
import {
  openKeylessSigner,
  PUBLIC_GOOD_SIGNING_CONFIG,
  signArtifact,
  type ActIntents,
  type Trust,
  type TrustRoot,
} from "@pratique/evidence";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import type { Sigstore } from "@pratique/sigstore";
import { systemResource, type Artifacts } from "../artifacts/artifacts.ts";
import { signatureIntent, withIntent } from "../clearance/with-intent.ts";
import { daemonErrors } from "../errors.ts";
import type { Home } from "../home.ts";
import { readPinned } from "./read-document.ts";
import { OWN_ROOT, PUBLIC_ROOT } from "./trust-by-identity.ts";

export interface SigstoreDeskOptions {
  readonly sigstore: Sigstore | undefined;
  readonly artifacts: Artifacts;
  readonly trust: Trust;
  readonly config: Config;
  readonly home: Home;
  /** Where the embedded one is reached. */
  readonly url: string;
  readonly guard: Guard;
  /** What is begun, for the next start to see. */
  readonly intents: ActIntents;
  readonly clock: Clock;
}

const CONFIG_LIMIT_BYTES = 256 * 1024;

export class SigstoreDesk {
  readonly #options: SigstoreDeskOptions;

  constructor(options: SigstoreDeskOptions) {
    this.#options = options;
  }

  async status(principal: Principal | undefined): Promise<SigstoreStatus> {
    const { sigstore, trust } = this.#options;
    const act = { principal, action: "admin:read", resource: systemResource } as const;
    const outcome = await this.#options.guard.perform(act, async () => ({
      ...(sigstore === undefined ? {} : { own: this.#describe(sigstore) }),
      signsUnder: this.#rootName(),
      roots: (trust.roots ?? []).map(({ name, digest }) => ({ name, digest })),
      identities: (trust.identities ?? []).map(({ name, issuer, subject, subjectPattern }) => ({
        name,
        issuer,
        subject: subject ?? subjectPattern ?? "",
      })),
    }));
    return allowedOrThrow(outcome);
  }

  /** @throws `sigstore.disabled` */
  async trust(principal: Principal | undefined): Promise<SigstoreTrust> {
    const act = { principal, action: "admin:read", resource: systemResource } as const;
    const outcome = await this.#options.guard.perform(act, async () => {
      const { sigstore } = this.#options;
      if (sigstore === undefined) throw daemonErrors("sigstore.disabled");
      const { trustedRoot, signingConfig } = this.#describe(sigstore);
      return {
        trustedRoot: { ...trustedRoot, content: sigstore.trustedRoot.bytes.toString("utf8") },
        signingConfig: { ...signingConfig, content: sigstore.signingConfig.bytes.toString("utf8") },
      };
    });
    return allowedOrThrow(outcome);
  }

  /** @throws `keyless.bad-token`, `keyless.refused`, `keyless.unreachable`, `keyless.unverified`, `policy.denied` */
  async sign(
    principal: Principal | undefined,
    request: KeylessSignRequest,
    signal: AbortSignal,
  ): Promise<KeylessSignResult> {
    const { artifacts, guard, clock } = this.#options;
    const found = await artifacts.find(request.reference);
    const act = { principal, action: "artifact:sign", resource: await artifacts.resource(found) } as const;
    const { intents } = this.#options;
    const outcome = await withIntent(intents, signatureIntent(principal, found), (begin) =>
      guard.perform(act, async (_decision, note) => {
        const root = this.#root();
        const { identityToken } = request;
        const signingConfig = await this.#signingConfig();
        const signer = await openKeylessSigner({ identityToken, signingConfig, root, clock, signal });
        await begin();
        const { digest } = await signArtifact(found.repository, found.descriptor, signer, clock);
        const { issuer, subject } = signer.identity;
        note({ issuer, subject, root: root.name, rootDigest: root.digest, signature: digest });
        return { signature: digest, issuer, subject, root: root.name };
      }),
    );
    return { reference: found.reference, digest: found.descriptor.digest, ...allowedOrThrow(outcome) };
  }

  #describe(sigstore: Sigstore): NonNullable<SigstoreStatus["own"]> {
    const { config, url } = this.#options;
    const { entries, certificates, vkey } = sigstore.logs;
    return {
      name: config.sigstore.name,
      url,
      trustedRoot: { url: `${url}/trusted_root.json`, digest: sigstore.trustedRoot.digest },
      signingConfig: { url: `${url}/signing_config.json`, digest: sigstore.signingConfig.digest },
      issuers: sigstore.issuers.map(({ issuer, audience, subject }) => ({ issuer, audience, subject })),
      entries,
      certificates,
      vkey,
    };
  }

  #rootName(): string {
    const { config, sigstore } = this.#options;
    return config.signing.keyless.root ?? (sigstore === undefined ? PUBLIC_ROOT : OWN_ROOT);
  }

  #root(): TrustRoot {
    const name = this.#rootName();
    const root = this.#options.trust.roots?.find((candidate) => candidate.name === name);
    if (root === undefined) throw daemonErrors("sigstore.no-root", { name });
    return root;
  }

  async #signingConfig(): Promise<Buffer> {
    const { config, home, sigstore } = this.#options;
    const document = config.signing.keyless.signingConfig;
    if (document !== undefined) {
      const what = "signing.keyless.signingConfig";
      const cache = join(home.cache, "trust");
      return readPinned({ document, what, configFile: home.configFile, cache, limitBytes: CONFIG_LIMIT_BYTES });
    }
    const name = this.#rootName();
    if (name === PUBLIC_ROOT) return Buffer.from(PUBLIC_GOOD_SIGNING_CONFIG);
    if (name === OWN_ROOT && sigstore !== undefined) return sigstore.signingConfig.bytes;
    throw daemonErrors("sigstore.no-signing-config", { name });
  }
}
