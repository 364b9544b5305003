/**
 * Stores: what keeps versioned bytes between two runs, and the encryption of whatever any of them keeps.
 *
 * @module
 */

export { type Clock } from "../clock.ts";
export { type Blobs, blobStore, type BlobStoreOptions } from "./blob.ts";
export { type ConnectionOptions, type FencedLease, type FencedStore } from "./connection.ts";
export { encryptedStore } from "./encrypted_store.ts";
export { memoryStore, type MemoryStoreOptions } from "./memory.ts";
export { requireForRefreshTokens } from "./requirements.ts";
export { type Lease, type Store, type StoreCapabilities, type StoredValue } from "./store.ts";
