// A Sigstore of our own: certificate authority, transparency log, timestamp authority.
export {};
