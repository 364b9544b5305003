/**
 * A disk in memory that can be cut off from its power: what was not synchronised may be lost, torn or filled with
 * zeros, and names may come and go independently of each other. `link` and `rename` are atomic.
 */

import { constants, type Stats } from "node:fs";
import process from "node:process";
import type { FileCalls } from "../../lib/host/_file_calls.ts";
import type { Random } from "./random.ts";

interface File {
  readonly kind: "file";
  data: Uint8Array;
  /** What a power cut leaves for certain. */
  synced: Uint8Array;
  links: number;
  readonly inode: number;
  modified: number;
}

interface Directory {
  readonly kind: "directory";
  entries: Map<string, Node>;
  /** The names that a power cut leaves for certain. */
  synced: Map<string, Node>;
  /** What happened to the names since. */
  pending: ((entries: Map<string, Node>) => void)[];
}

type Node = File | Directory;

/** The disk. */
export interface Disk {
  /** The calls of one process; `before` sees each and may throw in its place. */
  files(before: (call: string, path: string) => void): FileCalls;
  /** Cuts the power: everybody who uses it must be dead. */
  cut(random: Random): void;
  /** Leaves no more room than there is in use now, or takes that back. */
  fill(full: boolean): void;
  /** Counts the calls that changed something. */
  changes(): number;
}

const EMPTY = new Uint8Array();
const me = process.geteuid?.() ?? 0;

/** An empty disk; `now` is its clock. */
export function virtualDisk(now: () => number): Disk {
  const root = directory();
  const known = new Map<string, Directory>();
  const handles = new Map<number, { node: Node; at: number }>();
  let [used, limit, changes, inodes, descriptors] = [0, Infinity, 0, 1, 3];

  function walk(path: string): Node | undefined {
    const slash = path.lastIndexOf("/");
    if (slash <= 0) return path === "/" || path === "" ? root : root.entries.get(path.slice(1));
    const parent = directoryAt(path.slice(0, slash));
    return parent?.entries.get(path.slice(slash + 1));
  }

  /** Directories stay where they are, but for a power cut. */
  function directoryAt(path: string): Directory | undefined {
    let found = known.get(path);
    if (!found) {
      const node = walk(path);
      if (node?.kind !== "directory") return undefined;
      known.set(path, found = node);
    }
    return found;
  }

  function parentOf(path: string): [Directory, string] {
    const slash = path.lastIndexOf("/");
    const parent = directoryAt(path.slice(0, slash));
    if (!parent) throw systemError("ENOENT");
    return [parent, path.slice(slash + 1)];
  }

  function found(path: string): Node {
    return walk(path) ?? fail("ENOENT");
  }

  function change(where: Directory, what: (entries: Map<string, Node>) => void): void {
    changes++;
    what(where.entries);
    where.pending.push(what);
  }

  function drop(file: Node): void {
    if (file.kind === "file" && --file.links === 0) used -= file.data.length;
  }

  function synchronise(handle: number): void {
    const { node } = handles.get(handle)!;
    if (node.kind === "file") {
      node.synced = node.data;
    } else if (node.pending.length > 0) {
      node.synced = new Map(node.entries);
      node.pending = [];
    }
  }

  const calls = {
    openSync(path: string, flags: number) {
      let node = walk(path);
      if (flags & constants.O_CREAT) {
        if (node) throw systemError("EEXIST");
        const [parent, name] = parentOf(path);
        const made: File = {
          kind: "file",
          data: EMPTY,
          synced: EMPTY,
          links: 1,
          inode: inodes++,
          modified: now(),
        };
        change(parent, (entries) => entries.set(name, made));
        node = made;
      }
      handles.set(++descriptors, { node: node ?? fail("ENOENT"), at: 0 });
      return descriptors;
    },
    closeSync(handle: number) {
      handles.delete(handle);
    },
    readSync(handle: number, buffer: Uint8Array, offset: number, length: number) {
      const open = handles.get(handle)!;
      const bytes = (open.node as File).data.subarray(open.at, open.at + length);
      buffer.set(bytes, offset);
      open.at += bytes.length;
      return bytes.length;
    },
    writeSync(handle: number, bytes: Uint8Array, offset: number, length: number) {
      const open = handles.get(handle)!;
      const file = open.node as File;
      const more = Math.max(0, open.at + length - file.data.length);
      // what is written over something needs no room
      if (more > 0 && used + more > limit) throw systemError("ENOSPC");
      changes++;
      used += more;
      const data = new Uint8Array(file.data.length + more);
      data.set(file.data);
      data.set(bytes.subarray(offset, offset + length), open.at);
      open.at += length;
      file.data = data;
      file.modified = now();
      return length;
    },
    fsyncSync: synchronise,
    fdatasyncSync: synchronise,
    fstatSync: (handle: number) => statsOf(handles.get(handle)!.node),
    lstatSync(path: string, options?: { throwIfNoEntry?: boolean }) {
      const node = walk(path);
      if (!node && options?.throwIfNoEntry === false) return undefined;
      return statsOf(node ?? fail("ENOENT"));
    },
    linkSync(from: string, path: string) {
      const file = found(from) as File;
      const [parent, name] = parentOf(path);
      if (parent.entries.has(name)) throw systemError("EEXIST");
      file.links++;
      change(parent, (entries) => entries.set(name, file));
    },
    renameSync(from: string, path: string) {
      const file = found(from);
      const [parent, name] = parentOf(path);
      const old = from.slice(from.lastIndexOf("/") + 1);
      const replaced = parent.entries.get(name);
      change(parent, (entries) => {
        if (entries.get(old) === file) entries.delete(old);
        entries.set(name, file);
      });
      if (replaced) drop(replaced);
    },
    unlinkSync(path: string) {
      const [parent, name] = parentOf(path);
      const file = parent.entries.get(name) ?? fail("ENOENT");
      change(parent, (entries) => {
        if (entries.get(name) === file) entries.delete(name);
      });
      drop(file);
    },
    mkdirSync(path: string): string | undefined {
      let at = "";
      let first: string | undefined;
      for (const part of path.split("/").filter(Boolean)) {
        const parent = found(at) as Directory;
        at += `/${part}`;
        if (parent.entries.has(part)) continue;
        const made = directory();
        change(parent, (entries) => entries.set(part, made));
        first ??= at;
      }
      return first;
    },
    readdirSync: (path: string) => [...(found(path) as Directory).entries.keys()],
  };

  return {
    files: (before) => {
      const watched = Object.entries(calls).map(([name, call]) => [
        name,
        (...args: unknown[]) => {
          before(name, String(args[0]));
          return (call as (...args: unknown[]) => unknown)(...args);
        },
      ]);
      return Object.fromEntries(watched) as FileCalls;
    },
    cut: (random) => {
      handles.clear();
      known.clear();
      used = cutNode(root, random, new Set());
    },
    fill: (full) => limit = full ? used : Infinity,
    changes: () => changes,
  };
}

