// Whose statements on vulnerabilities count: what trusted signers attached to the artifact, and files that somebody names.
import { parseJson } from "@pratique/core";
import { verifyArtifact, type Trust } from "@pratique/evidence";
import type { Descriptor, LocalRepository } from "@pratique/oci";
import { isVexPredicate, readVex, type VexSource } from "@pratique/vulnerabilities";
import { scanErrors } from "./errors.ts";
import { readLocalFile } from "./local-file.ts";

/** Statements that are signed as being about this very artifact. */
export async function signedVex(
  repository: LocalRepository,
  descriptor: Descriptor,
  trust: Trust,
): Promise<VexSource[]> {
  const { verified } = await verifyArtifact(repository, descriptor, trust);
  return verified.flatMap(({ predicateType, predicate, signer }) => {
    if (!isVexPredicate(predicateType)) return [];
    const reading = readVex(predicate, signer.name);
    return reading === undefined ? [] : [{ ...reading, isOfSubject: true }];
  });
}

/** @throws `scan.no-file`, `vex.unreadable` */
export async function vexFiles(paths: readonly string[]): Promise<VexSource[]> {
  const sources: VexSource[] = [];
  for (const path of paths) {
    const reading = readVex(parseJson((await readLocalFile(path)).toString("utf8"), path));
    if (reading === undefined) throw scanErrors("vex.unreadable", { path });
    sources.push({ ...reading, isOfSubject: false });
  }
  return sources;
}
