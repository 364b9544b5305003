/**
 * Makes files as its first argument says, in the directory that its second one names: the umask and the current
 * directory are those of a whole process.
 */

import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileStore } from "../../../lib/host/file_store.ts";
import { createKeyFile } from "../../../lib/host/key_file.ts";
import { createPrivateFile, writePrivateFileAtomically } from "../../../lib/host/private_files.ts";
import { answer } from "../../../lib/host/standard_streams.ts";
import { watchedFiles } from "../watched_files.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

const tasks: Record<string, (directory: string) => unknown> = {
  async store(directory) {
    const store = fileStore(join(directory, "deep", "er"));
    const version = await store.compareAndSet("a/b", undefined, bytes("one"));
    await store.compareAndSet("a/b", version, bytes("two"));
  },
  key: (directory) => createKeyFile(join(directory, "key")),
  private(directory) {
    writePrivateFileAtomically(join(directory, "a", "b", "written"), bytes("x"));
    createPrivateFile(join(directory, "a", "b", "created"), bytes("x"));
  },
  /** Every mode that a file has had. */
  watched(directory) {
    const modes: number[] = [];
    const files = watchedFiles(({ name, args }) => {
      if (name === "openSync" && args.length > 2) modes.push(args[2] as number);
      if (name !== "fsyncSync") return;
      for (const path of readdirSync(directory)) modes.push(lstatSync(join(directory, path)).mode & 0o777);
    });
    writePrivateFileAtomically(join(directory, "file"), bytes("x"), { files });
    return modes;
  },
  /** What a store with a relative name has once its process has moved. */
  async moved(directory) {
    const store = fileStore(directory);
    process.chdir("/");
    return new TextDecoder().decode((await store.read("apex"))?.value);
  },
};

const [, , task, directory] = process.argv;
answer(JSON.stringify(await tasks[task](directory) ?? null));
