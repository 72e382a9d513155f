/** Keys of what is drawn. */

/** Items, each with a key of its own: what stands twice has two. */
export const keyed = <T>(items: readonly T[], keyOf: (item: T) => string): [key: string, item: T][] => {
  const seen = new Map<string, number>();
  return items.map((item) => {
    const key = keyOf(item);
    const count = seen.get(key) ?? 0;
    seen.set(key, count + 1);
    return [count === 0 ? key : `${key} (${count})`, item];
  });
};
