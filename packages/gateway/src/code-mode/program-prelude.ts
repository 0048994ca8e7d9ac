// What a program finds when it begins: `tools` and `console`, built inside the interpreter from two host functions.

/**
 * Runs in QuickJS before the program, and takes what it needs of the built-ins first, since the program may change them.
 * Everything that crosses is text. The result is a function that runs a program's main function.
 */
export const PRELUDE = `(function (host, paths, resultChars) {
  "use strict";
  const { parse, stringify } = JSON;
  const { create, defineProperty, freeze } = Object;
  const { call: hostCall, log: hostLog } = host;
  const apply = Reflect.apply;
  const then = Promise.prototype.then;
  const refuse = Promise.reject.bind(Promise);
  const Fault = Error;
  const text = String;
  const constant = (object, name, value) =>
    defineProperty(object, name, { value, enumerable: true, writable: false, configurable: false });
  const all = [];
  const tools = create(null);
  all.push(tools);
  for (const [path, name] of parse(paths)) {
    let at = tools;
    for (let depth = 0; depth < path.length - 1; depth += 1) {
      if (at[path[depth]] === undefined) {
        const made = create(null);
        all.push(made);
        constant(at, path[depth], made);
      }
      at = at[path[depth]];
    }
    constant(at, path[path.length - 1], function (args) {
      try {
        const given = args === undefined ? "{}" : stringify(args);
        return apply(then, hostCall(name, given === undefined ? "null" : given), [parse]);
      } catch (error) {
        return refuse(error);
      }
    });
  }
  for (const object of all) freeze(object);
  const shown = (value) => {
    if (typeof value === "string") return value;
    if (value instanceof Fault) return text(value);
    try {
      const json = stringify(value);
      return json === undefined ? text(value) : json;
    } catch {
      return "[a value that has no JSON form]";
    }
  };
  const log = (...values) => {
    let line = "";
    for (let at = 0; at < values.length; at += 1) line += (at === 0 ? "" : " ") + shown(values[at]);
    hostLog(line);
  };
  constant(globalThis, "tools", tools);
  constant(globalThis, "console", freeze({ log, info: log, warn: log, error: log, debug: log }));
  return async (main) => {
    const value = await main();
    if (value === undefined) return undefined;
    const json = stringify(value);
    if (json === undefined) throw new Fault("what it returned has no JSON form");
    if (json.length > resultChars) throw new Fault("what it returned is larger than " + resultChars + " characters: return less");
    return json;
  };
})`;
