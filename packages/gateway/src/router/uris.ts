// Whose resource a URI is, when several servers may have the same.
import { fitsTemplate } from "./uri-template.ts";

/** What one server lists. */
export interface UriSource {
  readonly server: string;
  readonly uris: ReadonlySet<string>;
  readonly templates: readonly string[];
}

export interface RoutedUri {
  readonly server: string;
  /** As the server knows it. */
  readonly uri: string;
}

/** `ui://~weather/app.html` is `ui://app.html` of the server weather; `urn:~weather:isbn:1` is its `urn:isbn:1`. */
const QUALIFIED = /^([a-zA-Z][a-zA-Z0-9+.-]*:)(\/\/)?~([a-z0-9][a-z0-9-]*)([/:])([^]*)$/;
const PLAIN = /^([a-zA-Z][a-zA-Z0-9+.-]*:)(\/\/)?([^]*)$/;
const URI_LIMIT = 2048;

/** The URI with its server in it; the scheme stays, since clients go by it (`ui:`). Undefined: it is no URI. */
export function qualifiedUri(server: string, uri: string): string | undefined {
  const [, scheme, slashes, rest] = PLAIN.exec(uri) ?? [];
  if (scheme === undefined || rest === undefined) return undefined;
  return slashes === undefined ? `${scheme}~${server}:${rest}` : `${scheme}//~${server}/${rest}`;
}

/**
 * The URIs of a view. One that a single server has stays as it is. What several have, or nobody lists while several
 * might have it, carries its server's name: so no server gets what is meant for another.
 */
export class Uris {
  readonly #sources: readonly UriSource[];
  readonly #holders = new Map<string, string[]>();

  constructor(sources: readonly UriSource[]) {
    this.#sources = sources;
    for (const { server, uris } of sources) {
      for (const uri of uris) this.#holders.set(uri, [...(this.#holders.get(uri) ?? []), server]);
    }
  }

  /** True when there is nothing to tell apart. */
  get isSingle(): boolean {
    return this.#sources.length < 2;
  }

  /** How clients know a URI (or a template) of a server. */
  shown(server: string, uri: string): string {
    if (!QUALIFIED.test(uri)) {
      if (this.isSingle) return uri;
      const holders = this.#holders.get(uri) ?? this.#fitting(uri).map((source) => source.server);
      if (holders.length === 1 && holders[0] === server) return uri;
    }
    return qualifiedUri(server, uri) ?? uri;
  }

  /** How clients know a template: it is told apart from the same text of others only. */
  shownTemplate(server: string, template: string): string {
    if (!QUALIFIED.test(template)) {
      const holders = this.#sources.filter(({ templates }) => templates.includes(template));
      if (holders.length < 2) return template;
    }
    return qualifiedUri(server, template) ?? template;
  }

  /** Whose a URI is that a client names; undefined when it is nobody's, or several servers have it. */
  route(uri: string): RoutedUri | undefined {
    if (uri.length > URI_LIMIT) return undefined;
    const [, scheme, slashes = "", name, separator, rest] = QUALIFIED.exec(uri) ?? [];
    if (name !== undefined && (separator === "/") === (slashes !== "")) {
      const source = this.#sources.find(({ server }) => server === name);
      if (source !== undefined) return { server: name, uri: `${scheme}${slashes}${rest}` };
    }
    const holders = this.#holders.get(uri);
    if (holders !== undefined) return holders.length === 1 ? { server: holders[0]!, uri } : undefined;
    const [fitting] = this.#fitting(uri);
    if (fitting !== undefined) return { server: fitting.server, uri };
    const [only] = this.#sources;
    return this.isSingle && only !== undefined ? { server: only.server, uri } : undefined;
  }

  /** Those whose templates it fits: the more of it a template says itself, the earlier. */
  #fitting(uri: string): { readonly server: string; readonly literal: number }[] {
    const fitting = this.#sources.flatMap(({ server, templates }) => {
      const lengths = templates
        .filter((template) => fitsTemplate(template, uri))
        .map((template) => template.replaceAll(/\{[^{}]*\}/g, "").length);
      return lengths.length === 0 ? [] : [{ server, literal: Math.max(...lengths) }];
    });
    return fitting.toSorted((a, b) => b.literal - a.literal);
  }
}
