// An import as a thread is asked to do it: plain data both ways.
import type { SourceImport } from "@pratique/contracts";
import { isPratiqueError, PratiqueError } from "@pratique/core";
import { openAdvisoryDatabase } from "../database/advisory-database.ts";
import { Downloader } from "./http-download.ts";
import { importPath, type ImportOptions } from "./import-path.ts";
import { updateSource, type FeedSource } from "./update-source.ts";

export type PathOptions = Omit<ImportOptions, "clock" | "signal" | "limits" | "follows">;

export interface ImportTask {
  /** The database's file. */
  readonly file: string;
  /** RFC 3339. */
  readonly now: string;
  readonly what:
    | { readonly type: "path"; readonly path: string; readonly options: PathOptions }
    | {
        readonly type: "source";
        readonly source: FeedSource;
        readonly directory: string;
        readonly proxies: Readonly<Record<string, string>>;
      };
}

/** What went wrong, as an error can be made of it again. */
export interface ImportFailure {
  readonly code?: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly status?: number;
}

export type ImportAnswer = { readonly done: SourceImport } | { readonly failure: ImportFailure };

/** Opens the database, imports, and closes it. */
export async function runImport({ file, now, what }: ImportTask): Promise<SourceImport> {
  const clock = { now: () => new Date(now) };
  // Who asked has it open: what is damaged is not made anew under its feet.
  const database = await openAdvisoryDatabase(file, { clock, mayReplace: false });
  try {
    if (what.type === "path") return await importPath(database, what.path, { ...what.options, clock });
    const downloader = new Downloader(what.proxies);
    try {
      return await updateSource(database, what.source, { clock, downloader, directory: what.directory });
    } finally {
      downloader.close();
    }
  } finally {
    await database.close();
  }
}

export async function answerTo(task: ImportTask): Promise<ImportAnswer> {
  try {
    return { done: await runImport(task) };
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

function failureOf(error: unknown): ImportFailure {
  if (!isPratiqueError(error)) return { message: error instanceof Error ? error.message : String(error) };
  const { code, message, hint, status } = error;
  return { code, message, hint, status };
}

export function errorOf({ code, message, hint, status = 500 }: ImportFailure): Error {
  return code === undefined ? new Error(message) : new PratiqueError({ code, message, hint, status });
}
