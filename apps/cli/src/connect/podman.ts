// podman, buildah, skopeo and CRI-O: every host that is pulled through is remapped, never mirrored.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "smol-toml";
import { readIfThere } from "./files.ts";
import { authEntry, type Plan, type Target } from "./plan.ts";
import type { Places } from "./places.ts";

/** Drop-ins are read in order of names, and the last one that names a prefix counts. */
const DROP_IN = "zz-pratique.conf";

export async function planPodman(target: Target, places: Places): Promise<Plan> {
  const directory = join(places.containers, "registries.conf.d");
  const path = join(directory, DROP_IN);
  const rivals = await filesThatName(target.upstreams, places);
  return {
    files: [
      { kind: "whole", path, text: dropIn(target), mode: 0o644 },
      { kind: "json", path: places.podmanAuth, entries: [authEntry(target)], mode: 0o600 },
    ],
    notes: [
      "podman pull docker.io/library/alpine now goes through Pratique",
      ...rivals.map((file) => `${file} says something of these hosts too; what stands in ${DROP_IN} counts`),
    ],
    gaps: [
      `registries other than ${target.upstreams.join(", ")} are still reached directly`,
      "whoever may edit this configuration may undo it: close direct egress as well",
    ],
  };
}

function dropIn({ host, upstreams }: Target): string {
  const blocks = [
    block(host, host),
    // A sub-domain of a wildcard would be lost on the way, so each host stands for itself.
    ...upstreams.map((upstream) => block(upstream, `${host}/${upstream.replace(":", "_")}`)),
  ];
  const head = [
    "# Written by `pratique connect podman`; `pratique connect podman --undo` takes it away.",
    "# `location`, and no `[[registry.mirror]]`: from a mirror that denies, clients fall through to the registry itself.",
  ];
  return `${head.join("\n")}\n\n${blocks.join("\n")}`;
}

function block(prefix: string, location: string): string {
  // The daemon listens on loopback without TLS.
  return `[[registry]]\nprefix = "${prefix}"\nlocation = "${location}"\ninsecure = true\n`;
}

async function filesThatName(hosts: readonly string[], { containers }: Places): Promise<string[]> {
  const directory = join(containers, "registries.conf.d");
  const names = await readdir(directory).catch(() => []);
  const files = [join(containers, "registries.conf"), ...names.map((name) => join(directory, name))];
  const found: string[] = [];
  for (const file of files) {
    if (!file.endsWith(".conf") || file.endsWith(DROP_IN)) continue;
    const text = (await readIfThere(file))?.text ?? "";
    if (prefixesIn(text).some((prefix) => hosts.includes(prefix.split("/")[0]!))) found.push(file);
  }
  return found;
}

function prefixesIn(text: string): string[] {
  try {
    const { registry } = parse(text);
    if (!Array.isArray(registry)) return [];
    return registry.flatMap((one) => {
      if (typeof one !== "object" || one === null || !("prefix" in one || "location" in one)) return [];
      const prefix = "prefix" in one ? one.prefix : "location" in one ? one.location : undefined;
      return typeof prefix === "string" ? [prefix] : [];
    });
  } catch {
    // Clients refuse a broken file themselves.
    return [];
  }
}
