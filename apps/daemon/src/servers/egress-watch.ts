// What a server tried to reach, for whoever writes its entry: every attempt is counted, and an entry proposed from them.
import { isIP } from "node:net";
import type { HostPort } from "@pratique/sandbox";

export interface WatchedHost {
  /** `host:port` */
  readonly host: string;
  readonly attempts: number;
  /** Whether the last one was let out. */
  readonly allowed: boolean;
}

const HOSTS = 500;

/** `deny`: attempts are only counted. `allow`: policy is told that the server is being watched, and may let it. */
export type LearnMode = "off" | "deny" | "allow";

export class EgressWatch {
  readonly #hosts = new Map<string, WatchedHost>();
  mode: LearnMode = "off";

  /** Bounded: a server that invents names fills no memory. */
  see({ host, port }: HostPort, allowed: boolean): void {
    const key = isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
    const known = this.#hosts.get(key);
    if (known === undefined && this.#hosts.size >= HOSTS) return;
    this.#hosts.set(key, { host: key, attempts: (known?.attempts ?? 0) + 1, allowed });
  }

  hosts(): WatchedHost[] {
    return [...this.#hosts.values()].toSorted((left, right) => left.host.localeCompare(right.host, "en"));
  }

  forget(): void {
    this.#hosts.clear();
  }
}
