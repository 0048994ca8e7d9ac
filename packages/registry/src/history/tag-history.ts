// What a tag has named, and the way back.
import type { AuditRecord, TagMove } from "@pratique/contracts";
import { isDigest, parseDigest, type Digest } from "@pratique/core";
import type { LocalRepository } from "@pratique/oci";
import type { RegistryJournal, TagMoveRow } from "@pratique/store";
import { registryErrors } from "../errors.ts";

/** Moves of a tag, newest first. */
export async function historyOf(
  journal: RegistryJournal,
  repository: LocalRepository,
  tag: string,
  limit?: number,
): Promise<TagMove[]> {
  const rows = await journal.moves({ repository: repository.name, tag, ...(limit === undefined ? {} : { limit }) });
  return Promise.all(rows.map(async (row) => tagMove(row, await isThere(repository, row.fromDigest))));
}

function tagMove(row: TagMoveRow, isFromThere: boolean): TagMove {
  const { sequence, repository, tag, fromDigest, toDigest, time, principal, action, record } = row;
  return {
    sequence,
    repository,
    tag,
    time,
    isFromThere,
    ...(fromDigest === null ? {} : { from: fromDigest }),
    ...(toDigest === null ? {} : { to: toDigest }),
    // Written by us, from a value of that shape.
    ...(principal === null ? {} : { principal: JSON.parse(principal) as AuditRecord["principal"] }),
    ...(action === null ? {} : { action }),
    ...(record === null ? {} : { record }),
  };
}

async function isThere(repository: LocalRepository, digest: string | null): Promise<boolean> {
  return digest !== null && (await repository.resolve(digest)) !== undefined;
}

/**
 * Where a rollback goes: the digest given, or what the tag named so many moves ago (1 when nothing is given).
 * @throws `registry.history-unknown`, `registry.rollback-nothing`, `registry.rollback-gone`, `digest.invalid`
 */
export async function rollbackTarget(
  repository: LocalRepository,
  tag: string,
  moves: readonly Pick<TagMove, "from">[],
  to: string | number = 1,
): Promise<Digest> {
  const reference = `${repository.name}:${tag}`;
  const digest = typeof to === "string" ? parseDigest(to) : earlier(moves, to);
  if (digest === undefined) throw registryErrors("registry.history-unknown", { reference });
  if ((await repository.resolve(tag))?.digest === digest) {
    throw registryErrors("registry.rollback-nothing", { reference, digest });
  }
  if ((await repository.resolve(digest)) === undefined) {
    throw registryErrors("registry.rollback-gone", { reference, digest });
  }
  return digest;
}

/** What was named `steps` moves ago; times at which there was no such tag do not count. */
function earlier(moves: readonly Pick<TagMove, "from">[], steps: number): Digest | undefined {
  const before = moves.flatMap(({ from }) => (from !== undefined && isDigest(from) ? [from] : []));
  return before[steps - 1];
}
