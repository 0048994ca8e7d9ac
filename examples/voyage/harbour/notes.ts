// Notes, kept for as long as the server lives: its container has no disk of its own. Bounded in number and size.

export const MAX_NOTES = 100;
export const MAX_TEXT_LENGTH = 2000;

export interface Notes {
  read(name: string): string | undefined;
  /** False when there is no room for another note. */
  write(name: string, text: string): boolean;
}

export function openNotes(): Notes {
  const notes = new Map([
    ["diary", "calm sea"],
    ["plan", "meet at noon"],
  ]);
  return {
    read: (name) => notes.get(name),
    write(name, text) {
      if (!notes.has(name) && notes.size >= MAX_NOTES) return false;
      notes.set(name, text);
      return true;
    },
  };
}
