// An entry that is imported again: what others say is new, what was decided here stays.
import type { EntryTool, ServerEntry } from "@pratique/contracts";
import { exportEntry, withOriginal } from "./formats/entry-format.ts";
import { formatNamed } from "./import-catalog.ts";

/**
 * Kept: a network statement, verdicts on tools, evidence that is asked for, life and limits, and the image while the
 * version is the same. Everything else is as it came now, and `other` still gives back what came.
 */
export function mergeEntry(known: ServerEntry, incoming: ServerEntry): ServerEntry {
  const keepsNetwork = incoming.network.unstated === true && known.network.unstated !== true;
  const keepsImage =
    incoming.remote === undefined &&
    incoming.image?.digest === undefined &&
    known.image?.digest !== undefined &&
    known.version === incoming.version;
  const merged: ServerEntry = {
    ...incoming,
    name: known.name,
    network: keepsNetwork ? known.network : incoming.network,
    ...(keepsImage ? { image: { ...incoming.image, ...known.image! } } : {}),
    tools: incoming.tools.length === 0 ? known.tools : withVerdicts(known.tools, incoming.tools),
    ...(known.evidence === undefined ? {} : { evidence: known.evidence }),
    life: known.life,
    scope: known.scope,
    limits: known.limits,
    writable: known.writable,
    ...(known.idleStopSeconds === undefined ? {} : { idleStopSeconds: known.idleStopSeconds }),
    other: { ...known.other, ...incoming.other },
  };
  return Object.keys(incoming.other).reduce<ServerEntry>((entry, id) => {
    const format = formatNamed(id);
    return format === undefined ? entry : withOriginal(format, entry, exportEntry(format, incoming));
  }, merged);
}

/** A verdict holds for the tool that it was given for; one whose description is another is looked at anew. */
function withVerdicts(known: readonly EntryTool[], incoming: readonly EntryTool[]): EntryTool[] {
  const verdicts = new Map(known.map((tool) => [tool.name, tool]));
  return incoming.map((tool) => {
    const was = verdicts.get(tool.name);
    const isAnother =
      tool.description !== undefined && was?.description !== undefined && was.description !== tool.description;
    if (was === undefined || isAnother) return tool;
    const { readOnly, destructive } = was;
    return {
      ...tool,
      ...(readOnly === undefined ? {} : { readOnly }),
      ...(destructive === undefined ? {} : { destructive }),
    };
  });
}
