// What an artifact consists of, and how that is written down.
export {};
