// Upstream credentials: an envelope-encrypted store with several back ends.
export {};
