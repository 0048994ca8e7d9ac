// The gateway's own tools, as profiles of the configuration want them.
import { ToolReachConfig, type Config } from "@pratique/contracts";
import type { Log } from "@pratique/core";
import { createOwnTools, type OwnTools } from "@pratique/gateway";
import { builtFile } from "./installation.ts";

/** Without a profile every tool is in the list. */
const PLAIN: ToolReachConfig = ToolReachConfig.parse({});

export function ownTools({ gateway: { profiles } }: Config, installation: string, log: Log): OwnTools {
  const byName = new Map(Object.entries(profiles));
  return createOwnTools({
    reach: ({ profile }) => (profile === undefined ? undefined : byName.get(profile)) ?? PLAIN,
    programHost: builtFile(installation, "program-host.js"),
    log,
  });
}
