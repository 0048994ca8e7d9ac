// One container as a sandbox: attached before it starts, so that no byte of it is missed.
import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import type Docker from "dockerode";
import { sandboxErrors } from "../errors.ts";
import { DEFAULT_GRACE_MS, type Sandbox, type SandboxExit, type SandboxSpec } from "../sandbox.ts";
import { within } from "../within.ts";
import { attach } from "./attach.ts";
import { containerOptions, type ContainerSurroundings } from "./container-options.ts";
import { demultiplexer } from "./demultiplex.ts";
import type { EngineApi } from "./engine-connection.ts";
import { hasSecrets, secretBytes, type GuestFiles } from "./guest-files.ts";
import { reasonOf, statusOf, withDeadline } from "./engine-call.ts";
import { podmanCreate } from "./podman-create.ts";

const CALL_TIMEOUT_MS = 30_000;
const KILL_TIMEOUT_MS = 10_000;
const KILLED = 137;

/** Creates, attaches and starts. @throws `sandbox.start-failed`, and nothing is left then */
export async function startContainer(
  { docker, address }: EngineApi,
  spec: SandboxSpec,
  around: Omit<ContainerSurroundings, "guestDirectory">,
  guest?: GuestFiles,
): Promise<Sandbox> {
  const call = <T>(what: string, make: () => Promise<T>): Promise<T> => withDeadline(what, CALL_TIMEOUT_MS, make);
  let container: Docker.Container | undefined;
  try {
    const name = `pratique-${spec.name.replaceAll(/[^a-zA-Z0-9_.-]/g, "-").slice(0, 40)}-${randomUUID().slice(0, 8)}`;
    const options = containerOptions(spec, { ...around, guestDirectory: guest?.directory });
    container =
      around.userns === "mapped"
        ? docker.getContainer(
            await withDeadline("create the container", CALL_TIMEOUT_MS, (signal) =>
              podmanCreate(address, { name, ...options }, signal),
            ),
          )
        : await call("create the container", () => docker.createContainer({ name, ...options }));
    const started = container;
    const stream = await withDeadline("attach to the container", CALL_TIMEOUT_MS, (signal) =>
      attach(address, started.id, signal),
    );
    const gone = (started.wait({ condition: "next-exit" }) as Promise<{ StatusCode: number }>).catch(() => undefined);
    await call("start the container", () => started.start());
    // The first process reads them before anything else runs.
    if (hasSecrets(spec)) stream.write(secretBytes(spec.secrets ?? {}));
    const sandbox = new ContainerSandbox(started, spec, stream, gone, guest);
    if (guest !== undefined) await call("start the program", () => untilRunning(sandbox, guest));
    return sandbox;
  } catch (cause) {
    await container?.remove({ force: true }).catch(() => undefined);
    await guest?.close();
    throw sandboxErrors("sandbox.start-failed", { name: spec.name, reason: reasonOf(cause) }, { cause });
  }
}

/** @throws when it ends before its program runs */
async function untilRunning({ stderr, exited }: Sandbox, { socket }: GuestFiles): Promise<void> {
  const ended = exited.then(({ code }) => {
    const said: unknown = stderr.read();
    throw new Error(`${Buffer.isBuffer(said) ? said.toString().slice(0, 300) : "it ended"} (exit code ${code})`);
  });
  await Promise.race([socket.running, ended]);
}

class ContainerSandbox implements Sandbox {
  readonly id: string;
  readonly name: string;
  readonly stdin: Duplex;
  readonly stdout: Sandbox["stdout"];
  readonly stderr: Sandbox["stderr"];
  readonly exited: Promise<SandboxExit>;
  readonly connect?: () => Promise<Duplex>;
  readonly #container: Docker.Container;
  readonly #guest: GuestFiles | undefined;
  #isKilledByUs = false;

  constructor(
    container: Docker.Container,
    spec: SandboxSpec,
    stream: Duplex,
    gone: Promise<{ StatusCode: number } | undefined>,
    guest: GuestFiles | undefined,
  ) {
    this.#container = container;
    this.#guest = guest;
    this.id = container.id;
    this.name = spec.name;
    this.stdin = stream;
    const { input, stdout, stderr } = demultiplexer();
    // A cut connection ends both streams; `exited` tells the rest.
    stream.on("error", () => input.destroy());
    input.on("error", () => stream.destroy());
    stream.pipe(input);
    this.stdout = stdout;
    this.stderr = stderr;
    this.exited = this.#exit(gone).then(async (exit) => {
      await this.#leave(spec);
      return exit;
    });
    if (guest !== undefined && spec.port !== undefined) this.connect = () => guest.socket.connect();
  }

  async #leave({ network }: SandboxSpec): Promise<void> {
    if (network !== "none") network.close();
    // What cannot be removed is swept at the next start.
    await this.#guest?.close().catch(() => undefined);
  }

  async stop({ graceMs = DEFAULT_GRACE_MS }: { readonly graceMs?: number } = {}): Promise<void> {
    this.stdin.end();
    if (await within(this.exited, graceMs)) return;
    await this.#signal("SIGTERM");
    if (await within(this.exited, graceMs)) return;
    this.#isKilledByUs = true;
    await this.#signal("SIGKILL");
    if (await within(this.exited, KILL_TIMEOUT_MS)) return;
    await withDeadline("remove the container", CALL_TIMEOUT_MS, () => this.#container.remove({ force: true }));
  }

  async #exit(gone: Promise<{ StatusCode: number } | undefined>): Promise<SandboxExit> {
    const status = await gone;
    // With AutoRemove it may be gone already; then the exit code alone has to tell.
    const state = await withDeadline("look at the container", CALL_TIMEOUT_MS, () => this.#container.inspect()).then(
      ({ State }) => State,
      () => undefined,
    );
    const code = status?.StatusCode ?? (state?.Running === false ? state.ExitCode : -1);
    const oomKilled = state?.OOMKilled === true || (code === KILLED && !this.#isKilledByUs);
    return { code, oomKilled };
  }

  async #signal(signal: string): Promise<void> {
    try {
      await withDeadline("signal the container", CALL_TIMEOUT_MS, () => this.#container.kill({ signal }));
    } catch (error) {
      // 404 and 409: it is gone, or not running any more.
      const status = statusOf(error);
      if (status !== 404 && status !== 409 && status !== 500) throw error;
    }
  }
}
