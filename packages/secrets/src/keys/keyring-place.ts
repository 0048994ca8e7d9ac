// A ring of keys in the operating system's keyring: Secret Service, Keychain, Credential Manager.
import { secretErrors } from "../errors.ts";
import type { KeyPlace } from "./key-place.ts";

/** What we need of it; the library is loaded when a keyring is first used. */
export interface KeyringEntry {
  /** Undefined, or null in some builds: there is none. */
  getPassword(signal?: AbortSignal | null): Promise<string | null | undefined>;
  setPassword(value: string, signal?: AbortSignal | null): Promise<unknown>;
  deletePassword(signal?: AbortSignal | null): Promise<unknown>;
}
export type OpenEntry = (service: string, account: string) => Promise<KeyringEntry>;

/** A locked keyring asks the person: longer than that nobody thinks. */
const ANSWER_MS = 60_000;
const PROBE_MS = 5000;
const SERVICE = "pratique";

export const systemEntry: OpenEntry = async (service, account) => {
  const { AsyncEntry } = await import("@napi-rs/keyring");
  // Left to itself it takes the kernel's keyring where there is no Secret Service, and that one forgets at a reboot.
  return new AsyncEntry(service, account, { linux: { store: "secret-service" } });
};

/** `account` tells state directories apart. */
export function keyringPlace(account: string, openEntry: OpenEntry = systemEntry): KeyPlace {
  const place = "the keyring of the operating system";
  const ask = async <T>(act: (entry: KeyringEntry, signal: AbortSignal) => Promise<T>): Promise<T> => {
    try {
      const entry = await openEntry(SERVICE, account);
      return await within(ANSWER_MS, (signal) => act(entry, signal));
    } catch (error) {
      throw secretErrors("secrets.keys-unreachable", { place, reason: reasonOf(error) }, { cause: error });
    }
  };
  return {
    type: "keyring",
    place,
    async read() {
      const text = await ask((entry, signal) => entry.getPassword(signal));
      return text === undefined || text === null ? undefined : { bytes: Buffer.from(text), revision: "" };
    },
    async write(bytes) {
      await ask((entry, signal) => entry.setPassword(bytes.toString("utf8"), signal));
      return true;
    },
  };
}

/** True when something can be kept there, read again and taken away. */
export async function hasKeyring(account: string, openEntry: OpenEntry = systemEntry): Promise<boolean> {
  try {
    const entry = await openEntry(SERVICE, `${account} probe`);
    return await within(PROBE_MS, async (signal) => {
      await entry.setPassword("probe", signal);
      const isKept = (await entry.getPassword(signal)) === "probe";
      await entry.deletePassword(signal);
      return isKept;
    });
  } catch {
    // No keyring here, or nobody to unlock it.
    return false;
  }
}

/** The library heeds the signal only while it waits in line. */
async function within<T>(limitMs: number, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const limit = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      limit.abort();
      reject(new Error("no answer in time"));
    }, limitMs);
  });
  try {
    return await Promise.race([act(limit.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 200);
}
