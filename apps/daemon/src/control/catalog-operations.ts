// The control API's operations on catalogs.
import {
  CatalogAddRequest,
  CatalogAddResult,
  CatalogDiffRequest,
  CatalogEditResult,
  CatalogEntryDetails,
  CatalogExportRequest,
  CatalogExportResult,
  CatalogImportRequest,
  CatalogInitRequest,
  CatalogListing,
  CatalogPublishRequest,
  CatalogPublishResult,
  CatalogReviewRequest,
  CatalogReviewResult,
} from "@pratique/contracts";
import type { CatalogDesk } from "../catalogs/catalog-desk.ts";
import { daemonErrors } from "../errors.ts";
import { get, post, type Operation } from "./operation.ts";

const PLACE = { place: "A reference, or an absolute path of a directory; absent: the catalogs in force" };

export function catalogOperations(desk: CatalogDesk): Operation[] {
  return [
    get(
      "/catalogs",
      "List catalogs and their entries",
      CatalogListing,
      ({ principal, query }) => desk.list(principal, query.get("place") ?? undefined, query.get("search") ?? undefined),
      { ...PLACE, search: "Words that its name, title, description, tags or tools contain" },
    ),
    get(
      "/catalogs/entry",
      "One entry of a catalog",
      CatalogEntryDetails,
      ({ principal, query }) => {
        const name = query.get("name") ?? "";
        if (name === "") throw daemonErrors("control.bad-request", { problem: "name is missing" });
        return desk.show(principal, name, query.get("place") ?? undefined);
      },
      { name: "Its name, or that in the official registry", ...PLACE },
    ),
    post(
      "/catalogs/init",
      "Write an empty catalog.yaml",
      CatalogInitRequest,
      CatalogEditResult,
      ({ principal, body }) => desk.init(principal, body),
    ),
    post(
      "/catalogs/import",
      "Put entries of another's catalog into a catalog.yaml",
      CatalogImportRequest,
      CatalogEditResult,
      ({ principal, body }) => desk.imports.import(principal, body),
    ),
    post(
      "/catalogs/add",
      "Pack, sign and clear a server, and put it into a catalog.yaml",
      CatalogAddRequest,
      CatalogAddResult,
      ({ principal, body }) => desk.adds.add(principal, body),
    ),
    post(
      "/catalogs/review",
      "Tell what servers may do under a catalog.yaml that they could not before, and accept it",
      CatalogReviewRequest,
      CatalogReviewResult,
      ({ principal, body }) => desk.review(principal, body),
    ),
    post("/catalogs/diff", "Compare two catalogs", CatalogDiffRequest, CatalogReviewResult, ({ principal, body }) =>
      desk.diff(principal, body),
    ),
    post(
      "/catalogs/publish",
      "Pack, sign and clear a catalog",
      CatalogPublishRequest,
      CatalogPublishResult,
      ({ principal, body }) => desk.publishing.publish(principal, body),
    ),
    post(
      "/catalogs/export",
      "Write a catalog in another's form",
      CatalogExportRequest,
      CatalogExportResult,
      ({ principal, body }) => desk.export(principal, body),
    ),
  ];
}
