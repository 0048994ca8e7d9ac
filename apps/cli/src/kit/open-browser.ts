// Opens an address in the person's browser, where there is one.
import type { Context } from "./command.ts";

const LIMITS = { maxOutputBytes: 65_536, timeoutMs: 5000 };
/** What a desktop needs to know whose it is. */
const DESKTOP = ["DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "HOME"];

/** False where there is none, or it would not start. */
export async function openBrowser({ environment }: Context, url: string): Promise<boolean> {
  const opener = openerOf(environment);
  if (opener === undefined) return false;
  const env = Object.fromEntries(
    DESKTOP.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
  const { runCommand } = await import("@pratique/sandbox");
  const [command, ...args] = opener;
  try {
    return (await runCommand(command, [...args, url], { ...LIMITS, env })).code === 0;
  } catch {
    return false;
  }
}

function openerOf(environment: Context["environment"]): readonly [string, ...string[]] | undefined {
  if (process.platform === "darwin") return ["open"];
  if (process.platform === "win32") return ["rundll32", "url.dll,FileProtocolHandler"];
  const hasDesktop = (environment["DISPLAY"] ?? environment["WAYLAND_DISPLAY"] ?? "") !== "";
  return hasDesktop ? ["xdg-open"] : undefined;
}