/** What is left of a node without power; returns how many bytes that is. */
function cutNode(node: Node, random: Random, seen: Set<Node>): number {
  if (seen.has(node)) return 0;
  seen.add(node);
  if (node.kind === "file") {
    if (node.data !== node.synced) {
      node.data = node.synced = random.pick([left, torn, mixed, zeros, old])(node, random);
    }
    node.links = 0;
    return node.data.length;
  }
  if (node.pending.length > 0) {
    const entries = new Map(node.synced);
    for (const change of node.pending) if (random.chance(0.5)) change(entries);
    node.entries = entries;
    node.synced = new Map(entries);
    node.pending = [];
  }
  let used = 0;
  for (const entry of node.entries.values()) {
    used += cutNode(entry, random, seen);
    if (entry.kind === "file") entry.links++;
  }
  return used;
}

const left = ({ data }: File) => data;
const old = ({ synced }: File) => synced;
const torn = ({ data }: File, random: Random) => data.slice(0, random.below(data.length + 1));
/** The beginning is new, the rest as it was before. */
const mixed = ({ data, synced }: File, random: Random) => {
  const before = data.slice();
  before.fill(0);
  before.set(synced.subarray(0, data.length));
  before.set(data.subarray(0, random.below(data.length + 1)));
  return before;
};
const zeros = ({ data }: File) => new Uint8Array(data.length);

function directory(): Directory {
  return { kind: "directory", entries: new Map(), synced: new Map(), pending: [] };
}

function statsOf(node: Node): Stats {
  const isFile = node.kind === "file";
  const stats = {
    isFile: () => isFile,
    isDirectory: () => !isFile,
    isSymbolicLink: () => false,
    uid: me,
    mode: isFile ? 0o100600 : 0o40700,
    nlink: isFile ? node.links : 2,
    size: isFile ? node.data.length : 0,
    mtimeMs: isFile ? node.modified : 0,
    ino: isFile ? node.inode : 0,
  };
  return stats as unknown as Stats;
}

/** What a system throws. */
export function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function fail(code: string): never {
  throw systemError(code);
}
