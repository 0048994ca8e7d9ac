// Tags that belong to a manifest by their name: `sha256-<hex>` of the referrers tag schema (distribution-spec 1.1), and
// `sha256-<hex>.sig` and the like of older cosigns. Clients extend them as evidence comes.

const BOUND_TAG = /^(sha256|sha512)-([0-9a-f]{64})(\.[a-z]{1,16})?$/;

/** How the digest begins to which a tag belongs; of a sha512 the tag holds only half. */
export function boundTo(tag: string): string | undefined {
  const match = BOUND_TAG.exec(tag);
  return match === null ? undefined : `${match[1]}:${match[2]}`;
}
