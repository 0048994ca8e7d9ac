// Between the plan and the deletion somebody may have moved a tag: then the deletion must not happen.
import type { ActScope } from "@pratique/guard";
import type { RepositoryChange } from "@pratique/oci";
import { registryErrors } from "../errors.ts";
import { RETENTION } from "./apply-retention.ts";

/** @throws `registry.retention-overtaken` */
export function refuseOvertaken({ repository, tags, removed }: RepositoryChange, acts: ActScope): void {
  const act = acts.current?.act;
  if (act?.details?.[RETENTION] === undefined) return;
  const digest = act.resource.digest ?? "";
  const isAsPlanned = removed.length > 0 ? tags.length === 0 : tags.every(({ from }) => from === digest);
  if (!isAsPlanned) throw registryErrors("registry.retention-overtaken", { repository, digest });
}
