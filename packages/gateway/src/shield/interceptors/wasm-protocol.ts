// What the gateway and the thread of a WebAssembly interceptor say to each other.

export interface WasmHostData {
  readonly module: WebAssembly.Module;
  readonly limitBytes: number;
}

export interface WasmTask {
  readonly id: number;
  readonly question: string;
}

export type WasmReply =
  | { readonly id: number; readonly text: string }
  | { readonly id: number; readonly error: string };
