// `GET /v2/<name>/tags/list` (end-8a, 8b) and `GET /v2/_catalog`, page by page.
import { actOf, perform, permit, registryResource, repositoryResource } from "./act.ts";
import { registryErrors } from "./errors.ts";
import { sendBytes, type Exchange, type RegistryParts } from "./exchange.ts";

/** A page when the client asks for none, and the longest it can ask for. */
const PAGE_ITEMS = 10_000;

export async function listTags(parts: RegistryParts, exchange: Exchange, name: string): Promise<void> {
  const page = pageOf(exchange.query);
  const repository = parts.store.repository(name);
  const act = actOf(exchange, "artifact:pull", repositoryResource(parts, name), { details: { listed: "tags" } });
  if (!(await repository.exists())) {
    await permit(parts.guard, act);
    throw registryErrors("registry.repository-unknown", { name });
  }
  const tags = await perform(parts.guard, act, () => repository.tags());
  sendPage(exchange, `/v2/${name}/tags/list`, page, tags, (items) => ({ name, tags: items }));
}

/** The repositories that the principal may pull from. */
export async function listRepositories(parts: RegistryParts, exchange: Exchange): Promise<void> {
  const page = pageOf(exchange.query);
  const { resource, ...act } = actOf(exchange, "artifact:pull", registryResource(parts));
  const all = await parts.store.repositories();
  const names = await parts.guard.filter({ ...act, scope: resource }, all, (name) => repositoryResource(parts, name));
  sendPage(exchange, "/v2/_catalog", page, names, (items) => ({ repositories: items }));
}

interface Page {
  readonly limit: number;
  /** Where the page before ended. */
  readonly last: string | undefined;
}

function pageOf(query: URLSearchParams): Page {
  const n = query.get("n");
  if (n !== null && !/^\d{1,9}$/.test(n)) throw registryErrors("registry.page-invalid", { n: n.slice(0, 40) });
  const limit = n === null ? PAGE_ITEMS : Math.min(Number(n), PAGE_ITEMS);
  return { limit, last: query.get("last") ?? undefined };
}

/** `all` is in order of code units, and so are the pages; `last` need not be there any more. */
function sendPage(
  exchange: Exchange,
  path: string,
  { limit, last }: Page,
  all: readonly string[],
  shape: (items: readonly string[]) => object,
): void {
  const rest = last === undefined ? all : all.filter((item) => item > last);
  const items = rest.slice(0, limit);
  const end = items.at(-1);
  const link =
    end === undefined || items.length === rest.length
      ? {}
      : { Link: `<${path}?n=${limit}&last=${encodeURIComponent(end)}>; rel="next"` };
  const body = Buffer.from(JSON.stringify(shape(items)));
  sendBytes(exchange, 200, body, { "Content-Type": "application/json", ...link });
}
