// Docker: names that begin with our address work; nothing in its configuration can make other names come this way.
import { isJsonObject } from "@pratique/core";
import { parseObject, readIfThere } from "./files.ts";
import { authEntry, type JsonEntry, type Plan, type Target } from "./plan.ts";
import type { Places } from "./places.ts";

export async function planDocker(target: Target, places: Places): Promise<Plan> {
  const { host, upstreams } = target;
  const config = await objectIn(places.dockerConfig);
  const daemon = await objectIn(places.dockerDaemon);
  // With a helper for all, the file is not looked at: none for this host alone.
  const helper: JsonEntry[] = config["credsStore"] === undefined ? [] : [{ at: ["credHelpers", host], value: "" }];
  const mirrors = daemon["registry-mirrors"];
  const hasMirrors = Array.isArray(mirrors) && mirrors.length > 0;
  return {
    files: [{ kind: "json", path: places.dockerConfig, entries: [authEntry(target), ...helper], mode: 0o600 }],
    notes: [`docker pull ${host}/docker.io/library/alpine goes through Pratique; so for ${upstreams.join(", ")}`],
    gaps: [
      "`docker pull alpine` still goes to Docker Hub itself: no setting of Docker's daemon sends all names here",
      "`registry-mirrors` in daemon.json was left alone: it covers Docker Hub only, and when we deny, Docker asks the Hub",
      ...(hasMirrors ? [`${places.dockerDaemon} names mirrors: pulls from Docker Hub go there first`] : []),
      "to enforce it, block direct egress to registries, and pull by the names above",
    ],
  };
}

async function objectIn(path: string): Promise<Record<string, unknown>> {
  const found = await readIfThere(path);
  if (found === undefined) return {};
  const json = parseObject(found.text, path);
  return isJsonObject(json) ? { ...json } : {};
}
