// Changes to one repository's manifests, one after another: a conditional write must see what it compares with.
import { Mutex } from "@pratique/core";

export class RepositoryLine {
  readonly #lines = new Map<string, { readonly mutex: Mutex; waiting: number }>();

  async run<T>(repository: string, task: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(repository) ?? { mutex: new Mutex(), waiting: 0 };
    this.#lines.set(repository, line);
    line.waiting += 1;
    try {
      return await line.mutex.run(task);
    } finally {
      line.waiting -= 1;
      if (line.waiting === 0) this.#lines.delete(repository);
    }
  }
}
