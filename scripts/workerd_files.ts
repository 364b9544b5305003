/**
 * Which test files run in workerd: all that are about what runs everywhere, except those that are named here.
 *
 * @module
 */

import { roomOf, runsEverywhere } from "./rooms.ts";

/** Tests of what runs everywhere that stand outside of a room of their own. */
const more = /^tests\/(?:security\/|workerd\/|fake_clock_test\.ts$)/;

const commandLine = "it starts the command line, which is a process";
const socket = "it needs a server on a socket";
const redis = "it starts a redis-server";

/** Test files that cannot run in workerd, and why. */
export const notInWorkerd: Readonly<Record<string, string>> = {
  "tests/security/canaries_command_test.ts": commandLine,
  "tests/security/expired_registration_test.ts": commandLine,
  "tests/security/odd_metadata_test.ts": commandLine,
  "tests/security/redirects_test.ts": socket,
  "tests/security/requirements_authorization_code_listener_test.ts": socket,
  "tests/security/requirements_common_served_test.ts": socket,
  "tests/security/requirements_device_command_test.ts": commandLine,
  "tests/security/requirements_documents_test.ts": "it reads the files of the repository",
  "tests/security/requirements_refresh_and_revocation_command_test.ts": commandLine,
  "tests/security/requirements_registration_command_test.ts": commandLine,
  "tests/security/revoking_logout_test.ts": commandLine,
  "tests/session/stored_session_deno_kv_test.ts": "it opens Deno's key-value store, which is a file",
  "tests/session/stored_session_durable_object_test.ts": "it starts workerd itself, for its Durable Objects",
  "tests/session/stored_session_redis_test.ts": redis,
  "tests/store/deno_kv_test.ts": "it opens Deno's key-value store, which is a file",
  "tests/store/durable_object_test.ts": "it starts workerd itself, for its Durable Objects",
  "tests/store/redis_cluster_test.ts": redis,
  "tests/store/redis_durability_test.ts": redis,
  "tests/store/redis_failover_test.ts": redis,
  "tests/store/redis_failures_test.ts": redis,
  "tests/store/redis_processes_test.ts": redis,
  "tests/store/redis_test.ts": redis,
};

/** Node's modules that test files import, and what stands in for them. */
export const standIns: Readonly<Record<string, string>> = {
  "node:assert/strict": "tests/workerd/assert.ts",
  "node:test": "tests/workerd/test.ts",
  "node:timers": "tests/workerd/timers.ts",
  "node:util": "tests/workerd/inspect.ts",
};

/** Whether a test file is about what runs everywhere. */
export function isOfTheCore(file: string): boolean {
  if (more.test(file)) return true;
  const source = file.replace(/^tests\//, "lib/").replace(/_test\.ts$/, ".ts");
  return roomOf(source) !== undefined && runsEverywhere(source);
}

/** Those of `files` that run in workerd. */
export function forWorkerd(files: readonly string[]): string[] {
  return files.filter((file) => isOfTheCore(file) && !(file in notInWorkerd));
}
