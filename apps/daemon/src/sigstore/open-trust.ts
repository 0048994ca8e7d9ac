// Whom the daemon believes by configuration, with the embedded Sigstore among them when there is one.
import type { Config } from "@pratique/contracts";
import type { Clock, Log } from "@pratique/core";
import type { Trust } from "@pratique/evidence";
import type { Guard } from "@pratique/guard";
import type { OpenedSigstore } from "@pratique/sigstore";
import type { Home } from "../home.ts";
import { readTrust } from "../trusted-keys.ts";
import { openOwnSigstore, SIGSTORE_PREFIX } from "./own-sigstore.ts";
import { SigstoreDesk, type SigstoreDeskOptions } from "./sigstore-desk.ts";
import { readTrustByIdentity } from "./trust-by-identity.ts";

export interface OpenTrustOptions {
  readonly config: Config;
  readonly home: Home;
  /** The listener's address. */
  readonly url: string;
  readonly ownerPublicKeyPem: string;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Log;
  readonly onClose: (close: () => Promise<void>) => void;
}

export interface OpenedTrust {
  readonly trust: Trust;
  /** What the listener mounts; undefined when the configuration does not ask for it. */
  readonly mounted: OpenedSigstore | undefined;
  /** `trust` as it counts, with what is added at run time. */
  desk(more: Pick<SigstoreDeskOptions, "artifacts" | "trust" | "intents">): SigstoreDesk;
}

/** @throws `config.invalid`, and what opening a Sigstore throws */
export async function openTrust(options: OpenTrustOptions): Promise<OpenedTrust> {
  const { config, home, url, ownerPublicKeyPem, guard, clock, log, onClose } = options;
  const opened = await openOwnSigstore({ config: config.sigstore, home, url, guard, clock, log });
  const sigstore = opened?.sigstore;
  if (sigstore !== undefined) onClose(() => sigstore.close());
  const byKey = await readTrust(config.trust, home.configFile, ownerPublicKeyPem);
  const byIdentity = await readTrustByIdentity({ config: config.trust, home, sigstore, log });
  const ownUrl = config.sigstore.url ?? `${url}${SIGSTORE_PREFIX}`;
  return {
    trust: { ...byKey, ...byIdentity },
    mounted: opened,
    desk: (more) => new SigstoreDesk({ ...more, sigstore, config, home, url: ownUrl, guard, clock }),
  };
}
