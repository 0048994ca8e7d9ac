// An object that answers some questions otherwise than the one behind it.

/** Methods of `target` run on `target`; those in `own` take their place. */
export function answeringOtherwise<T extends object>(target: T, own: Partial<T>): T {
  return new Proxy(target, {
    get(behind, key) {
      if (Object.hasOwn(own, key)) return Reflect.get(own, key);
      const value: unknown = Reflect.get(behind, key, behind);
      return typeof value === "function" ? value.bind(behind) : value;
    },
  });
}
