// Images and addresses as others write them.

/** `name@sha256:…` taken apart. */
export function splitImage(image: string): { reference: string; digest?: string } {
  const [, reference, digest] = /^(.+)@(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.exec(image) ?? [];
  if (reference === undefined || digest === undefined) return { reference: image.slice(0, 500) };
  return { reference: reference.slice(0, 500), digest };
}

export function imageOf(image: { readonly reference: string; readonly digest?: string | undefined }): string {
  return image.digest === undefined ? image.reference : `${image.reference}@${image.digest}`;
}

/** Host and port of an address; none when they are to be filled in. */
export function hostOfUrl(address: string): string[] {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || url.hostname === "" || /[{}$%]/.test(url.hostname)) return [];
  const port = url.port === "" ? (url.protocol === "http:" ? "80" : "443") : url.port;
  return [`${url.hostname}:${port}`];
}

export function withPort(host: string): string {
  return /:\d{1,5}$/.test(host) ? host : `${host}:443`;
}
