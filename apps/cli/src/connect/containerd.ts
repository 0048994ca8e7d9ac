// containerd: one hosts.toml for all hosts, with a `server` line, without which a denial falls through to the registry.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "smol-toml";
import { readIfThere } from "./files.ts";
import type { Plan, Target, WholeFile } from "./plan.ts";
import type { Places } from "./places.ts";

const DEFAULT = "_default";

export async function planContainerd(target: Target, places: Places): Promise<Plan> {
  const certs = join(places.containerd, "certs.d");
  const config = join(places.containerd, "config.toml");
  const hosts: WholeFile = {
    kind: "whole",
    path: join(certs, DEFAULT, "hosts.toml"),
    text: hostsToml(target),
    // The credential stands in it.
    mode: 0o600,
  };
  const found = await readIfThere(config);
  const state =
    found === undefined ? "missing" : configPathsIn(found.text).includes(places.inside(certs)) ? "set" : "unset";
  const own: WholeFile = { kind: "whole", path: config, text: configToml(places.inside(certs)), mode: 0o644 };
  const specific = (await readdir(certs).catch(() => [])).filter((name) => name !== DEFAULT);
  return {
    files: state === "missing" ? [hosts, own] : [hosts],
    notes: [
      "hosts.toml is read at every pull",
      ...(state === "missing"
        ? ["restart containerd once, so that it reads config.toml: systemctl restart containerd"]
        : []),
      `ctr reads it only when told: ctr images pull --hosts-dir ${places.inside(certs)} …`,
    ],
    gaps: [
      ...(state === "unset"
        ? [
            `${config} does not name ${places.inside(certs)}, so Kubernetes pulls past Pratique; add to it, and restart containerd:\n${indented(configToml(places.inside(certs)))}`,
          ]
        : []),
      ...specific.map((name) => `${join(certs, name)} counts for ${name} in place of ${DEFAULT}: remove it`),
      "whoever may edit this configuration may undo it: close direct egress as well",
    ],
  };
}

function hostsToml({ url, token }: Target): string {
  const authorization = `authorization = "Basic ${Buffer.from(`pratique:${token}`).toString("base64")}"`;
  return [
    "# Written by `pratique connect containerd`; `pratique connect containerd --undo` takes it away.",
    "# Without the `server` line a denial would fall through to the registry itself.",
    `server = "${url}"`,
    "",
    "[header]",
    `  ${authorization}`,
    "",
    `[host."${url}"]`,
    '  capabilities = ["pull", "resolve"]',
    `  [host."${url}".header]`,
    `    ${authorization}`,
    "",
  ].join("\n");
}

/** Version 2 is read by containerd 1.x and 2.x. */
function configToml(certs: string): string {
  return ["version = 2", '[plugins."io.containerd.grpc.v1.cri".registry]', `  config_path = "${certs}"`, ""].join("\n");
}

function configPathsIn(text: string): string[] {
  try {
    return pathsIn(parse(text));
  } catch {
    return [];
  }
}

/** Wherever the version at hand keeps it. */
function pathsIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "config_path" && typeof inner === "string" ? inner.split(":") : pathsIn(inner),
  );
}

function indented(text: string): string {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n");
}
