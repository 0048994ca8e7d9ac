// The control API's calls on catalogs.
import type {
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
import { call, type Endpoint } from "./transport.ts";

export interface CatalogCalls {
  /** @param place a reference or a directory; absent: those in force */
  list(options?: {
    readonly place?: string | undefined;
    readonly search?: string | undefined;
  }): Promise<CatalogListing>;
  show(name: string, place?: string): Promise<CatalogEntryDetails>;
  init(request: CatalogInitRequest): Promise<CatalogEditResult>;
  import(request: CatalogImportRequest): Promise<CatalogEditResult>;
  add(request: CatalogAddRequest): Promise<CatalogAddResult>;
  review(request: CatalogReviewRequest): Promise<CatalogReviewResult>;
  diff(request: CatalogDiffRequest): Promise<CatalogReviewResult>;
  publish(request: CatalogPublishRequest): Promise<CatalogPublishResult>;
  export(request: CatalogExportRequest): Promise<CatalogExportResult>;
}

export function catalogCalls(endpoint: Endpoint): CatalogCalls {
  const get = <T>(path: string, values: Readonly<Record<string, string | undefined>>): Promise<T> => {
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(values)) if (value !== undefined) query.set(key, value);
    return call<T>(endpoint, { method: "GET", path: query.size === 0 ? path : `${path}?${query.toString()}` });
  };
  const post = <T>(path: string, body: unknown): Promise<T> => call<T>(endpoint, { method: "POST", path, body });
  return {
    list: (options = {}) => get("/catalogs", { place: options.place, search: options.search }),
    show: (name, place) => get("/catalogs/entry", { name, place }),
    init: (request) => post("/catalogs/init", request),
    import: (request) => post("/catalogs/import", request),
    add: (request) => post("/catalogs/add", request),
    review: (request) => post("/catalogs/review", request),
    diff: (request) => post("/catalogs/diff", request),
    publish: (request) => post("/catalogs/publish", request),
    export: (request) => post("/catalogs/export", request),
  };
}
