// Which distribution an image is: os-release(5).
import { NOTHING, type Detector } from "../facts.ts";

export const osRelease: Detector = {
  name: "os-release",
  maxBytes: 64 * 1024,
  read: ({ bytes }) => {
    const values = new Map<string, string>();
    for (const line of bytes.toString("utf8").split("\n")) {
      const match = /^([A-Z_]+)=(.*)$/.exec(line.trim());
      if (match?.[1] !== undefined && match[2] !== undefined) values.set(match[1], unquoted(match[2]));
    }
    const id = values.get("ID")?.toLowerCase();
    if (id === undefined || !/^[a-z0-9._-]{1,64}$/.test(id)) return NOTHING;
    const name = values.get("PRETTY_NAME") ?? values.get("NAME");
    const version = (values.get("VERSION_ID") ?? "").slice(0, 64);
    return {
      facts: [
        {
          fact: "distribution",
          distribution: { id, version, ...(name === undefined ? {} : { name: name.slice(0, 200) }) },
        },
      ],
    };
  },
};

/** Shell quoting as os-release(5) allows it. */
function unquoted(value: string): string {
  const match = /^(["'])(.*)\1$/.exec(value);
  return (match?.[2] ?? value).replace(/\\(["'$`\\])/g, "$1");
}
