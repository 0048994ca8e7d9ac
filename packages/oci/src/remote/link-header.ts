// Pages of a list: `Link: <…>; rel="next"` (RFC 8288, distribution-spec 1.1 "Listing Tags").

/** The target of the link to the next page. */
export function nextLink(header: string | string[] | undefined): string | undefined {
  const text = Array.isArray(header) ? header.join(",") : (header ?? "");
  for (const match of text.slice(0, 8192).matchAll(/<([^>]*)>((?:\s*;\s*[^,;"]+(?:"[^"]*")?)*)/g)) {
    if ((match[2] ?? "").split(";").some(isNext)) return match[1];
  }
  return undefined;
}

function isNext(parameter: string): boolean {
  const relation = /^\s*rel\s*=\s*"?([^"]*)"?\s*$/i.exec(parameter)?.[1] ?? "";
  return relation.toLowerCase().split(/\s+/).includes("next");
}
