// The advisories of a set of documents, in batches, with what could not be read.
import type { FeedFormat } from "@pratique/contracts";
import type { Advisory } from "../database/advisory.ts";
import { vulnerabilityErrors } from "../errors.ts";
import { readAlpineSecdb } from "./alpine-secdb.ts";
import { readCsaf } from "./csaf.ts";
import { readDebianTracker } from "./debian-tracker.ts";
import type { DocumentSet } from "./documents.ts";
import { readOsvRecord } from "./osv-record.ts";
import { isDataError, readJson, reasonOf } from "./read-json.ts";
import type { AdvisoryDocument } from "./reading.ts";

export type AdvisoryFormat = Exclude<FeedFormat, "kev" | "epss">;

export interface AdvisoryBatch {
  readonly advisories: readonly Advisory[];
  /** One sentence for each record that is not sound. */
  readonly problems: readonly string[];
}

/** Advisories written between two turns of others. */
const BATCH = 64;

/**
 * Of formats with a record a document an unsound one is a problem; of those that are one document it is an error.
 * @throws `vulnerabilities.bad-data`, `vulnerabilities.too-large`
 */
export async function* advisoriesOf(
  set: DocumentSet,
  format: AdvisoryFormat,
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<AdvisoryBatch> {
  if (format === "debian-tracker" || format === "alpine-secdb") {
    yield* inPortions(await wholeOf(set, format, path));
    return;
  }
  const read = format === "osv" ? readOsvRecord : readCsaf;
  for await (const documents of set.batches()) {
    signal?.throwIfAborted();
    yield batchOf(documents, read);
  }
}

function batchOf(documents: readonly AdvisoryDocument[], read: (value: unknown) => Advisory): AdvisoryBatch {
  const advisories: Advisory[] = [];
  const problems: string[] = [];
  for (const { name, text } of documents) {
    try {
      advisories.push(read(readJson(text)));
    } catch (error) {
      if (!isDataError(error)) throw error;
      problems.push(`${name}: ${reasonOf(error)}`);
    }
  }
  return { advisories, problems };
}

/** One vulnerability is one advisory over all documents: a release's repositories are files of their own. */
async function wholeOf(set: DocumentSet, format: "debian-tracker" | "alpine-secdb", path: string): Promise<Advisory[]> {
  const read = format === "alpine-secdb" ? readAlpineSecdb : readDebianTracker;
  const found = new Map<string, Advisory>();
  for await (const { text } of documentsOf(set)) {
    let advisories: readonly Advisory[];
    try {
      advisories = read(readJson(text));
    } catch (error) {
      if (!isDataError(error)) throw error;
      throw vulnerabilityErrors(
        "vulnerabilities.bad-data",
        { path, format, reason: reasonOf(error) },
        { cause: error },
      );
    }
    for (const advisory of advisories) {
      const known = found.get(advisory.id);
      found.set(advisory.id, known === undefined ? advisory : together(known, advisory));
    }
  }
  return [...found.values()];
}

async function* documentsOf(set: DocumentSet): AsyncGenerator<AdvisoryDocument> {
  for await (const documents of set.batches()) yield* documents;
}

function together(a: Advisory, b: Advisory): Advisory {
  const aliases = [...new Set([...(a.aliases ?? []), ...(b.aliases ?? [])])];
  return { ...a, ...(aliases.length === 0 ? {} : { aliases }), affected: [...a.affected, ...b.affected] };
}

function* inPortions(advisories: readonly Advisory[]): Generator<AdvisoryBatch> {
  for (let at = 0; at < advisories.length; at += BATCH) {
    yield { advisories: advisories.slice(at, at + BATCH), problems: [] };
  }
}
