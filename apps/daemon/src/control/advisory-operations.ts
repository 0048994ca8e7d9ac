// Operations of the advisory database.
import {
  DatabaseChangeResult,
  DatabaseImportRequest,
  DatabaseStatus,
  DatabaseUpdateRequest,
} from "@pratique/contracts";
import type { AdvisoryDesk } from "../advisories/advisory-desk.ts";
import { get, post, type Operation } from "./operation.ts";

export function advisoryOperations(advisories: AdvisoryDesk): Operation[] {
  return [
    get("/advisories", "Sources of advisories, and how old what they say is", DatabaseStatus, ({ principal }) =>
      advisories.status(principal),
    ),
    post(
      "/advisories/update",
      "Ask the configured sources for what is new; stops when the caller leaves",
      DatabaseUpdateRequest,
      DatabaseChangeResult,
      ({ principal, body, signal }) => advisories.update(principal, { ...body, signal }),
    ),
    post(
      "/advisories/import",
      "Import a dump, a directory or a document that lies on the daemon's machine; stops when the caller leaves",
      DatabaseImportRequest,
      DatabaseChangeResult,
      ({ principal, body, signal }) => advisories.import(principal, body, signal),
    ),
  ];
}
