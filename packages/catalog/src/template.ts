// `{{key}}` in what starts a server, and the forms that others write it in.

const DOCKER = /\{\{\s*([^{}|]+?)\s*((?:\|[^{}|]*)*)\}\}/g;

/**
 * Docker's `{{server.a.b|filter}}` as `{{a.b}}`: its filters say how a list or a folder is passed, which here the place
 * says where it stands.
 */
export function fromDockerTemplate(text: string, server: string): string {
  return text.replace(DOCKER, (_, key: string) => `{{${withoutPrefix(key, server)}}}`);
}

/** A volume: `{{paths|volume|into}}` mounts each folder where it lies outside. */
export function fromDockerVolume(text: string, server: string): string {
  const [whole = "", key, filters = ""] = [...text.matchAll(DOCKER)][0] ?? [];
  if (key === undefined || whole !== text || !/\|volume(?:$|\|)/.test(filters)) return fromDockerTemplate(text, server);
  const inner = `{{${withoutPrefix(key, server)}}}`;
  return `${inner}:${inner}`;
}

export function toDockerTemplate(text: string, server: string): string {
  return text.replace(/\{\{([^{}]+)\}\}/g, (_, key: string) => `{{${server}.${key}}}`);
}

function withoutPrefix(key: string, server: string): string {
  const prefix = `${server}.`;
  return key.startsWith(prefix) ? key.slice(prefix.length) : key;
}
